"""The matching engine against a model that is too slow to be wrong."""

from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from services.simvenue.domain.book import CROWD, Match, OrderBook, Walk
from services.simvenue.domain.market import CrowdLevels, CrowdTrade, Market
from services.simvenue.domain.terms import SelfTrade, Side
from services.simvenue.listing import INSTRUMENTS

BUY, SELL = Side.BUY, Side.SELL
OWN = 7


def book() -> OrderBook:
    return OrderBook(count(1))


def test_the_queue_ahead_is_used_up_before_an_own_order_fills() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.act(CrowdLevels([(BUY, 100, 100)]))
    market.book.submit(1, OWN, BUY, 50, 100, rest=True)

    filled = []
    for lots in (80, 30, 50):
        matches = market.act(CrowdTrade(SELL, 100, lots))
        assert sum(match.lots for match in matches) == lots
        filled.append(sum(match.lots for match in matches if match.maker_owner == OWN))

    assert filled == [0, 10, 40]


def test_liquidity_that_comes_later_stands_behind_an_own_order() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.act(CrowdLevels([(BUY, 100, 10)]))
    market.book.submit(1, OWN, BUY, 50, 100, rest=True)
    market.act(CrowdLevels([(BUY, 100, 40)]))  # 30 more, behind us
    market.act(CrowdLevels([(BUY, 100, 25)]))  # 15 less: they leave from the back

    matches = market.act(CrowdTrade(SELL, 100, 60))
    assert [(match.maker_owner, match.lots) for match in matches] == [(CROWD, 10), (OWN, 50)]
    assert market.book.depth(BUY, 5) == [(100, 15)]


def test_a_known_trade_removes_what_it_proves_gone() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.act(CrowdLevels([(BUY, 101, 5), (BUY, 100, 5), (SELL, 102, 5), (SELL, 103, 5)]))
    matches = market.act(CrowdTrade(SELL, 100, 3))
    assert [(match.price, match.lots) for match in matches] == [(100, 3)]
    assert market.book.depth(BUY, 5) == [(100, 2)]
    assert market.book.depth(SELL, 5) == [(102, 5), (103, 5)]


def test_a_known_trade_is_printed_whole_even_where_the_book_is_behind() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.act(CrowdLevels([(SELL, 102, 2)]))
    matches = market.act(CrowdTrade(BUY, 104, 9))
    assert [(match.price, match.lots) for match in matches] == [(104, 9)]
    assert market.book.depth(SELL, 5) == []


def test_an_own_order_better_than_a_known_trade_is_hit_first() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.act(CrowdLevels([(SELL, 105, 20)]))
    market.book.submit(1, OWN, SELL, 4, 104, rest=True)
    matches = market.act(CrowdTrade(BUY, 105, 10))
    assert [(match.price, match.lots, match.maker_owner) for match in matches] == [
        (104, 4, OWN),
        (105, 6, CROWD),
    ]


def test_the_crowd_takes_an_own_order_that_it_crosses() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.book.submit(1, OWN, BUY, 4, 100, rest=True)
    matches = market.act(CrowdLevels([(SELL, 99, 10)], clear=True))
    assert [(match.price, match.lots, match.maker_owner) for match in matches] == [(100, 4, OWN)]
    assert market.book.depth(SELL, 5) == [(99, 6)]


def test_an_owner_never_trades_with_itself() -> None:
    market = book()
    market.submit(1, OWN, SELL, 5, 101, rest=True)
    market.submit(2, 8, SELL, 5, 100, rest=True)
    outcome = market.submit(3, OWN, BUY, 12, 101, rest=True)
    assert [(match.maker_id, match.lots) for match in outcome.matches] == [(2, 5)]
    assert (outcome.remaining, outcome.self_trade) == (7, True)
    assert market.best(BUY) is None
    assert market.orders(SELL) == [(1, 101, 5)]


@dataclass
class SlowOrder:
    order_id: int
    owner: int
    side: Side
    price: int
    shown: int
    hidden: int
    peak: int

    @property
    def left(self) -> int:
        return self.shown + self.hidden


@dataclass
class SlowBook:
    """Orders in one flat list by time; every question is answered by looking at all of them."""

    orders: list[SlowOrder] = field(default_factory=list)

    def against(self, side: Side, limit: int | None) -> list[SlowOrder]:
        """What an order could trade with, best first; the list is by time, and sorting keeps that."""
        found = [order for order in self.orders if order.side is not side]
        if limit is not None:
            found = [
                order for order in found if (order.price <= limit if side is BUY else order.price >= limit)
            ]
        return sorted(found, key=lambda order: order.price if side is BUY else -order.price)

    def submit(self, step: "Submit") -> tuple[list[tuple[int, int, int]], int, bool, list[tuple[int, int]]]:
        traded: list[tuple[int, int, int]] = []
        expired: list[tuple[int, int]] = []
        left = step.lots
        while left and (queue := self.against(step.side, step.limit)):
            best = queue[0]
            if best.owner == step.owner != CROWD and step.self_trade is not SelfTrade.NONE:
                if step.self_trade is SelfTrade.EXPIRE_TAKER:
                    return traded, left, True, expired
                self.orders.remove(best)
                expired.append((best.order_id, best.left))
                if step.self_trade is SelfTrade.EXPIRE_BOTH:
                    return traded, left, True, expired
                continue
            got = min(left, best.shown)
            traded.append((best.order_id, best.price, got))
            left -= got
            best.shown -= got
            if not best.shown:
                self.orders.remove(best)
                if best.hidden:
                    best.shown = min(best.peak, best.hidden)
                    best.hidden -= best.shown
                    self.orders.append(best)
        if step.rest and left and step.limit is not None:
            peak = step.display if 0 < step.display < left else left
            self.orders.append(
                SlowOrder(step.order_id, step.owner, step.side, step.limit, peak, left - peak, peak)
            )
        return traded, left, False, expired

    def cancel(self, order_id: int) -> int:
        for order in self.orders:
            if order.order_id == order_id:
                self.orders.remove(order)
                return order.left
        return 0

    def queue(self, side: Side) -> list[tuple[int, int, int]]:
        mine = [order for order in self.orders if order.side is side]
        mine.sort(key=lambda order: -order.price if side is BUY else order.price)
        return [(order.order_id, order.price, order.shown) for order in mine]


@dataclass(frozen=True)
class Submit:
    owner: int
    side: Side
    lots: int
    limit: int | None
    rest: bool
    display: int
    self_trade: SelfTrade
    order_id: int = 0


@dataclass(frozen=True)
class Cancel:
    place: int


SUBMIT = st.builds(
    Submit,
    owner=st.integers(0, 3),
    side=st.sampled_from(Side),
    lots=st.integers(1, 30),
    limit=st.one_of(st.none(), st.integers(95, 105)),
    rest=st.booleans(),
    display=st.integers(0, 8),
    self_trade=st.sampled_from(SelfTrade),
)
CANCEL = st.builds(Cancel, st.integers(0, 60))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(SUBMIT, SUBMIT, SUBMIT, CANCEL), max_size=60))
def test_the_engine_does_what_the_slow_model_does(steps: list[Submit | Cancel]) -> None:
    fast, slow = book(), SlowBook()
    trade_ids: list[int] = []
    for order_id, step in enumerate(steps, start=1):
        before = {side: _left(slow, side) for side in Side}
        if isinstance(step, Cancel):
            victim = slow.orders[step.place % len(slow.orders)].order_id if slow.orders else step.place
            assert fast.cancel(victim) == slow.cancel(victim)
        else:
            trade_ids += _both(fast, slow, replace(step, order_id=order_id), before)
        for side in Side:
            assert fast.orders(side) == slow.queue(side)
            by_price: dict[int, int] = {}
            for _, price, shown in slow.queue(side):
                by_price[price] = by_price.get(price, 0) + shown
            assert fast.depth(side, 100) == list(by_price.items())
        bid, ask = fast.best(BUY), fast.best(SELL)
        assert bid is None or ask is None or bid < ask
    assert trade_ids == sorted(set(trade_ids))
    for order in list(slow.orders):  # what icebergs hide was kept to the last lot
        assert fast.cancel(order.order_id) == order.left


def _both(fast: OrderBook, slow: SlowBook, step: Submit, before: dict[Side, int]) -> list[int]:
    """Give both the same order, and compare what they say; answers the trades' ids."""
    walk = fast.walk(step.side, step.lots, step.limit, step.owner, step.self_trade)
    outcome = fast.submit(
        step.order_id,
        step.owner,
        step.side,
        step.lots,
        step.limit,
        rest=step.rest,
        display=step.display,
        self_trade=step.self_trade,
    )
    traded, left, stopped, expired = slow.submit(step)
    assert _plain(outcome.matches) == traded
    assert (outcome.remaining, outcome.self_trade, list(outcome.expired)) == (left, stopped, expired)
    assert walk.lots == step.lots - left  # so fill-or-kill, which asks before, never fills a part
    assert walk.notional == sum(match.price * match.lots for match in outcome.matches)
    gone = sum(lots for _, _, lots in traded) + sum(lots for _, lots in expired)
    assert _left(slow, step.side.opposite) == before[step.side.opposite] - gone
    rests = step.rest and step.limit is not None and not stopped
    assert _left(slow, step.side) == before[step.side] + (left if rests else 0)
    return [match.trade_id for match in outcome.matches]


def _left(slow: SlowBook, side: Side) -> int:
    return sum(order.left for order in slow.orders if order.side is side)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(SUBMIT, max_size=25),
    st.integers(0, 3),
    st.sampled_from(Side),
    st.integers(0, 6000),
    st.sampled_from(SelfTrade),
)
def test_a_budget_buys_the_most_lots_it_pays_for(
    steps: list[Submit], owner: int, side: Side, budget: int, self_trade: SelfTrade
) -> None:
    made = book()
    for order_id, step in enumerate(steps, start=1):
        made.submit(order_id, step.owner, step.side, step.lots, step.limit, rest=True, display=step.display)
    lots = made.lots_for(side, budget, owner, self_trade)
    walk = made.walk(side, lots, None, owner, self_trade) if lots else Walk(0, 0)
    assert walk.lots == lots
    assert walk.notional <= budget
    one_more = made.walk(side, lots + 1, None, owner, self_trade)
    if side is BUY:  # a seller could find a lot so cheap further down that it still fits
        assert one_more.lots == lots or one_more.notional > budget


def test_an_iceberg_shows_a_part_and_loses_its_place_with_each_new_part() -> None:
    made = book()
    made.submit(1, OWN, SELL, 10, 100, rest=True, display=4)
    made.submit(2, CROWD, SELL, 5, 100, rest=True)
    assert made.depth(SELL, 5) == [(100, 9)]
    taken = made.submit(3, CROWD, BUY, 6, 100, rest=False)
    assert _plain(taken.matches) == [(1, 100, 4), (2, 100, 2)]
    assert made.orders(SELL) == [(2, 100, 3), (1, 100, 4)]
    taken = made.submit(4, CROWD, BUY, 30, 100, rest=False)
    assert _plain(taken.matches) == [(2, 100, 3), (1, 100, 4), (1, 100, 2)]
    assert taken.remaining == 21
    assert made.best(SELL) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(95, 105), st.integers(0, 9)), max_size=40)
)
def test_changes_told_rebuild_the_book(levels: list[tuple[Side, int, int]]) -> None:
    market = Market(INSTRUMENTS[0], count(1))
    rebuilt: dict[Side, dict[int, int]] = {BUY: {}, SELL: {}}
    market.book.submit(1, OWN, BUY, 3, 100, rest=True)
    sequence = 0
    for place, level in enumerate([None, *levels]):
        matches = market.act(CrowdLevels([level] if level else []))
        for event in market.publish(place, matches):
            sequence += 1
            assert event.sequence == sequence
            for side, changes in ((BUY, getattr(event, "bids", ())), (SELL, getattr(event, "asks", ()))):
                for price, lots in changes:
                    rebuilt[side][price] = lots
        for side in (BUY, SELL):
            shown = {price: lots for price, lots in rebuilt[side].items() if lots}
            assert shown == dict(market.book.depth(side, 100))


def _plain(matches: list[Match]) -> list[tuple[int, int, int]]:
    return [(match.maker_id, match.price, match.lots) for match in matches]
