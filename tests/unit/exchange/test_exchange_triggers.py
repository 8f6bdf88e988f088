"""Triggers against plain arithmetic: exactly at the price, never away from the market, once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.domain.assets import Side
from services.exchange.domain.terms import (
    LimitIfTouchedTerms,
    LimitTerms,
    MarketIfTouchedTerms,
    Offset,
    OffsetKind,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TrailingStopTerms,
    Trigger,
    TriggerSource,
)
from services.exchange.domain.triggers import (
    Quote,
    TriggerStatus,
    first_status,
    goes_off_at_once,
    observe,
    trailing_price,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICK = Decimal("0.5")
_ticks = st.integers(2, 400).map(lambda count: count * TICK)
_prices = st.lists(_ticks, min_size=1, max_size=30)
_sides = st.sampled_from(Side)
_offsets = st.one_of(
    st.builds(Offset, st.just(OffsetKind.ABSOLUTE), _ticks),
    st.builds(Offset, st.just(OffsetKind.PERCENT), st.decimals("0.01", "99.99", places=2)),
    st.builds(Offset, st.just(OffsetKind.TICKS), st.integers(1, 300).map(Decimal)),
)


def follow(side: Side, terms: Terms, prices: list[Decimal]) -> list[TriggerStatus]:
    """The status after each price."""
    status = first_status(terms)
    assert status is not None
    seen = []
    for number, price in enumerate(prices):
        status = observe(side, terms, status, price, TICK, NOW + timedelta(seconds=number))
        seen.append(status)
    return seen


@given(side=_sides, trigger=_ticks, prices=_prices, stop=st.booleans(), limited=st.booleans())
def test_a_standing_trigger_goes_off_at_the_first_price_that_reaches_it(
    side: Side, trigger: Decimal, prices: list[Decimal], stop: bool, limited: bool
) -> None:
    at, limit = Trigger(trigger), LimitTerms(trigger)
    terms: Terms
    if stop:
        terms = StopLimitTerms(at, limit) if limited else StopMarketTerms(at)
    else:
        terms = LimitIfTouchedTerms(at, limit) if limited else MarketIfTouchedTerms(at)
    upwards = (side is Side.BUY) == stop
    reaches = [price >= trigger if upwards else price <= trigger for price in prices]
    assert goes_off_at_once(side, terms, prices[0]) == reaches[0]
    last = follow(side, terms, prices)[-1]
    assert last.gone_off == any(reaches)
    if any(reaches):
        first = reaches.index(True)
        assert last.market_price == prices[first]
        assert last.trigger_time == NOW + timedelta(seconds=first)
    assert last.price == trigger
    # Which prices come before the one that reaches it does not matter.
    quiet = sorted(price for price, reached in zip(prices, reaches, strict=True) if not reached)
    assert not quiet or not follow(side, terms, quiet)[-1].gone_off


@given(side=_sides, offset=_offsets, prices=_prices, activation=st.one_of(st.none(), _ticks))
def test_a_trailing_trigger_never_moves_away_from_the_market(
    side: Side, offset: Offset, prices: list[Decimal], activation: Decimal | None
) -> None:
    sign = 1 if side is Side.SELL else -1
    terms = TrailingStopTerms(offset, activation)
    before: TriggerStatus | None = None
    for price, status in zip(prices, follow(side, terms, prices), strict=True):
        if before is not None and before.price is not None:
            assert status.price is not None
            assert sign * status.price >= sign * before.price
        if before is not None and before.gone_off:
            assert status is before
        if status.price is not None and not status.gone_off:
            # It stands on the far side of the market, on the tick.
            assert sign * status.price < sign * price
            assert status.price % TICK == 0
        before = status


@given(side=_sides, offset=_offsets, prices=_prices, activation=st.one_of(st.none(), _ticks))
def test_a_trailing_stop_against_plain_sums(
    side: Side, offset: Offset, prices: list[Decimal], activation: Decimal | None
) -> None:
    """From the activation on: the best price so far, and off at the first price at the offset from it."""
    sign = 1 if side is Side.SELL else -1
    last = follow(side, TrailingStopTerms(offset, activation), prices)[-1]
    active = [activation is None or sign * price >= sign * activation for price in prices]
    if not any(active):
        assert last == TriggerStatus()
        return
    best: Decimal | None = None
    for number in range(active.index(True), len(prices)):
        price = prices[number]
        trigger = None if best is None else trailing_price(side, offset, best, TICK)
        if trigger is not None and sign * price <= sign * trigger:
            assert (last.best_price, last.price, last.market_price) == (best, trigger, price)
            assert last.trigger_time == NOW + timedelta(seconds=number)
            return
        best = price if best is None or sign * price > sign * best else best
    assert (last.best_price, last.gone_off) == (best, False)


@given(offset=_offsets, best=_ticks, side=_sides)
def test_the_offset_is_kept_at_least_and_by_less_than_a_tick_more(
    offset: Offset, best: Decimal, side: Side
) -> None:
    distance = {
        OffsetKind.ABSOLUTE: offset.amount,
        OffsetKind.PERCENT: best * offset.amount / 100,
        OffsetKind.TICKS: offset.amount * TICK,
    }[offset.kind]
    price = trailing_price(side, offset, best, TICK)
    if price is None:
        assert side is Side.SELL
        assert best - distance < TICK
        return
    assert 0 <= abs(best - price) - distance < TICK


@pytest.mark.parametrize(
    ("side", "source", "expected"),
    [
        (Side.BUY, TriggerSource.LAST, "100"),
        (Side.SELL, TriggerSource.LAST, "100"),
        (Side.BUY, TriggerSource.BOOK, "101"),
        (Side.SELL, TriggerSource.BOOK, "99"),
    ],
)
def test_the_price_that_is_compared(side: Side, source: TriggerSource, expected: str) -> None:
    quote = Quote(Decimal(100), Decimal(99), Decimal(101))
    assert quote.compared(side, source) == Decimal(expected)
    assert Quote(last=Decimal(100)).over(quote) == quote
    assert Quote().compared(side, source) is None
