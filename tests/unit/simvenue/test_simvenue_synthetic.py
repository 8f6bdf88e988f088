"""The seeded market: repeatable, alive, never crossed."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import count
from random import Random

from services.simvenue.domain.account import AccountState
from services.simvenue.domain.candles import Interval
from services.simvenue.domain.market import CrowdAction, CrowdLevels, CrowdOrder, Market, PublicEvent
from services.simvenue.domain.orders import MarketTerms, NewOrder
from services.simvenue.domain.terms import Side
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.drivers.participants import Follower, Maker, Scene, Valuer
from services.simvenue.drivers.synthetic import Crowd, SyntheticDriver
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


def scene() -> tuple[Scene, Market]:
    market = Market(INSTRUMENTS[0], count(1))
    return Scene(market, PROFILES["btc-usdt"], count(-1, -1)), market


def do(market: Market, actions: Sequence[CrowdAction]) -> None:
    for action in actions:
        market.act(action)


def test_a_maker_that_bought_quotes_lower_and_one_that_sold_higher() -> None:
    middles = {}
    for side in (None, Side.SELL, Side.BUY):
        stage, market = scene()
        maker = Maker(stage, Random(1), 1.0, 6)
        do(market, maker.act(6_000_000))
        if side is not None:
            held = 2 * stage.level_lots
            do(market, [CrowdOrder(next(stage.order_ids), side, int(held), None, rest=False)])
        do(market, maker.act(6_000_000))
        middles[side] = stage.middle() or 0.0
    assert middles[Side.SELL] < (middles[None] or 0.0) < middles[Side.BUY]


def test_a_follower_buys_a_rise_and_a_valuer_sells_it() -> None:
    stage, market = scene()
    follower, valuer = Follower(stage, Random(1), 1.0), Valuer(stage, Random(1), 1.0)
    do(market, [CrowdLevels([(Side.BUY, 5_999_900, 10), (Side.SELL, 6_000_100, 10)])])
    assert not follower.act(6_000_000)
    assert not valuer.act(6_000_000)
    do(market, [CrowdLevels([(Side.BUY, 6_029_900, 10), (Side.SELL, 6_030_100, 10)], clear=True)])
    assert [action.side for action in follower.act(6_000_000)] == [Side.BUY]  # type: ignore[union-attr]
    assert [action.side for action in valuer.act(6_000_000)] == [Side.SELL]  # type: ignore[union-attr]


async def test_the_side_of_a_trade_tells_of_the_next_ones() -> None:
    made, _ = await run(1, 400)
    signs = [1 if each.taker_side is Side.BUY else -1 for each in made.markets["btc-usdt"].tape]
    later = [one * other for one, other in zip(signs, signs[10:], strict=False)]
    assert sum(later) / len(later) > 0.05


async def test_a_real_order_changes_the_book_and_nobodys_draws() -> None:
    """The noise takers and the fair value behind the quotes are the same, whoever else trades."""
    taken = []
    for disturbed in (False, True):
        made = Venue(INSTRUMENTS, Ids(count(1), count(1), count(1)))
        made.open_account(AccountState("paper"))
        made.deposit("paper", "usdt", Decimal(10**7), BEGIN)
        steps = []
        async for step in SyntheticDriver(3, PROFILES, Crowd(followers=0, valuers=0)).actions(
            BEGIN, {"btc-usdt": made.markets["btc-usdt"]}
        ):
            if step.time_ns >= BEGIN + 60 * SECOND:
                break
            made.act(step.symbol, step.actions, step.time_ns)
            (first, *_) = step.actions
            if isinstance(first, CrowdOrder) and not first.rest:
                steps.append((step.time_ns, first.side, first.lots))
                if disturbed:
                    key = str(len(steps))
                    order = NewOrder(key, "btc-usdt", Side.BUY, Decimal("0.3"), MarketTerms())
                    made.place("paper", order, step.time_ns)
        taken.append(steps)
    assert len(taken[0]) > 100
    assert taken[0] == taken[1]
