"""Tax lots: which lot a closing takes from, and that nothing is lost between fills, lots and position."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portfolio.domain.events import Fill, Side
from services.portfolio.domain.lots import Gain, Lot, LotMethod, in_order, match_lots
from services.portfolio.domain.position import Position
from services.portfolio.storage.lots import price_key

NOON = datetime(2024, 8, 8, 12, tzinfo=UTC)


def fill(number: int, side: Side, quantity: Decimal, price: Decimal, minutes: int | None = None) -> Fill:
    return Fill(
        name=f"accounts/paper/fills/{number}",
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        base_asset="btc",
        quote_asset="usdt",
        side=side,
        price=price,
        quantity=quantity,
        fee=Decimal(0),
        fee_asset="usdt",
        exchange_time=NOON + timedelta(minutes=number if minutes is None else minutes),
    )


class Books:
    """Lots and gains of one instrument."""

    def __init__(self) -> None:
        self.lots: dict[int, Lot] = {}
        self.gains: list[Gain] = []

    def open(self) -> list[Lot]:
        return [lot for lot in self.lots.values() if lot.remaining > 0]

    def book(self, fill: Fill, method: LotMethod) -> None:
        matched = match_lots(fill, in_order(self.open(), method), method)
        self.gains += matched.gains
        for lot in matched.changed:
            self.lots[lot.number] = lot
        if matched.opened is not None:
            number = len(self.lots) + 1
            self.lots[number] = replace(matched.opened, number=number)


def traded(most: str) -> st.SearchStrategy[list[tuple[Side, Decimal, Decimal, LotMethod]]]:
    """Trades of up to so much each, and the account's method at each."""
    return st.lists(
        st.tuples(
            st.sampled_from(Side),
            st.decimals("0.001", most, places=3),
            st.decimals("1", "100", places=2),
            st.sampled_from(LotMethod),
        ),
        max_size=30,
    )


@given(traded("9"))
def test_lots_sum_to_the_position_and_gains_to_its_profit(
    history: list[tuple[Side, Decimal, Decimal, LotMethod]],
) -> None:
    books, position = Books(), Position("paper", "sim", "btc-usdt", "btc", "usdt")
    for number, (side, quantity, price, method) in enumerate(history, start=1):
        happened = fill(number, side, quantity, price)
        position = position.apply(happened)
        books.book(happened, method)
        assert sum(lot.signed for lot in books.open()) == position.quantity
        assert len({lot.side for lot in books.open()}) <= 1
    # Whichever lots were chosen: what was gained and what is still bound is the same money.
    bound = sum(lot.signed * lot.price for lot in books.open())
    assert sum(gain.amount for gain in books.gains) - bound == position.realized_pnl - position.cost
    for number, lot in books.lots.items():
        closed = sum(gain.quantity for gain in books.gains if gain.lot.number == number)
        assert closed + lot.remaining == lot.quantity
    for gain in books.gains:
        assert gain.amount == gain.proceeds - gain.cost


@given(traded("0.02"))
def test_first_in_first_out_against_a_queue_of_units(
    history: list[tuple[Side, Decimal, Decimal, LotMethod]],
) -> None:
    """A slow model in fractions: every thousandth of a coin is an object of its own."""
    books = Books()
    queue: list[tuple[int, Fraction]] = []
    gained = Fraction(0)
    for number, (side, quantity, price, _) in enumerate(history, start=1):
        books.book(fill(number, side, quantity, price), LotMethod.FIFO)
        for _unit in range(int(quantity * 1000)):
            if queue and queue[0][0] != side.value:
                sign, opened = queue.pop(0)
                gained += sign * (Fraction(price) - opened) / 1000
            else:
                queue.append((side.value, Fraction(price)))
    assert Fraction(sum((gain.amount for gain in books.gains), Decimal(0))) == gained
    assert Fraction(sum((lot.signed for lot in books.open()), Decimal(0))) == Fraction(
        sum(sign for sign, _ in queue), 1000
    )


@pytest.mark.parametrize(
    ("method", "closed_at", "gain"),
    [(LotMethod.FIFO, 100, 30), (LotMethod.LIFO, 110, 20), (LotMethod.HIFO, 120, 10)],
)
def test_each_method_takes_its_lot(method: LotMethod, closed_at: int, gain: int) -> None:
    books = Books()
    for number, price in enumerate((100, 120, 110), start=1):
        books.book(fill(number, Side.BUY, Decimal(1), Decimal(price)), LotMethod.FIFO)
    books.book(fill(60, Side.SELL, Decimal(1), Decimal(130)), method)
    assert [(each.lot.price, each.amount) for each in books.gains] == [(Decimal(closed_at), Decimal(gain))]
    assert books.gains[0].held == timedelta(minutes=60 - books.gains[0].lot.number)


def test_of_short_lots_the_cheapest_goes_first_by_hifo() -> None:
    books = Books()
    for number, price in enumerate((100, 120, 110), start=1):
        books.book(fill(number, Side.SELL, Decimal(1), Decimal(price)), LotMethod.HIFO)
    books.book(fill(4, Side.BUY, Decimal("1.5"), Decimal(90)), LotMethod.HIFO)
    assert [(gain.lot.price, gain.amount) for gain in books.gains] == [
        (Decimal(100), Decimal(10)),
        (Decimal(110), Decimal(10)),
    ]


def test_a_fill_that_flips_closes_every_lot_and_opens_one_the_other_way() -> None:
    books = Books()
    books.book(fill(1, Side.BUY, Decimal(2), Decimal(100)), LotMethod.FIFO)
    books.book(fill(2, Side.SELL, Decimal(5), Decimal(101)), LotMethod.FIFO)
    assert [(lot.side, lot.remaining) for lot in books.open()] == [(Side.SELL, Decimal(3))]
    assert [gain.amount for gain in books.gains] == [Decimal(2)]


def test_a_fill_that_came_late_was_held_no_time_rather_than_less() -> None:
    books = Books()
    books.book(fill(1, Side.BUY, Decimal(1), Decimal(100), minutes=5), LotMethod.FIFO)
    books.book(fill(2, Side.SELL, Decimal(1), Decimal(101), minutes=3), LotMethod.FIFO)
    assert books.gains[0].held == timedelta(0)


@given(st.lists(st.decimals("0.00000001", "99999999999", places=8), min_size=2))
def test_prices_sort_as_text_as_they_do_as_numbers(prices: list[Decimal]) -> None:
    assert sorted(prices) == sorted(prices, key=price_key)
