"""What an account has by every service that knows, read through one door; and the checks that hold always."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, localcontext
from typing import Any

from tests.support.doors import Door, rpc_named
from tests.support.mesh import wait_until

ACCOUNT = "accounts/paper"
_EXACT = Context(prec=60, traps=[Inexact])


@dataclass(frozen=True, slots=True)
class Books:
    """An account at rest. All values are messages of the contracts, in the order they were listed.

    Attributes:
        orders: every order, newest first.
        fills: every fill, newest first.
        balances: what the venue says it holds.
        positions: by instrument.
        portfolio: its worth.
        ledger: every ledger entry, newest first.
        trial_balance: sum of the ledger.
        exposure: what risk thinks it holds.
    """

    orders: tuple[Any, ...]
    fills: tuple[Any, ...]
    balances: tuple[Any, ...]
    positions: tuple[Any, ...]
    portfolio: Any
    ledger: tuple[Any, ...]
    trial_balance: Any
    exposure: Any


def read_books(door: Door) -> Books:
    """Read everything, page by page."""
    return Books(
        orders=pages(door, "ExchangeService.ListOrders", "orders"),
        fills=pages(door, "ExchangeService.ListFills", "fills"),
        balances=tuple(_of(door, "ExchangeService.ListBalances", parent=ACCOUNT).balances),
        positions=pages(door, "PortfolioService.ListPositions", "positions"),
        portfolio=_of(door, "PortfolioService.GetPortfolio", name=f"{ACCOUNT}/portfolio"),
        ledger=pages(door, "PortfolioService.ListLedgerEntries", "ledger_entries"),
        trial_balance=_of(door, "PortfolioService.GetTrialBalance", name=f"{ACCOUNT}/trialBalance"),
        exposure=_of(door, "RiskService.GetExposure", name=f"{ACCOUNT}/exposure"),
    )


def pages(door: Door, rpc: str, field: str) -> tuple[Any, ...]:
    """All entries of a list."""
    found: list[Any] = []
    token = ""
    while True:
        answer = _of(door, rpc, parent=ACCOUNT, page_size=200, page_token=token)
        found += getattr(answer, field)
        token = answer.next_page_token
        if not token:
            return tuple(found)


def wait_booked(door: Door, bound: float = 30.0) -> None:
    """Waits until portfolio and risk have every fill that exchange has. Nothing may trade meanwhile."""

    def booked() -> bool:
        fills = pages(door, "ExchangeService.ListFills", "fills")
        positions = pages(door, "PortfolioService.ListPositions", "positions")
        portfolio = _of(door, "PortfolioService.GetPortfolio", name=f"{ACCOUNT}/portfolio")
        exposure = _of(door, "RiskService.GetExposure", name=f"{ACCOUNT}/exposure")
        held = {holding.asset: Decimal(holding.quantity) for holding in portfolio.holdings}
        known = {asset.asset: Decimal(asset.quantity) for asset in exposure.assets}
        return sum(position.fill_count for position in positions) == len(fills) and held == known

    wait_until(booked, "every fill booked in portfolio and risk", bound)


def check_books(books: Books, venue_fills: Iterable[Any]) -> None:
    """Everything that must hold of an account at rest, exactly.

    Args:
        books: of the account.
        venue_fills: the venue's own fills of it.
    """
    with localcontext(_EXACT):
        _check_fills(books, list(venue_fills))
        _check_orders(books)
        _check_positions(books)
        _check_money(books)


def _check_fills(books: Books, venue_fills: list[Any]) -> None:
    """The same fills at the venue, in exchange and in portfolio: none lost, none twice."""
    at_exchange = {fill.venue_trade_id: fill for fill in books.fills}
    assert len(at_exchange) == len(books.fills)
    at_venue = {str(fill.trade_id): fill for fill in venue_fills}
    assert at_exchange.keys() == at_venue.keys()
    for trade, ours in at_exchange.items():
        theirs = at_venue[trade]
        assert (ours.price, ours.quantity, ours.fee) == (theirs.price, theirs.quantity, theirs.fee)
        # The mesh keeps microseconds, the venue nanoseconds.
        assert ours.exchange_time.ToMicroseconds() == theirs.exchange_time.ToMicroseconds()
    booked = [entry.source for entry in books.ledger if entry.source.startswith(f"{ACCOUNT}/fills/")]
    assert set(booked) == {fill.name for fill in books.fills}
    transactions = {(entry.source, entry.transaction_id) for entry in books.ledger}
    assert len(transactions) == len({entry.source for entry in books.ledger})


def _check_orders(books: Books) -> None:
    assert len({order.client_order_id for order in books.orders}) == len(books.orders)
    filled: dict[str, Decimal] = {}
    for fill in books.fills:
        filled[fill.order] = filled.get(fill.order, Decimal(0)) + Decimal(fill.quantity)
    for order in books.orders:
        assert Decimal(order.filled_quantity) == filled.get(order.name, Decimal(0)), order


def _check_positions(books: Books) -> None:
    """A position is the sum of its fills."""
    held: dict[str, Decimal] = {}
    for fill in books.fills:
        held[fill.instrument] = held.get(fill.instrument, Decimal(0)) + _signed(fill)
    assert {position.instrument: Decimal(position.quantity) for position in books.positions} == held
    for position in books.positions:
        assert position.fill_count == sum(fill.instrument == position.instrument for fill in books.fills)


def _check_money(books: Books) -> None:
    """Cash is what came in, less what was bought, plus what was sold, less fees; and nothing is lost."""
    deposits = sum(
        (-Decimal(row.amount) for row in _rows(books, "equity:deposits:") if row.asset == "usdt"), Decimal(0)
    )
    spent = sum((_signed(fill) * Decimal(fill.price) for fill in books.fills), Decimal(0))
    assert all(fill.fee_asset == "usdt" for fill in books.fills)
    fees = sum((Decimal(fill.fee) for fill in books.fills), Decimal(0))
    held = {holding.asset: Decimal(holding.quantity) for holding in books.portfolio.holdings}
    assert held["usdt"] == deposits - spent - fees

    worth = books.portfolio
    assert Decimal(worth.net_deposits) == deposits
    assert Decimal(worth.fees) == fees
    assert not worth.missing_prices
    gain = Decimal(worth.realized_pnl) + Decimal(worth.unrealized_pnl)
    assert Decimal(worth.equity) == deposits + gain - fees
    assert Decimal(worth.equity) == sum(
        (Decimal(holding.quantity) * Decimal(holding.price) for holding in worth.holdings), Decimal(0)
    )

    assert books.trial_balance.balanced
    assert {total.amount for total in books.trial_balance.totals} == {"0"}
    for asset in held:
        assert sum((Decimal(row.amount) for row in _rows(books, "") if row.asset == asset), Decimal(0)) == 0
    by_venue = {balance.asset: Decimal(balance.free) + Decimal(balance.locked) for balance in books.balances}
    assert by_venue == held
    assert {asset.asset: Decimal(asset.quantity) for asset in books.exposure.assets} == held


def _rows(books: Books, prefix: str) -> list[Any]:
    return [row for row in books.trial_balance.rows if row.ledger_account.startswith(prefix)]


def _signed(fill: Any) -> Decimal:
    quantity = Decimal(fill.quantity)
    return quantity if fill.side == 1 else -quantity


def _of(door: Door, rpc: str, **request: Any) -> Any:
    return door.call(rpc_named(rpc), request)
