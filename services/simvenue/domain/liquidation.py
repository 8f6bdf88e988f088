"""What happens to an account whose perpetuals are no longer covered.

As at Binance ("Liquidation Protocols" in its support pages), in its plainest form: all orders that hold or
need the currency end, then positions are closed by market orders through the book, the one that needs most
cover first, until what is left is covered. Each costs a fee, which goes to the insurance fund as far as the
account has it. The debt of an account that holds nothing any more is the fund's to pay. Fee and payment are
transfers between two accounts, so that the venue's books add up to what they did before.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from services.kernel.decimals import EXACT
from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.account import Account
from services.simvenue.domain.clearing import Clearing
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market
from services.simvenue.domain.matching import Matching
from services.simvenue.domain.orders import MarketTerms, NewOrder, Order, Transfer, TransferKind
from services.simvenue.domain.positions import Position
from services.simvenue.domain.solvency import maintenance_of, mark_of, open_positions, solvency_of
from services.simvenue.domain.terms import OrderStatus, SelfTrade, Side

INSURANCE_FUND: Final = "insurance-fund"
"""Account of the fund; it may go below zero, where the venue owes the money itself."""
RESERVED: Final = "autoclose-"
"""Begin of the client order ids of liquidation orders, as at Binance; owners may not use it."""
_ZERO: Final = Decimal(0)

End = Callable[[Account, Order], object]


def refuse_reserved(client_order_id: str) -> None:
    """Refuse an owner's id that only the venue gives.

    Raises:
        DomainError: CLIENT_ORDER_ID_RESERVED.
    """
    if client_order_id.startswith(RESERVED):
        raise DomainError(
            "CLIENT_ORDER_ID_RESERVED",
            f"ids that begin with {RESERVED} are those of liquidation orders",
            kind=ErrorKind.INVALID,
            metadata={"clientOrderId": client_order_id},
        )


class Liquidation:
    """Closes what is not covered.

    Args:
        accounts: all real accounts by name, the fund among them.
        markets: all markets by symbol.
        clearing: books what happens.
        matching: brings orders to the book.
        order_ids: for liquidation orders.
        transfer_ids: for fees and payments of the fund.
        end: ends an order that is open.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        markets: Mapping[str, Market],
        clearing: Clearing,
        matching: Matching,
        *,
        order_ids: Iterator[int],
        transfer_ids: Iterator[int],
        end: End,
    ) -> None:
        self._accounts = accounts
        self._markets = markets
        self._clearing = clearing
        self._matching = matching
        self._order_ids = order_ids
        self._transfer_ids = transfer_ids
        self._end = end
        settled = {each.instrument.quote for each in markets.values() if each.instrument.perpetual}
        self._currencies = sorted(settled)

    def run(self) -> None:
        """Liquidate every account that is broken; its trades may break others."""
        while any(self._cover(account, each) for account in self._holders() for each in self._currencies):
            pass

    def _holders(self) -> list[Account]:
        return [each for each in self._accounts.values() if each.positions]

    def _cover(self, account: Account, currency: str) -> bool:
        """Close positions of an account until the rest is covered; answers whether anything was traded."""
        if not self._broken(account, currency):
            self._pay_debt(account, currency)
            return False
        for order in account.open_orders():
            if _needs(order, self._markets[order.request.symbol].instrument, currency):
                self._end(account, order)
        traded = False
        for position, market in self._by_weight(account, currency):
            if not self._broken(account, currency):
                break
            traded = self._close(account, position, market) or traded
        self._pay_debt(account, currency)
        return traded

    def _broken(self, account: Account, currency: str) -> bool:
        found = solvency_of(account, currency, self._markets)
        return found is not None and found.broken

    def _by_weight(self, account: Account, currency: str) -> list[tuple[Position, Market]]:
        def weight(held: tuple[Position, Market]) -> Decimal:
            position, market = held
            return maintenance_of(position, market.instrument, mark_of(market) or _ZERO)

        found = list(open_positions(account, currency, self._markets))
        return sorted(found, key=weight, reverse=True)

    def _close(self, account: Account, position: Position, market: Market) -> bool:
        """Close a position as far as the book goes; answers whether anything was traded."""
        side = Side.SELL if position.quantity > 0 else Side.BUY
        if market.book.best(side.opposite) is None:
            return False
        order = self._order(account, position.symbol, side, position.quantity.copy_abs())
        account.put(order)
        self._clearing.report(account, order)
        self._matching.match(account, market, order)
        self._clearing.settle(account)
        self._charge(account, market.instrument, account.order(order.venue_order_id).notional)
        self._matching.set_off(market)
        return True

    def _order(self, account: Account, symbol: str, side: Side, quantity: Decimal) -> Order:
        number, now_ns = next(self._order_ids), self._clearing.time_ns
        request = NewOrder(
            f"{RESERVED}{number}", symbol, side, quantity, MarketTerms(), None, SelfTrade.NONE, True
        )
        none = (_ZERO, _ZERO, _ZERO)
        return Order(number, account.name, request, OrderStatus.OPEN, None, *none, now_ns, now_ns)

    def _charge(self, account: Account, instrument: Instrument, notional: Decimal) -> None:
        """Take the fee, as far as there is money."""
        rate = instrument.perpetual.liquidation_fee_rate if instrument.perpetual else _ZERO
        fee = min(EXACT.multiply(notional, rate), account.free(instrument.quote))
        if fee > 0:
            self._move(account, instrument.quote, fee.copy_negate(), instrument.symbol)

    def _pay_debt(self, account: Account, currency: str) -> None:
        """Let the fund pay what an account owes that holds nothing any more."""
        has = account.total(currency)
        owes = has < 0 and account.name != INSURANCE_FUND
        if owes and not any(open_positions(account, currency, self._markets)):
            self._move(account, currency, has.copy_negate())

    def _move(self, account: Account, currency: str, amount: Decimal, symbol: str = "") -> None:
        """Move money from the fund to an account, or back where the amount is below zero."""
        for each, signed in ((account, amount), (self._accounts[INSURANCE_FUND], amount.copy_negate())):
            transfer = Transfer(
                next(self._transfer_ids),
                each.name,
                TransferKind.INSURANCE,
                currency,
                signed,
                self._clearing.time_ns,
                symbol,
            )
            self._clearing.transfer(each, transfer)


def _needs(order: Order, instrument: Instrument, currency: str) -> bool:
    """Whether an order holds a currency, or its perpetual settles in it."""
    if instrument.quote != currency:
        return False
    return instrument.perpetual is not None or order.request.side is Side.BUY
