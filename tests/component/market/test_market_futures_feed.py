"""Books and trades of perpetuals over ccxt, from a local venue that speaks the USD-M futures' wire format."""

import asyncio
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.chassis.clock import SystemClock
from services.kernel.names import InstrumentName
from services.market.domain.book import BookKeeper
from services.market.domain.feed_events import (
    BookChanged,
    FeedEvent,
    InstrumentsListed,
    Resynced,
    TradeHappened,
)
from services.market.feeds.ccxt_feed import CcxtFeed, CcxtFeedSettings
from services.simvenue.domain.terms import Side
from tests.support.binance_venue import FUNDS, BinanceVenue, binance_venue

PERP = "btc-usdt-perp"
D = Decimal


def feed_of(venue: BinanceVenue) -> CcxtFeed:
    settings = {
        "name": "binance",
        "exchange": "binanceusdm",
        "market": "swap",
        "instruments": (PERP,),
        "rest_url": venue.url,
        "ws_url": venue.ws_url,
    }
    return CcxtFeed(CcxtFeedSettings.model_validate(settings), SystemClock())


def book_of(events: list[FeedEvent]) -> tuple[list[Any], list[Any]] | None:
    keeper = BookKeeper(InstrumentName("binance", PERP))
    for event in events:
        match event:
            case Resynced(book=book):
                keeper.replace(book)
            case BookChanged(change=change):
                keeper.change(change)
            case TradeHappened(sequence=sequence):
                keeper.step(sequence)
    view = keeper.view(100)
    if view is None:
        return None
    return [(each.price, each.quantity) for each in view.bids], [
        (each.price, each.quantity) for each in view.asks
    ]


async def test_the_feed_follows_the_perpetuals_book_and_trades(tmp_path: Path) -> None:
    async with binance_venue(tmp_path, {"trader-1": FUNDS}, perpetuals=True) as venue:
        await venue.rest(Side.BUY, "1", "59000", PERP)
        await venue.rest(Side.SELL, "2", "61000", PERP)
        seen: list[FeedEvent] = []

        async def listen() -> None:
            async with aclosing(feed_of(venue).connect()) as events:
                async for event in events:
                    seen.append(event)  # noqa: PERF401 - the test looks at it meanwhile

        async def until(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> None:
            wanted = tuple([(D(price), D(quantity)) for price, quantity in side] for side in (bids, asks))
            async with asyncio.timeout(15):
                while book_of(seen) != wanted:
                    assert not task.done(), task
                    await asyncio.sleep(0.02)

        task = asyncio.create_task(listen())
        try:
            await until([("59000", "1")], [("61000", "2")])
            await venue.rest(Side.BUY, "3", "59500", PERP)
            await until([("59500", "3"), ("59000", "1")], [("61000", "2")])
            await venue.hit(Side.SELL, "3.4", "59000", PERP)
            await until([("59000", "0.6")], [("61000", "2")])
            async with asyncio.timeout(15):
                while len(told := [each.trade for each in seen if isinstance(each, TradeHappened)]) < 2:
                    await asyncio.sleep(0.02)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    listed = seen[0]
    assert isinstance(listed, InstrumentsListed)
    (instrument,) = listed.instruments
    assert (instrument.venue_symbol, instrument.tick_size, instrument.min_notional) == (
        "BTCUSDT",
        D("0.1"),
        D(50),
    )
    assert [(each.price, each.quantity, each.aggressor_side.name) for each in told] == [
        (D(59500), D(3), "SELL"),
        (D(59000), D("0.4"), "SELL"),
    ]
