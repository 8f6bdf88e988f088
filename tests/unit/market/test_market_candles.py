"""Candles against a slow model that sums each span up from scratch."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.market.domain.candles import Candle, CandleSeries, History, Interval
from services.market.domain.trades import Trade
from tests.support.market import BTC, START, candle, trade

_amounts = st.decimals(min_value="0.0001", max_value="99999", places=4, allow_nan=False)


@st.composite
def _trades(draw: st.DrawFn) -> list[Trade]:
    steps = draw(st.lists(st.integers(0, 400_000_000), max_size=25))
    seconds = 0.0
    trades = []
    for number, micros in enumerate(steps):
        seconds += micros / 1_000_000
        price, quantity = draw(_amounts), draw(_amounts)
        trades.append(trade(number, seconds, str(price), str(quantity)))
    return trades


def _model(trades: Sequence[Trade], interval: Interval) -> list[tuple[object, ...]]:
    length = int(interval.length.total_seconds())
    spans: dict[int, list[Trade]] = {}
    for each in trades:
        spans.setdefault(int(Fraction(each.exchange_time.timestamp()) // length), []).append(each)
    return [
        (
            span * length,
            inside[0].price,
            max(each.price for each in inside),
            min(each.price for each in inside),
            inside[-1].price,
            sum(Fraction(each.quantity) for each in inside),
            sum(Fraction(each.quantity) * Fraction(each.price) for each in inside),
            len(inside),
        )
        for span, inside in sorted(spans.items())
    ]


def _facts(found: Candle) -> tuple[object, ...]:
    return (
        int(found.open_time.timestamp()),
        found.open_price,
        found.high_price,
        found.low_price,
        found.close_price,
        Fraction(found.base_volume),
        Fraction(found.quote_volume),
        found.trade_count,
    )


@given(_trades(), st.sampled_from(Interval))
def test_candles_equal_the_slow_model(trades: list[Trade], interval: Interval) -> None:
    series = CandleSeries(interval, 1000)
    closed = [each for one in trades for each in series.add(one)]
    if trades:
        closed += series.advance(trades[-1].exchange_time + interval.length)
    assert [_facts(each) for each in closed] == _model(trades, interval)
    assert all(each.closed for each in closed)
    assert list(series.all()) == closed


@given(_trades(), st.sampled_from(Interval), st.integers(0, 26), st.data())
def test_history_and_live_trades_make_the_candles_of_all_trades(
    trades: list[Trade], interval: Interval, cut: int, data: st.DataObject
) -> None:
    """The venue knows all; we join late, at any trade, with a few trades told twice."""
    known = trades[:cut]
    moment = known[-1].exchange_time if known else START
    complete_from = Interval.SECOND.floor(moment) + timedelta(seconds=1)
    history = History({each: _closed(trades, each, complete_from) for each in Interval}, complete_from)
    series = CandleSeries(interval, 1000)
    closed = series.resume(history)
    overlap = data.draw(st.integers(0, cut))
    for each in trades[max(0, min(cut, len(trades)) - overlap) :]:
        closed += series.add(each)
    end = (trades[-1].exchange_time if trades else START) + interval.length * 2
    closed += series.advance(end)
    assert [_facts(each) for each in closed] == _model(trades, interval)


def _closed(trades: Sequence[Trade], interval: Interval, until: datetime) -> list[Candle]:
    series = CandleSeries(interval, 1000)
    closed = [each for one in trades for each in series.add(one)]
    closed += series.advance(START + timedelta(days=30))
    return [each for each in closed if each.close_time <= until]


def test_a_candle_closes_when_time_passes_without_a_trade() -> None:
    series = CandleSeries(Interval.SECOND, 10)
    series.add(trade(1, 0.5))
    assert series.advance(START + timedelta(seconds=0.999999)) == []
    (closed,) = series.advance(START + timedelta(seconds=1))
    assert closed.closed
    assert closed.close_time == START + timedelta(seconds=1)
    assert series.advance(START + timedelta(seconds=5)) == []


def test_a_late_trade_changes_no_closed_candle() -> None:
    series = CandleSeries(Interval.SECOND, 10)
    series.add(trade(1, 0.5))
    (closed,) = series.advance(START + timedelta(seconds=1))
    assert series.add(trade(2, 0.7, "500")) == []
    assert list(series.all()) == [closed]


def test_a_hole_is_filled_from_history_and_closed_candles_stay() -> None:
    series = CandleSeries(Interval.SECOND, 10)
    series.resume(History({Interval.SECOND: [candle(-1, "7")]}, START))
    series.add(trade(1, 0.5, "8"))
    series.advance(START + timedelta(seconds=1))
    wrong, missed = candle(0, "666"), candle(2, "9")
    new = series.resume(History({Interval.SECOND: [wrong, missed]}, START + timedelta(seconds=4)))
    assert new == [missed]
    assert [each.close_price for each in series.all()] == [Decimal(7), Decimal(8), Decimal(9)]


def test_only_the_latest_are_kept_and_found_by_time() -> None:
    series = CandleSeries(Interval.SECOND, 4)
    for second in range(40):
        series.add(trade(second, second))
    kept = list(series.all())
    assert 5 <= len(kept) <= 7
    after = series.closed_after(START + timedelta(seconds=36))
    assert [each.open_time for each in after] == [START + timedelta(seconds=s) for s in (37, 38)]
    half_open = series.between(START + timedelta(seconds=37), START + timedelta(seconds=39))
    assert [each.open_time for each in half_open] == [START + timedelta(seconds=s) for s in (37, 38)]
    assert series.between(START + timedelta(seconds=39), None)[0].closed is False
    assert kept[0].instrument == BTC
