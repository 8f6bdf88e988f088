"""Perpetuals and strategies: position arithmetic against exact fractions, and what the ledger holds of it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portfolio.domain.booking import book_correction, book_fill, book_transfer, reverse
from services.portfolio.domain.events import Contract, Correction, Fill, Side, Transfer, TransferKind
from services.portfolio.domain.ledger import Transaction, TransactionKind, totals
from services.portfolio.domain.position import COST_STEP, Position

NOW = datetime(2024, 8, 8, 23, 54, tzinfo=UTC)
LINEAR = Contract(Decimal("0.001"), "usdt", inverse=False)
INVERSE = Contract(Decimal(100), "btc", inverse=True)
MARK = Decimal("61234.5")


def fill(
    side: Side,
    quantity: Decimal,
    price: Decimal,
    contract: Contract | None = INVERSE,
    strategy: str = "",
    fee: Decimal = Decimal(0),
) -> Fill:
    return Fill(
        name="accounts/paper/fills/f",
        account="paper",
        venue="sim",
        instrument="btc-usd-perp",
        base_asset="btc",
        quote_asset="usd" if contract is INVERSE else "usdt",
        side=side,
        price=price,
        quantity=quantity,
        fee=fee,
        fee_asset="bnb",
        exchange_time=NOW,
        strategy=strategy,
        contract=contract,
    )


def histories(contracts: Iterable[Contract | None]) -> st.SearchStrategy[list[Fill]]:
    """Fills of one instrument, by three strategies."""
    return st.sampled_from(list(contracts)).flatmap(
        lambda contract: st.lists(
            st.builds(
                fill,
                st.sampled_from(Side),
                st.decimals("1", "500", places=0),
                st.decimals("0.5", "99999", places=1),
                st.just(contract),
                st.sampled_from(["", "a", "b"]),
                st.decimals("-1", "1", places=6),
            ),
            min_size=1,
            max_size=25,
        )
    )


def flat(example: Fill) -> Position:
    return Position(
        "paper", "sim", example.instrument, example.base_asset, example.quote_asset, contract=example.contract
    )


def after(history: list[Fill]) -> Position:
    position = flat(history[0])
    for each in history:
        position = position.apply(each)
    return position


def value_of(change: Fraction, price: Fraction, contract: Contract | None) -> Fraction:
    """What a signed quantity costs, without any rounding."""
    if contract is None:
        return change * price
    units = change * Fraction(contract.size)
    return -units / price if contract.inverse else units * price


@given(histories([None, LINEAR, INVERSE]))
def test_profit_is_that_of_exact_fractions(history: list[Fill]) -> None:
    position = after(history)
    quantity, cost, realized = Fraction(0), Fraction(0), Fraction(0)
    for each in history:
        change, price = Fraction(each.quantity) * each.side.value, Fraction(each.price)
        if quantity * change < 0:
            closed = change if abs(change) <= abs(quantity) else -quantity
            out = cost * abs(closed) / abs(quantity)
            realized += -value_of(closed, price, each.contract) - out
            cost -= out
            quantity += closed
            change -= closed
        quantity += change
        cost += value_of(change, price, each.contract)
    # A fill rounds at most three times by half a step: its worth, the part that opens, the cost taken out.
    tolerance = Fraction(COST_STEP) * 2 * len(history)
    assert Fraction(position.quantity) == quantity
    assert abs(Fraction(position.cost) - cost) <= tolerance
    assert abs(Fraction(position.realized_pnl) - realized) <= tolerance


@given(histories([None, LINEAR, INVERSE]))
def test_strategies_sum_to_the_account(history: list[Fill]) -> None:
    whole = after(history)
    parts = [
        after([each for each in history if each.strategy == name])
        for name in {each.strategy for each in history}
    ]
    assert sum(part.quantity for part in parts) == whole.quantity
    assert sum(part.fill_count for part in parts) == whole.fill_count
    # What was paid in less what was taken out is the same money, whoever's it is.
    assert sum(part.cost - part.realized_pnl for part in parts) == whole.cost - whole.realized_pnl
    gained = [part.realized_pnl + part.unrealized_pnl(MARK) for part in parts]
    # The worth at the mark price of an inverse contract is rounded once for each part.
    tolerance = COST_STEP * (len(parts) + 1) if whole.contract is INVERSE else 0
    assert abs(sum(gained) - whole.realized_pnl - whole.unrealized_pnl(MARK)) <= tolerance


@given(histories([LINEAR, INVERSE]))
def test_the_ledger_of_a_perpetual_balances_and_holds_profit_and_contracts(history: list[Fill]) -> None:
    position = flat(history[0])
    booked: list[Transaction] = []
    for each in history:
        next_position = position.apply(each)
        booked.append(book_fill(each, next_position.realized_pnl - position.realized_pnl))
        position = next_position
    entries = [entry for transaction in booked for entry in transaction.entries]
    assert set(totals(entries).values()) <= {Decimal(0)}
    held = totals(entry for entry in entries if entry.ledger_account.startswith("assets:"))
    assert held.get(position.settle_asset, Decimal(0)) == position.realized_pnl
    assert held.get("bnb", Decimal(0)) == -sum(each.fee for each in history)
    assert set(held) <= {position.settle_asset, "bnb"}
    counted = totals(entry for entry in entries if entry.ledger_account == "memo:position:sim:btc-usd-perp")
    assert counted.get("contract:sim:btc-usd-perp", Decimal(0)) == position.quantity


def test_an_inverse_position_worked_out() -> None:
    """1000 and 2000 contracts of one dollar at 5000 and 6000: the harmonic mean is 5625."""
    one_dollar = Contract(Decimal(1), "btc", inverse=True)
    position = after(
        [
            fill(Side.BUY, Decimal(1000), Decimal(5000), one_dollar),
            fill(Side.BUY, Decimal(2000), Decimal(6000), one_dollar),
        ]
    )
    assert position.average_price() == Decimal(5625)
    # 3000 * (1/5625 - 1/6250) = 0.053333...
    gained = position.unrealized_pnl(Decimal(6250))
    assert gained == Decimal("0.053333333333333333")
    closed = position.apply(fill(Side.SELL, Decimal(3000), Decimal(6250), one_dollar))
    assert (closed.quantity, closed.cost) == (Decimal(0), Decimal(0))
    assert closed.realized_pnl == gained


def test_a_short_inverse_position_gains_when_the_price_falls() -> None:
    position = after(
        [fill(Side.SELL, Decimal(10), Decimal(50000)), fill(Side.BUY, Decimal(15), Decimal(40000))]
    )
    assert position.realized_pnl == Decimal("0.005")
    assert position.quantity == Decimal(5)
    assert position.average_price() == Decimal(40000)


@pytest.mark.parametrize(
    ("kind", "booked_as", "counterpart"),
    [
        (TransferKind.DEPOSIT, TransactionKind.TRANSFER, "equity:deposits:usdt"),
        (TransferKind.WITHDRAWAL, TransactionKind.TRANSFER, "equity:deposits:usdt"),
        (TransferKind.FUNDING, TransactionKind.FUNDING, "income:funding:sim:btc-usdt-perp:usdt"),
        (TransferKind.INTERNAL, TransactionKind.INTERNAL, "equity:transit:usdt"),
        (TransferKind.CORRECTION, TransactionKind.CORRECTION, "equity:corrections:usdt"),
    ],
)
def test_each_kind_of_transfer_has_its_other_side(
    kind: TransferKind, booked_as: TransactionKind, counterpart: str
) -> None:
    moved = Transfer("t1", "paper", "sim", "usdt", Decimal("-2.5"), NOW, kind, "btc-usdt-perp")
    transaction = book_transfer(moved)
    assert transaction.kind is booked_as
    assert {entry.ledger_account: entry.amount for entry in transaction.entries} == {
        "assets:sim:usdt": Decimal("-2.5"),
        counterpart: Decimal("2.5"),
    }


def test_what_is_on_its_way_between_two_venues_comes_to_nothing() -> None:
    there = book_transfer(Transfer("t1", "paper", "a", "usdt", Decimal(-7), NOW, TransferKind.INTERNAL))
    here = book_transfer(Transfer("t2", "paper", "b", "usdt", Decimal(7), NOW, TransferKind.INTERNAL))
    transit = totals(
        entry for entry in (*there.entries, *here.entries) if entry.ledger_account == "equity:transit:usdt"
    )
    assert transit == {"usdt": Decimal(0)}


def test_a_reversal_takes_back_exactly_what_was_booked() -> None:
    booked = book_correction(
        Correction("c1", "paper", "sim", "usdt", Decimal("12.5"), NOW, "missed a deposit")
    )
    back = reverse(booked, name="c2", time=NOW, reason="it came after all")
    assert back.kind is TransactionKind.REVERSAL
    sums: dict[str, Decimal] = {}
    for entry in (*booked.entries, *back.entries):
        sums[entry.ledger_account] = sums.get(entry.ledger_account, Decimal(0)) + entry.amount
    assert set(sums.values()) == {Decimal(0)}
