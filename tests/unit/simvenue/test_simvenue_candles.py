"""Candles against a plain grouping of the trades."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from services.simvenue.domain.candles import Candle, Candles, Interval, Series

SECOND = 1_000_000_000
TRADES = st.lists(st.tuples(st.integers(0, 4 * SECOND), st.integers(1, 50), st.integers(1, 9)), max_size=60)


@given(TRADES, st.sampled_from(list(Interval)))
def test_a_candle_is_what_its_trades_say(moves: list[tuple[int, int, int]], interval: Interval) -> None:
    candles, trades, now = Candles(), [], 0
    for pause, price, lots in moves:
        now += pause * (interval.value // SECOND)
        trades.append((now, price, lots))
        candles.add(now, price, lots)
    expected = []
    for number, group in groupby(trades, key=lambda trade: trade[0] // interval.value):
        members = list(group)
        prices = [price for _, price, _ in members]
        expected.append(
            Candle(
                number * interval.value,
                prices[0],
                max(prices),
                min(prices),
                prices[-1],
                sum(lots for _, _, lots in members),
                sum(price * lots for _, price, lots in members),
                len(members),
            )
        )
    assert candles.series(interval).between(None, None, 1000) == expected


def test_an_interval_without_a_trade_has_no_candle_and_ranges_are_half_open() -> None:
    series = Series(Interval.S1)
    for second in (1, 2, 5):
        series.add(second * SECOND, 100, 1)
    assert [candle.open_ns // SECOND for candle in series.between(None, None, 10)] == [1, 2, 5]
    assert [candle.open_ns // SECOND for candle in series.between(2 * SECOND, 5 * SECOND, 10)] == [2]
    assert [candle.open_ns // SECOND for candle in series.between(2 * SECOND, None, 1)] == [2]


def test_old_candles_are_forgotten() -> None:
    series = Series(Interval.S1, kept=3)
    for second in range(100):
        series.add(second * SECOND, 100, 1)
    kept = series.between(None, None, 1000)
    assert 3 <= len(kept) < 6
    assert kept[-1].open_ns == 99 * SECOND
