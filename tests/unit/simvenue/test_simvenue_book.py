"""The matching engine against a model that is too slow to be wrong."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.simvenue.domain.book import CROWD, Match, OrderBook
from services.simvenue.domain.market import CrowdLevels, CrowdTrade, Market
from services.simvenue.domain.terms import Side
from services.simvenue.listing import INSTRUMENTS

BUY, SELL = Side.BUY, Side.SELL
OWN = 7


def book() -> OrderBook:
    return OrderBook(count(1))


def test_the_queue_ahead_is_used_up_before_an_own_order_fills() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.act(CrowdLevels([(BUY, 100, 100)]))
    market.submit(1, OWN, BUY, 50, 100, rest=True)

    filled = []
    for lots in (80, 30, 50):
        matches = market.act(CrowdTrade(SELL, 100, lots))
        assert sum(match.lots for match in matches) == lots
        filled.append(sum(match.lots for match in matches if match.maker_owner == OWN))

    assert filled == [0, 10, 40]


def test_liquidity_that_comes_later_stands_behind_an_own_order() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.act(CrowdLevels([(BUY, 100, 10)]))
    market.submit(1, OWN, BUY, 50, 100, rest=True)
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
    market.submit(1, OWN, SELL, 4, 104, rest=True)
    matches = market.act(CrowdTrade(BUY, 105, 10))
    assert [(match.price, match.lots, match.maker_owner) for match in matches] == [
        (104, 4, OWN),
        (105, 6, CROWD),
    ]


def test_the_crowd_takes_an_own_order_that_it_crosses() -> None:
    market = Market(INSTRUMENTS[0], count(1))
    market.submit(1, OWN, BUY, 4, 100, rest=True)
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
class SlowBook:
    """Orders in one flat list; every question is answered by looking at all of them."""

    orders: list[tuple[int, int, Side, int, int]] = field(
        default_factory=list
    )  # id, owner, side, price, lots

    def submit(
        self, order_id: int, owner: int, side: Side, lots: int, limit: int | None, *, rest: bool
    ) -> tuple[list[tuple[int, int, int]], int, bool]:
        traded: list[tuple[int, int, int]] = []
        while lots:
            against = [order for order in self.orders if order[2] is not side]
            if limit is not None:
                against = [
                    order for order in against if (order[3] <= limit if side is BUY else order[3] >= limit)
                ]
            if not against:
                break
            # The list is in order of time, and min and max take the first of equals.
            best = min(against, key=lambda order: order[3] if side is BUY else -order[3])
            if best[1] == owner != CROWD:
                return traded, lots, True
            got = min(lots, best[4])
            traded.append((best[0], best[3], got))
            lots -= got
            place = self.orders.index(best)
            if got == best[4]:
                del self.orders[place]
            else:
                self.orders[place] = (*best[:4], best[4] - got)
        if rest and lots and limit is not None:
            self.orders.append((order_id, owner, side, limit, lots))
        return traded, lots, False

    def cancel(self, order_id: int) -> int:
        for order in self.orders:
            if order[0] == order_id:
                self.orders.remove(order)
                return order[4]
        return 0

    def queue(self, side: Side) -> list[tuple[int, int, int]]:
        mine = [order for order in self.orders if order[2] is side]
        mine.sort(key=lambda order: -order[3] if side is BUY else order[3])
        return [(order[0], order[3], order[4]) for order in mine]


SUBMIT = st.tuples(
    st.just("submit"),
    st.integers(0, 3),
    st.sampled_from([BUY, SELL]),
    st.integers(1, 30),
    st.one_of(st.none(), st.integers(95, 105)),
    st.booleans(),
)
CANCEL = st.tuples(st.just("cancel"), st.integers(1, 60))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(SUBMIT, SUBMIT, SUBMIT, CANCEL), max_size=60))
def test_the_engine_does_what_the_slow_model_does(steps: list[tuple[Any, ...]]) -> None:
    fast, slow = book(), SlowBook()
    trade_ids: list[int] = []
    entered = {BUY: 0, SELL: 0}
    gone = {BUY: 0, SELL: 0}
    for order_id, step in enumerate(steps, start=1):
        side: Any
        lots: Any
        if step[0] == "cancel":
            _, victim = step
            side = next((order[2] for order in slow.orders if order[0] == victim), BUY)
            lots = fast.cancel(victim)
            assert lots == slow.cancel(victim)
            gone[side] += lots
        else:
            _, owner, side, lots, limit, rest = step
            walk = fast.walk(side, lots, limit, owner)
            outcome = fast.submit(order_id, owner, side, lots, limit, rest=rest)
            expected = slow.submit(order_id, owner, side, lots, limit, rest=rest)
            assert _plain(outcome.matches) == expected[0]
            assert (outcome.remaining, outcome.self_trade) == expected[1:]
            assert walk.lots == lots - outcome.remaining
            assert walk.notional == sum(match.price * match.lots for match in outcome.matches)
            trade_ids += [match.trade_id for match in outcome.matches]
            traded = lots - outcome.remaining
            rests = rest and limit is not None and not outcome.self_trade
            entered[side] += traded + (outcome.remaining if rests else 0)
            gone[BUY] += traded
            gone[SELL] += traded
        for side in (BUY, SELL):
            assert fast.orders(side) == slow.queue(side)
            assert sum(lots for _, lots in fast.depth(side, 100)) == entered[side] - gone[side]
        bid, ask = fast.best(BUY), fast.best(SELL)
        assert bid is None or ask is None or bid < ask
    assert trade_ids == sorted(set(trade_ids))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(95, 105), st.integers(0, 9)), max_size=40)
)
def test_changes_told_rebuild_the_book(levels: list[tuple[Side, int, int]]) -> None:
    market = Market(INSTRUMENTS[0], count(1))
    rebuilt: dict[Side, dict[int, int]] = {BUY: {}, SELL: {}}
    market.submit(1, OWN, BUY, 3, 100, rest=True)
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
