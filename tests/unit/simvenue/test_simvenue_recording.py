"""Recordings: the book that Binance's documentation asks for, the chain's breaks, the endless loop."""

import gzip
import json
from collections.abc import Mapping
from decimal import Decimal
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from services.simvenue.domain.account import AccountState
from services.simvenue.domain.market import CrowdTrade, Market
from services.simvenue.domain.orders import LimitTerms, NewOrder
from services.simvenue.domain.terms import QueueModel, Side
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.drivers.driver import TimedActions
from services.simvenue.drivers.recording import RecordingDriver, RecordingError, find_files
from services.simvenue.listing import INSTRUMENTS

BTC = INSTRUMENTS[0]
SECOND = 1_000_000_000


def depth(event_ms: int, first: int, final: int, **sides: list[tuple[str, str]]) -> dict[str, Any]:
    data = {"e": "depthUpdate", "E": event_ms, "U": first, "u": final}
    return {"stream": "x", "data": {**data, "b": sides.get("b", []), "a": sides.get("a", [])}}


def snapshot(last: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> dict[str, Any]:
    return {"lastUpdateId": last, "bids": bids, "asks": asks}


def trade(event_ms: int, price: str, quantity: str, *, buyer_is_maker: bool) -> dict[str, Any]:
    data = {"e": "trade", "E": event_ms, "t": 1, "p": price, "q": quantity, "m": buyer_is_maker}
    return {"stream": "x", "data": data}


def write(path: Path, *messages: dict[str, Any] | str) -> Path:
    lines = [each if isinstance(each, str) else f"{17 * SECOND} {json.dumps(each)}" for each in messages]
    text = "".join(f"{line}\n" for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def new_venue() -> Venue:
    return Venue(INSTRUMENTS, Ids(count(1), count(1), count(1)))


async def play(path: Path, steps: int, begin_ns: int | None = None) -> tuple[Venue, list[TimedActions]]:
    driver, made = RecordingDriver(find_files(path, INSTRUMENTS)), new_venue()
    played = []
    begin = driver.begin_ns() if begin_ns is None else begin_ns
    async for step in driver.actions(begin, made.markets):
        made.act(step.symbol, step.actions, step.time_ns)
        played.append(step)
        if len(played) == steps:
            break
    return made, played


def shown(market: Market) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    instrument = market.instrument
    bids, asks = (
        [(str(instrument.price(price)), str(instrument.quantity(lots))) for price, lots in levels]
        for levels in (market.book.depth(Side.BUY, 10), market.book.depth(Side.SELL, 10))
    )
    return bids, asks


async def test_deltas_before_the_snapshot_wait_for_it(tmp_path: Path) -> None:
    path = write(
        tmp_path / "btcusdt.gz",
        depth(1000, 1, 5, b=[("1.00", "9.00000")]),
        depth(1100, 6, 12, b=[("2.00", "2.00000")], a=[("5.00", "1.00000")]),
        snapshot(8, [("2.00", "1.00000"), ("1.50", "3.00000")], [("4.00", "4.00000")]),
        depth(1200, 13, 14, a=[("4.00", "0.00000")]),
    )
    made, played = await play(path, 2)
    assert shown(made.markets["btc-usdt"]) == (
        [("2.00", "2.00000"), ("1.50", "3.00000")],
        [("5.00", "1.00000")],
    )
    assert [step.time_ns for step in played] == [1_100_000_000, 1_200_000_000]


async def test_a_broken_chain_empties_the_book_until_the_next_snapshot(tmp_path: Path) -> None:
    path = write(
        tmp_path / "btcusdt",
        depth(1000, 1, 5),
        snapshot(5, [("2.00", "1.00000")], []),
        depth(1100, 6, 7, b=[("2.00", "2.00000")]),
        depth(1200, 9, 9, b=[("3.00", "1.00000")]),  # 8 is missing
        depth(1300, 10, 11, b=[("3.00", "7.00000")]),
        snapshot(10, [("3.00", "5.00000")], []),
    )
    made, _ = await play(path, 2)
    assert shown(made.markets["btc-usdt"]) == ([("2.00", "2.00000")], [])
    made, _ = await play(path, 3)
    assert shown(made.markets["btc-usdt"]) == ([], [])
    made, _ = await play(path, 4)
    assert shown(made.markets["btc-usdt"]) == ([("3.00", "7.00000")], [])


async def test_a_trade_changes_the_book_until_the_next_delta_says_what_is_so(tmp_path: Path) -> None:
    path = write(
        tmp_path / "btcusdt",
        snapshot(5, [("2.00", "5.00000"), ("1.00", "5.00000")], [("3.00", "5.00000")]),
        trade(1000, "2.00", "1.00000", buyer_is_maker=True),
        trade(1050, "1.00", "2.00000", buyer_is_maker=True),
        depth(1100, 6, 7),
    )
    made, _ = await play(path, 3)
    assert shown(made.markets["btc-usdt"]) == ([("1.00", "3.00000")], [("3.00", "5.00000")])
    made, _ = await play(path, 4)
    assert shown(made.markets["btc-usdt"])[0] == [("2.00", "5.00000"), ("1.00", "5.00000")]
    tape = [(each.price, each.lots, each.taker_side) for each in made.markets["btc-usdt"].tape]
    assert tape == [(200, 100_000, Side.SELL), (100, 200_000, Side.SELL)]


async def queue(path: Path, model: QueueModel = QueueModel.RISK_AVERSE) -> list[Decimal]:
    """Play a recording with an own order of 50 that comes behind its snapshot; what each step filled."""
    made = Venue(INSTRUMENTS, Ids(count(1), count(1), count(1)), queue_model=model)
    made.open_account(AccountState("paper"))
    made.deposit("paper", "usdt", Decimal(1000), 1)
    filled: list[Decimal] = []
    async for step in RecordingDriver(find_files(path, INSTRUMENTS)).actions(0, made.markets):
        made.act(step.symbol, step.actions, step.time_ns)
        if not filled:
            own = NewOrder("own", "btc-usdt", Side.BUY, Decimal(50), LimitTerms(Decimal(2)))
            made.place("paper", own, step.time_ns)
        filled.append(made.account("paper").find("own").filled)
        if step.time_ns >= SECOND:
            break
    return [after - before for before, after in pairwise(filled)]


def sell(event_ms: int, quantity: str) -> dict[str, Any]:
    return trade(event_ms, "2.00", quantity, buyer_is_maker=True)


async def test_recorded_trades_fill_an_own_order_after_the_queue_ahead_of_it(tmp_path: Path) -> None:
    """100 ahead, an order of 50: trades of 80, 30 and 50 fill 0, 10 and 40."""
    path = write(
        tmp_path / "btcusdt",
        depth(0, 1, 5),
        snapshot(5, [("2.00", "100.00000")], [("3.00", "9.00000")]),
        sell(100, "80"),
        depth(110, 6, 6, b=[("2.00", "20.00000")]),
        sell(200, "30"),
        depth(210, 7, 7, b=[("2.00", "0.00000")]),
        sell(300, "50"),
        depth(1000, 8, 8),
    )
    steps = await queue(path)
    assert [steps[0], steps[2], steps[4]] == [0, 10, 40]
    assert sum(steps) == 50


@pytest.mark.parametrize(("model", "fill"), [(QueueModel.RISK_AVERSE, 0), (QueueModel.PROPORTIONAL, 30)])
async def test_who_leaves_without_a_trade_is_the_queue_models_choice(
    tmp_path: Path, model: QueueModel, fill: int
) -> None:
    """100 ahead, 60 behind, then 80 leave: 80 or 50 are ahead. 50 trade, and it is our turn or not."""
    path = write(
        tmp_path / "btcusdt",
        depth(0, 1, 5),
        snapshot(5, [("2.00", "100.00000")], [("3.00", "9.00000")]),
        depth(100, 6, 6, b=[("2.00", "160.00000")]),
        depth(200, 7, 7, b=[("2.00", "80.00000")]),
        sell(300, "50"),
        sell(400, "30"),
        depth(1000, 8, 8),
    )
    assert await queue(path, model) == [0, 0, 0, fill, 0]


async def test_it_begins_again_with_its_times_moved_on(tmp_path: Path) -> None:
    write(
        tmp_path / "btcusdt",
        depth(1000, 1, 5),
        snapshot(5, [("2.00", "1.00000")], []),
        depth(1500, 6, 7, b=[("3.00", "1.00000")]),
    )
    write(tmp_path / "ethusdt", depth(1200, 1, 5), snapshot(5, [("1.00", "1.00000")], []))
    made, played = await play(tmp_path, 6, begin_ns=100 * SECOND)
    offsets = [(step.symbol[:3], (step.time_ns - 100 * SECOND) / SECOND) for step in played]
    assert offsets[:3] == [("btc", 0), ("eth", 0.2), ("btc", 0.5)]
    assert [(symbol, round(offset - 1.5, 3)) for symbol, offset in offsets[3:]] == offsets[:3]
    assert shown(made.markets["btc-usdt"])[0] == [("3.00", "1.00000"), ("2.00", "1.00000")]


async def test_the_same_quantity_that_is_finer_than_a_lot_loses_the_fraction(tmp_path: Path) -> None:
    path = write(tmp_path / "btcusdt", depth(1, 1, 1), snapshot(1, [("2.00", "1.000019")], []))
    made, _ = await play(path, 1)
    assert shown(made.markets["btc-usdt"])[0] == [("2.00", "1.00001")]


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        (["no json"], ":1: cannot be read"),
        ([{"stream": "x", "data": {"e": "depthUpdate", "U": 1}}], "no message with an event time"),
        ([depth(1, 1, 1), snapshot(1, [("2.001", "1")], [])], ":2: not a message of the format"),
        ([depth(1, 1, 1), {"lastUpdateId": 1}], ":2: not a message of the format"),
        ([depth(1, 1, 1)], "no file of"),
        (
            [snapshot(1, [("2.00", "1")], []), depth(1, 2, 2), depth(2, 4, 5), depth(3, 6, 6)],
            ":3: update 3 is missing, the message begins with 4, and no snapshot follows",
        ),
    ],
)
async def test_what_cannot_be_used_is_named(
    tmp_path: Path, messages: list[dict[str, Any] | str], complaint: str
) -> None:
    path = write(tmp_path / "btcusdt", *messages)
    with pytest.raises(RecordingError, match=complaint):
        await play(path, 9)


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "btcusdt.gz", depth(1, 1, 1))
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(RecordingError, match=r"btcusdt\.gz:\d+: cannot be read"):
        RecordingDriver(find_files(path, INSTRUMENTS)).begin_ns()


def test_a_folder_without_a_known_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "dogeusdt", depth(1, 1, 1))
    with pytest.raises(RecordingError, match="begins with one of btcusdt, ethusdt"):
        find_files(tmp_path, INSTRUMENTS)
    with pytest.raises(RecordingError, match="there is no recording"):
        find_files(tmp_path / "nowhere", INSTRUMENTS)


async def test_the_real_books_are_rebuilt_message_by_message(binance_spot: Path) -> None:
    """After every depth message the market's book is what the messages add up to, in whole lots."""
    files = find_files(binance_spot / "btcusdt_20240808.gz", INSTRUMENTS)
    made, market = new_venue(), None
    expected = _expected(binance_spot / "btcusdt_20240808.gz")
    compared = trades = 0
    async for step in RecordingDriver(files).actions(0, made.markets):
        made.act(step.symbol, step.actions, step.time_ns)
        if isinstance(step.actions[0], CrowdTrade):
            trades += 1
            continue
        market = made.markets[step.symbol]
        bids, asks = next(expected)
        assert dict(market.book.depth(Side.BUY, 10_000)) == bids
        assert dict(market.book.depth(Side.SELL, 10_000)) == asks
        compared += 1
        if compared == 600:
            break
    assert market is not None
    assert trades > 1000


def _expected(path: Path) -> Any:
    """The books, told by the plainest reading of the messages: a dictionary per side."""
    sides: dict[str, dict[int, int]] = {"b": {}, "a": {}}
    early: list[dict[str, Any]] = []
    last = None
    with gzip.open(path, "rt") as lines:
        for line in lines:
            data = json.loads(line.partition(" ")[2])
            data = data.get("data", data)
            if "lastUpdateId" in data:
                last = data["lastUpdateId"]
                _apply(sides, {"b": data["bids"], "a": data["asks"]})
                for each in early:
                    if each["u"] > last:
                        _apply(sides, each)
                yield sides["b"], sides["a"]
            elif data.get("e") == "depthUpdate" and last is None:
                early.append(data)
            elif data.get("e") == "depthUpdate" and data["u"] > last:
                _apply(sides, data)
                yield sides["b"], sides["a"]


def _apply(sides: dict[str, dict[int, int]], data: Mapping[str, Any]) -> None:
    for side, levels in sides.items():
        for price, quantity in data[side]:
            lots = int(Decimal(quantity) / BTC.lot_size)
            levels[BTC.ticks(Decimal(price))] = lots
            if not lots:
                del levels[BTC.ticks(Decimal(price))]
