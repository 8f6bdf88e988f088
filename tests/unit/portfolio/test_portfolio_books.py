"""The ledger balances and the position arithmetic is exact, whatever the fills."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portfolio.domain.booking import book_fill, book_transfer
from services.portfolio.domain.events import Fill, Side, Transfer
from services.portfolio.domain.ledger import Entry, Transaction, TransactionKind, UnbalancedError, totals
from services.portfolio.domain.position import COST_STEP, Position

NOW = datetime(2024, 8, 8, 23, 54, tzinfo=UTC)


def fill(side: Side, quantity: Decimal, price: Decimal, fee: Decimal, fee_asset: str = "usdt") -> Fill:
    return Fill(
        name="accounts/paper/fills/f",
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        base_asset="btc",
        quote_asset="usdt",
        side=side,
        price=price,
        quantity=quantity,
        fee=fee,
        fee_asset=fee_asset,
        exchange_time=NOW,
    )


fills = st.builds(
    fill,
    st.sampled_from(Side),
    st.decimals("0.00001", "1000", places=5),
    st.decimals("0.01", "100000", places=2),
    st.decimals("-10", "10", places=8),
    st.sampled_from(["usdt", "btc", "bnb"]),
)


def flat() -> Position:
    return Position("paper", "sim", "btc-usdt", "btc", "usdt")


@given(fills)
def test_a_fill_sums_to_zero_in_every_asset(fill: Fill) -> None:
    sums = totals(book_fill(fill).entries)
    assert set(sums.values()) <= {Decimal(0)}
    assert {"btc", "usdt"} <= set(sums)


def test_a_fill_moves_what_was_traded() -> None:
    entries = book_fill(fill(Side.BUY, Decimal("0.5"), Decimal(60000), Decimal("0.001"), "btc")).entries
    held = totals(entry for entry in entries if entry.ledger_account.startswith("assets:"))
    assert held == {"btc": Decimal("0.499"), "usdt": Decimal(-30000)}


def test_a_deposit_is_owed_to_the_owner() -> None:
    entries = book_transfer(Transfer("t1", "paper", "sim", "usdt", Decimal(100000), NOW)).entries
    assert {entry.ledger_account: entry.amount for entry in entries} == {
        "assets:sim:usdt": Decimal(100000),
        "equity:deposits:usdt": Decimal(-100000),
    }


def test_an_unbalanced_transaction_cannot_be_made() -> None:
    with pytest.raises(UnbalancedError, match="usdt"):
        Transaction(
            "paper",
            TransactionKind.FILL,
            "f",
            NOW,
            (Entry("assets:sim:usdt", "usdt", Decimal(1)), Entry("assets:sim:btc", "btc", Decimal(0))),
        )


@given(st.lists(fills, max_size=30))
def test_cost_and_profit_account_for_every_notional(history: list[Fill]) -> None:
    position = flat()
    for each in history:
        position = position.apply(each)
    signed = [(each.side.value * each.quantity, each.price) for each in history]
    assert position.quantity == sum(quantity for quantity, _ in signed)
    assert position.cost - position.realized_pnl == sum(quantity * price for quantity, price in signed)
    assert position.fill_count == len(history)
    assert position.quantity != 0 or position.cost == 0


@given(st.lists(fills, min_size=1, max_size=30))
def test_profit_equals_average_cost_in_exact_fractions(history: list[Fill]) -> None:
    position = flat()
    quantity, cost, realized = Fraction(0), Fraction(0), Fraction(0)
    for each in history:
        position = position.apply(each)
        change, price = Fraction(each.quantity) * each.side.value, Fraction(each.price)
        if quantity * change < 0:
            closed = change if abs(change) <= abs(quantity) else -quantity
            out = cost * abs(closed) / abs(quantity)
            realized += -closed * price - out
            cost -= out
            quantity += closed
            change -= closed
        quantity += change
        cost += change * price
    # Each fill rounds at most once, by half a step.
    tolerance = Fraction(COST_STEP) * len(history)
    assert Fraction(position.quantity) == quantity
    assert abs(Fraction(position.cost) - cost) <= tolerance
    assert abs(Fraction(position.realized_pnl) - realized) <= tolerance


def test_a_flip_closes_and_opens_the_other_way() -> None:
    position = flat()
    for each in (
        fill(Side.BUY, Decimal(2), Decimal(100), Decimal(0)),
        fill(Side.BUY, Decimal(1), Decimal(130), Decimal(0)),
        fill(Side.SELL, Decimal(5), Decimal(120), Decimal(0)),
    ):
        position = position.apply(each)
    assert position.quantity == Decimal(-2)
    assert position.realized_pnl == Decimal(30)
    assert position.average_price() == Decimal(120)
    assert position.unrealized_pnl(Decimal(110)) == Decimal(20)
