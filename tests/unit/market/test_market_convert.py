"""Converting to the wire and back loses nothing."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.market import convert
from services.market.domain.book import Level, OrderBook
from services.market.domain.candles import Candle, Interval
from services.market.domain.instrument import Instrument, InstrumentState
from services.market.domain.ticker import Ticker
from services.market.domain.trades import Side, Trade
from services.market.subscription import End, EndReason
from tests.support.market import START

_ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_names = st.builds(InstrumentName, _ids, _ids)
_amounts = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places, EXACT), st.integers(0, 10**20), st.integers(0, 18)
)
_times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - the zone is added
_levels = st.builds(Level, _amounts, _amounts)
_sides = st.lists(_levels, max_size=4).map(tuple)
_maybe = st.none() | _amounts
_intervals = st.sampled_from(Interval)


@given(
    st.builds(
        Instrument,
        _names,
        st.text(max_size=10),
        _ids,
        _ids,
        _amounts,
        _amounts,
        _amounts,
        _amounts,
        _amounts,
        st.sampled_from(InstrumentState),
    )
)
def test_instruments(value: Instrument) -> None:
    assert convert.instrument_from_proto(convert.instrument_to_proto(value)) == value


@given(st.builds(Ticker, _names, st.none() | _levels, st.none() | _levels, _maybe, _maybe, _times, _times))
def test_tickers(value: Ticker) -> None:
    assert convert.ticker_from_proto(convert.ticker_to_proto(value)) == value


@given(st.builds(OrderBook, _names, _sides, _sides, st.integers(0, 2**63 - 1), _times, _times))
def test_order_books(value: OrderBook) -> None:
    assert convert.order_book_from_proto(convert.order_book_to_proto(value)) == value


@given(st.builds(Trade, _names, _ids, _amounts, _amounts, st.sampled_from(Side), _times, _times))
def test_trades(value: Trade) -> None:
    assert convert.trade_from_proto(convert.trade_to_proto(value)) == value


@given(
    st.builds(
        Candle,
        _names,
        _intervals,
        _times,
        _amounts,
        _amounts,
        _amounts,
        _amounts,
        _amounts,
        _amounts,
        st.integers(1, 2**40),
        st.booleans(),
    )
)
def test_candles(value: Candle) -> None:
    assert convert.candle_from_proto(convert.candle_to_proto(value)) == value


def test_the_end_of_a_stream_names_its_reason() -> None:
    frame = convert.frame_to_proto(End(EndReason.SERVER_DRAINING), START)
    assert frame.end.reason == "SERVER_DRAINING"
