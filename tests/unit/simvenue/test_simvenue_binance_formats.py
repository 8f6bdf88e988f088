"""Binance's formats as arithmetic: amounts, candles of every interval, aggregates, limits, signatures."""

from collections import deque
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count, groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.simvenue.binance.errors import BinanceError
from services.simvenue.binance.keys import ApiKey, HmacSeal, check_signature, signed_payload
from services.simvenue.binance.klines import INTERVALS, KlineInterval, TakerVolumes, klines
from services.simvenue.binance.limits import Allowance, Limits
from services.simvenue.binance.market import aggregated
from services.simvenue.binance.params import Params
from services.simvenue.binance.wire import amount
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market, PublicTrade
from services.simvenue.domain.terms import Side

S_NS = 1_000_000_000
START_NS = int(datetime(2024, 2, 27, 22, 17, 5, tzinfo=UTC).timestamp()) * S_NS


def market() -> Market:
    return Market(
        Instrument(
            "btc-usdt",
            "BTCUSDT",
            "btc",
            "usdt",
            Decimal("0.01"),
            Decimal("0.00001"),
            Decimal("0.00001"),
            Decimal(9000),
            Decimal(5),
            Decimal("0.0008"),
            Decimal("0.001"),
        ),
        count(1),
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15))
def test_amounts_keep_their_value_and_have_eight_decimals_at_least(value: Decimal) -> None:
    text = amount(value)
    assert Decimal(text) == value
    decimals = text.partition(".")[2]
    assert len(decimals) >= 8
    assert len(decimals) == 8 or not decimals.endswith("0")


@pytest.mark.parametrize(
    ("value", "text"), [("1", "1.00000000"), ("1E+3", "1000.00000000"), ("-94.9", "-94.90000000")]
)
def test_amounts_by_example(value: str, text: str) -> None:
    assert amount(Decimal(value)) == text


@st.composite
def tapes(draw: st.DrawFn) -> list[PublicTrade]:
    """Trades over seconds, hours or weeks."""
    scale = draw(st.sampled_from([1, 3_600, 86_400 * 3]))
    gaps = draw(st.lists(st.integers(0, 10 * scale), min_size=1, max_size=40))
    time_ns, tape = START_NS, []
    for number, gap in enumerate(gaps, 1):
        time_ns += gap * S_NS
        side = draw(st.sampled_from(list(Side)))
        tape.append(
            PublicTrade(number, number, time_ns, draw(st.integers(1, 99)), draw(st.integers(1, 9)), side)
        )
    return tape


def played(tape: list[PublicTrade]) -> Market:
    made = market()
    for trade in tape:
        made.candles.add(trade.time_ns, trade.price, trade.lots)
        made.tape.append(trade)
    return made


def begins(interval: KlineInterval, time_ns: int) -> datetime:
    """Begin of the interval around a time, by the calendar."""
    moment = datetime.fromtimestamp(time_ns // S_NS, UTC)
    if interval.name == "1M":
        return datetime(moment.year, moment.month, 1, tzinfo=UTC)
    length = interval.length_ns // S_NS
    origin = datetime(1970, 1, 5 if interval.name == "1w" else 1, tzinfo=UTC)
    return datetime.fromtimestamp(
        origin.timestamp() + (moment - origin).total_seconds() // length * length, UTC
    )


@given(tapes(), st.sampled_from(sorted(INTERVALS)))
def test_candles_are_what_the_trades_in_them_make(tape: list[PublicTrade], name: str) -> None:
    interval = INTERVALS[name]
    if (tape[-1].time_ns - tape[0].time_ns) // (interval.length_ns or 10**18) > 2_000:
        return
    made = klines(played(tape), interval, None, None, tape[-1].time_ns)
    takers = TakerVolumes(played(tape))
    assert all(before.close_ns == after.open_ns for before, after in pairwise(made))
    traded = [kline for kline in made if kline.trades]
    expected = [list(each) for _, each in groupby(tape, lambda trade: begins(interval, trade.time_ns))]
    assert len(traded) == len(expected)
    for kline, trades in zip(traded, expected, strict=True):
        prices = [trade.price for trade in trades]
        bought = [trade for trade in trades if trade.taker_side is Side.BUY]
        assert kline.open_ns == int(begins(interval, trades[0].time_ns).timestamp()) * S_NS
        assert (kline.open, kline.high, kline.low, kline.close) == (
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
        )
        assert (kline.lots, kline.trades) == (sum(trade.lots for trade in trades), len(trades))
        told = takers.of(kline)
        assert told.lots == sum(trade.lots for trade in bought)
        assert (told.first_id, told.last_id) == (trades[0].trade_id, trades[-1].trade_id)
    for before, kline in pairwise(made):
        if not kline.trades:
            assert kline.open == kline.high == kline.low == kline.close == before.close


def test_a_range_of_candles_is_half_open() -> None:
    tape = [PublicTrade(number, number, START_NS + number * S_NS, 5, 1, Side.BUY) for number in range(10)]
    made = klines(played(tape), INTERVALS["1s"], START_NS + 3 * S_NS, START_NS + 6 * S_NS, tape[-1].time_ns)
    assert [(kline.open_ns - START_NS) // S_NS for kline in made] == [3, 4, 5]


def test_what_takers_bought_is_not_told_where_the_tape_does_not_reach() -> None:
    made = played([PublicTrade(1, 1, START_NS, 5, 1, Side.BUY)])
    made.tape = deque([PublicTrade(2, 2, START_NS + S_NS, 5, 1, Side.BUY)], maxlen=1)
    (kline,) = klines(made, INTERVALS["1M"], None, None, START_NS)
    assert TakerVolumes(made).of(kline).lots == 0


@given(tapes())
def test_aggregates_lose_nothing(tape: list[PublicTrade]) -> None:
    groups = aggregated(tape)
    assert [trade for group in groups for trade in group] == tape
    keys = [{(trade.time_ns, trade.price, trade.taker_side) for trade in group} for group in groups]
    assert all(len(each) == 1 for each in keys)
    assert all(before != after for before, after in pairwise(keys))


def refusal(limits: Limits, weight: int) -> BinanceError | None:
    try:
        limits.charge("here", weight)
    except BinanceError as error:
        return error
    return None


@given(st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 60)), max_size=60))
def test_no_minute_lets_more_weight_through_than_allowed(asked: list[tuple[int, int]]) -> None:
    now = [1_700_000_000_000]
    limits = Limits(lambda: now[0], Allowance(weight=100, ignored=1_000))
    let_through: dict[int, int] = {}
    for wait, weight in asked:
        now[0] += wait
        minute = now[0] // 60_000
        passed = refusal(limits, weight) is None
        let_through[minute] = let_through.get(minute, 0) + (weight if passed else 0)
    assert all(weight <= 100 for weight in let_through.values())


def test_bans_grow_and_end() -> None:
    now = [0]
    limits = Limits(lambda: now[0])
    waits = []
    for _ in range(13):
        limits.ban("here")
        refused = refusal(limits, 1)
        assert refused is not None
        waits.append(int(refused.headers["Retry-After"]))
        now[0] += waits[-1] * 1_000
        assert refusal(limits, 1) is None
    assert waits[:3] == [120, 240, 480]
    assert waits[-1] == 3 * 86_400


def test_the_signature_of_binances_own_example() -> None:
    # The key, the request and the signature are those of "SIGNED endpoint examples" in Binance's rest-api.md.
    key = ApiKey(
        "anybody", "key", HmacSeal("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
    )
    first = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
    second = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    body = f"{first}&{second}"
    signature = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    mixed = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
    check_signature(key, signed_payload("", f"{body}&signature={signature}"), signature)
    check_signature(key, signed_payload(f"signature={signature}&{body}", ""), signature.upper())
    check_signature(key, signed_payload(first, f"{second}&signature={mixed}"), mixed)
    with pytest.raises(BinanceError):
        check_signature(key, signed_payload("", f"{body}&recvWindow=1"), signature)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "x"])),
    st.sets(st.sampled_from("abcdef")),
)
def test_what_nobody_reads_is_refused(sent: dict[str, str], read: set[str]) -> None:
    params = Params(sent.items())
    for name in read:
        params.text(name)
    if sent.keys() <= read:
        params.finish()
        return
    with pytest.raises(BinanceError) as refused:
        params.finish()
    assert refused.value.code == (-1104 if read else -1101)
