"""The seeded market: repeatable, alive, never crossed."""

from itertools import count

from services.simvenue.domain.candles import Interval
from services.simvenue.domain.market import PublicEvent
from services.simvenue.domain.terms import Side
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.drivers.synthetic import SyntheticDriver
from services.simvenue.listing import INSTRUMENTS, PROFILES

SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND


async def run(seed: int, seconds: int) -> tuple[Venue, list[tuple[str, PublicEvent]]]:
    made = Venue(INSTRUMENTS, Ids(count(1), count(1), count(1)))
    told: list[tuple[str, PublicEvent]] = []
    before = BEGIN
    async for step in SyntheticDriver(seed, PROFILES).actions(BEGIN, made.markets):
        if step.time_ns >= BEGIN + seconds * SECOND:
            break
        assert step.time_ns >= before
        before = step.time_ns
        made.act(step.symbol, step.actions, step.time_ns)
        told += made.take_public()
        book = made.markets[step.symbol].book
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        assert bid is None or ask is None or bid < ask
    return made, told


async def test_the_same_seed_makes_the_same_events() -> None:
    (_, one), (_, two), (_, other) = await run(5, 60), await run(5, 60), await run(6, 60)
    assert one == two
    assert one != other


async def test_both_markets_trade_in_every_minute_near_their_price() -> None:
    made, _ = await run(1, 300)
    for symbol, price in (("btc-usdt", 60000), ("eth-usdt", 2500)):
        market = made.markets[symbol]
        candles = market.candles.series(Interval.M1).between(None, None, 100)
        assert len(candles) in {5, 6}
        assert all(candle.trades > 20 for candle in candles[1:-1])
        best = market.book.best(Side.BUY)
        assert best is not None
        assert 0.9 < best * float(market.instrument.tick_size) / price < 1.1
        assert len(market.book.depth(Side.BUY, 100)) > 5
