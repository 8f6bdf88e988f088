"""The order book against a plain dictionary, and its sequence check."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.market.domain.book import BookKeeper, Level, OrderBook, SequenceGapError
from tests.support.market import BTC, START, book, levels

_levels = st.lists(
    st.builds(
        Level,
        st.integers(1, 30).map(lambda ticks: Decimal(ticks) / 4),
        st.integers(0, 3).map(Decimal),
    ),
    max_size=8,
)


@given(_levels, _levels, st.lists(st.tuples(_levels, _levels), max_size=12), st.integers(1, 12))
def test_deltas_make_the_book_of_a_plain_model(
    bids: list[Level], asks: list[Level], deltas: list[tuple[list[Level], list[Level]]], depth: int
) -> None:
    keeper = BookKeeper(BTC)
    keeper.replace(OrderBook(BTC, tuple(bids), tuple(asks), 100, START, START))
    model = [{each.price: each.quantity for each in side} for side in (bids, asks)]
    for number, delta in enumerate(deltas, start=101):
        moment = START + timedelta(seconds=number)
        keeper.change(OrderBook(BTC, tuple(delta[0]), tuple(delta[1]), number, moment, moment))
        for side, changes in zip(model, delta, strict=True):
            side.update({each.price: each.quantity for each in changes})
    wanted = [sorted((p, q) for p, q in side.items() if q > 0) for side in model]
    view = keeper.view(depth)
    assert view is not None
    assert [(each.price, each.quantity) for each in view.bids] == wanted[0][::-1][:depth]
    assert [(each.price, each.quantity) for each in view.asks] == wanted[1][:depth]
    assert view.sequence == 100 + len(deltas)
    best = keeper.top()
    assert [each and each.price for each in best] == [
        wanted[0][-1][0] if wanted[0] else None,
        wanted[1][0][0] if wanted[1] else None,
    ]


@pytest.mark.parametrize("sequence", [9, 10, 12])
def test_a_gap_or_a_repeat_is_found_and_changes_nothing(sequence: int) -> None:
    keeper = BookKeeper(BTC)
    keeper.replace(book(10))
    with pytest.raises(SequenceGapError) as caught:
        keeper.change(book(sequence, 1, levels(("99", "0")), ()))
    assert caught.value.expected == 11
    assert keeper.view(10) == book(10)


def test_a_change_before_any_snapshot_is_a_gap() -> None:
    keeper = BookKeeper(BTC)
    assert keeper.view(1) is None
    with pytest.raises(SequenceGapError):
        keeper.step(1)
