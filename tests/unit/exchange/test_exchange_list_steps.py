"""Lists of orders against a venue that fills, cancels and refuses as it likes, and tells late."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.links import Contingency
from services.exchange.domain.list_steps import Cancel, ListStep, Release, Replace, Send, Shrink, next_steps
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.order_lists import links_of
from services.exchange.domain.replacement import admitted, ended, released, sent, successor
from services.exchange.domain.slots import OrderList, is_unreleased, is_watched, unprotected
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import (
    LimitTerms,
    MarketTerms,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    Trigger,
    limit_of,
)

_S = OrderState
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_QUANTITY = Decimal(10)
_LOT = Decimal(1)
_FEES = st.sampled_from([Decimal(0), Decimal("0.01"), Decimal("0.3")])
_PROFIT = LimitTerms(Decimal(120))
_STOP = StopMarketTerms(Trigger(Decimal(80)))
_STOP_LIMIT = StopLimitTerms(Trigger(Decimal(80)), LimitTerms(Decimal(79)))
_ENTRY = (LimitTerms(Decimal(100)), Side.BUY)


def _intent(terms: Terms, side: Side) -> OrderIntent:
    return OrderIntent(
        account="paper", venue="sim", instrument="btc-usdt", side=side, quantity=_QUANTITY, terms=terms
    )


def _fits(_: Order, quantity: Decimal) -> bool:
    return quantity >= 1


@dataclass
class World:
    """One list, the venue that works it, and the risk service that decides on it.

    Attributes:
        orders: as booked.
        book: what is open at the venue, by order: how much is left of it.
        untold: fills of the venue that we have not heard of.
        truth: what the venue has filled.
    """

    contingency: Contingency
    orders: dict[UUID, Order] = field(default_factory=dict)
    book: dict[UUID, Decimal] = field(default_factory=dict)
    untold: list[tuple[UUID, Decimal]] = field(default_factory=list)
    truth: dict[UUID, Decimal] = field(default_factory=dict)
    now: datetime = _BEGIN
    made: int = 0
    fee_rate: Decimal = Decimal(0)

    @classmethod
    def of(cls, contingency: Contingency, *terms: tuple[Terms, Side]) -> "World":
        world = cls(contingency)
        intents = [_intent(each, side) for each, side in terms]
        ids = [world.new_id() for _ in intents]
        links = links_of(contingency, intents, UUID(int=999), ids)
        for intent, order_id, link in zip(intents, ids, links, strict=True):
            order = Order.intended(intent, Assets("btc", "usdt"), order_id, "cause", world.tick())
            state = _S.PENDING if link.parent is None else _S.HELD
            held = order.trigger is not None and link.linked is not None
            handling = Handling.EMULATED if held else Handling.NATIVE
            if link.parent is not None:
                handling = Handling.UNSPECIFIED
            world.orders[order_id] = replace(order, links=link, state=state, handling=handling)
        return world

    def new_id(self) -> UUID:
        self.made += 1
        return UUID(int=self.made)

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def all(self) -> list[Order]:
        return list(self.orders.values())

    def set(self, *orders: Order) -> None:
        for order in orders:
            self.orders[order.order_id] = order

    # --- what the service does

    def steps(self, *, retry: bool = True) -> tuple[ListStep, ...]:
        return next_steps(self.all(), _fits, lot=_LOT, retry=retry)

    def take(self, step: ListStep) -> None:
        if isinstance(step, Send | Cancel) and step.after:
            for order_id in step.after:
                self.tell(order_id)
            if step not in self.steps():
                return
        order, now = self.orders[step.order_id], self.tick()
        match step:
            case Release(quantity=quantity):
                held = order.trigger is not None and order.links.linked is not None
                self.set(released(order, quantity, Handling.EMULATED if held else Handling.NATIVE, now))
            case Shrink(quantity=quantity):
                self.set(order.moved(_S.HELD, now, quantity=quantity))
            case Replace(quantity=quantity):
                new = successor(order, quantity, self.new_id(), now)
                if order.final:
                    links = replace(order.links, replaced_by=new.order_id)
                    self.set(order.moved(order.state, now, links=links))
                self.set(new)
            case Send(quantity=quantity):
                self.set(sent(order, quantity, now))
            case Cancel(reason=reason):
                self.set(ended(order, reason, now))

    # --- what happens to it

    def risk(self, order: Order, *, approves: bool) -> None:
        if order.state is _S.PENDING_CANCEL:
            self.set(order.moved(_S.CANCELLED, self.tick()))
        elif approves:
            self.set(*admitted(order, self.all(), self.tick(), _LOT))
        else:
            self.set(order.moved(_S.DENIED, self.tick(), reason="BALANCE"))

    def venue_takes(self, order: Order, *, accepts: bool) -> None:
        if not accepts:
            self.set(order.moved(_S.REJECTED, self.tick(), reason="NO"))
            return
        self.book[order.order_id] = order.quantity
        if order.state is _S.SUBMITTED:
            self.set(order.moved(_S.OPEN, self.tick()))

    def trade(self, order_id: UUID, quantity: Decimal) -> None:
        quantity = min(quantity, self.book[order_id])
        self.book[order_id] -= quantity
        if not self.book[order_id]:
            del self.book[order_id]
        self.truth[order_id] = self.truth.get(order_id, Decimal(0)) + quantity
        self.untold.append((order_id, quantity))

    def tell(self, order_id: UUID | None = None) -> None:
        for told in [each for each in self.untold if order_id in (None, each[0])]:
            self.untold.remove(told)
            order = self.orders[told[0]]
            filled = order.filled_quantity + told[1]
            state = order.state
            if filled >= order.quantity:
                state = _S.FILLED
            elif not order.final and state is not _S.PENDING_CANCEL:
                state = _S.PARTIALLY_FILLED
            fees = order.base_fees + told[1] * self.fee_rate
            self.set(order.moved(state, self.tick(), filled_quantity=filled, base_fees=fees))

    def venue_cancels(self, order: Order) -> None:
        """Its word on the end comes before, or after, its word on the last fills."""
        self.book.pop(order.order_id, None)
        if not order.final:
            self.set(order.moved(_S.CANCELLED, self.tick()))

    def goes_off(self, order: Order) -> None:
        assert order.trigger is not None
        moment = self.tick()
        self.set(order.moved(_S.HELD, moment, trigger=replace(order.trigger, trigger_time=moment)))

    def user_cancels(self, order: Order) -> None:
        if order.final or order.state is _S.PENDING_CANCEL:
            return
        only_here = order.state is _S.HELD
        self.set(order.moved(_S.CANCELLED if only_here else _S.PENDING_CANCEL, self.tick()))

    # --- what holds always

    def asked(self) -> list[Order]:
        return [
            each for each in self.all() if each.state in {_S.PENDING, _S.PENDING_CANCEL} and each.never_left
        ]

    def travelling(self) -> list[Order]:
        return [
            each
            for each in self.all()
            if each.state in {_S.SUBMITTED, _S.PENDING_CANCEL}
            and not each.never_left
            and each.order_id not in self.book
            and each.order_id not in self.truth
        ]

    def check(self) -> None:
        book = OrderList.of(self.all(), _LOT)
        exits = book.exits
        true = [sum((self.truth.get(o.order_id, Decimal(0)) for o in s.orders), Decimal(0)) for s in exits]
        if book.entry is None:
            assert sum(true) <= _QUANTITY
        else:
            entered = sum((self.truth.get(o.order_id, Decimal(0)) for o in book.entry.orders), Decimal(0))
            # A pair shares what was entered; children that are no pair have it each.
            linked = exits[0].current.links.linked is not None
            closed = sum(true) if linked else max(true)
            assert closed <= entered
            if linked:
                # Of what was bought the fee is gone.
                assert closed <= entered * (1 - self.fee_rate)
        if exits[0].current.links.linked is not None:
            standing = [s for s in exits if any(o.order_id in self.book for o in s.orders)]
            assert len(standing) <= 1
        for order in self.all():
            assert order.quantity > 0
            assert self.truth.get(order.order_id, Decimal(0)) <= order.quantity

    def calm(self) -> None:
        """The venue and risk answer everything, well; we do what is to be done, until nothing is."""
        for _ in range(200):
            self.tell()
            for order in self.asked():
                self.risk(order, approves=True)
            for order in self.travelling():
                self.venue_takes(self.orders[order.order_id], accepts=True)
            for order in self.all():
                if order.state is _S.PENDING_CANCEL and not order.never_left:
                    self.venue_cancels(order)
                elif order.order_id in self.book and limit_of(order.terms) is None:
                    self.trade(order.order_id, _QUANTITY)
            self.check()
            steps = self.steps()
            if not steps and not self.asked() and not self.travelling() and not self.untold:
                return
            for step in steps:
                if step in self.steps():
                    self.take(step)
                    self.check()
        raise AssertionError(f"it never ends: {self.steps()}")


def _events(world: World, dice: Random, *, calmly: bool) -> list[Callable[[], None]]:
    """All that can happen next; what helps nobody is rare, and left out where it is to be calm."""
    events: list[Callable[[], None]] = []
    events += [partial(world.take, step) for step in world.steps(retry=dice.random() < 0.5)]
    events += [
        partial(world.trade, order_id, Decimal(dice.choice([1, 2, 3, 7]))) for order_id in sorted(world.book)
    ]
    events += [partial(world.tell, order_id) for order_id, _ in world.untold]
    well = calmly or dice.random() < 0.9
    events += [partial(world.risk, order, approves=well) for order in world.asked()]
    events += [partial(world.venue_takes, order, accepts=well) for order in world.travelling()]
    for order in world.all():
        if order.state is _S.PENDING_CANCEL and order.order_id in world.book:
            events.append(partial(world.venue_cancels, order))
        if is_watched(order):
            events.append(partial(world.goes_off, order))
        if not calmly and not order.final and dice.random() < 0.03:
            events.append(partial(world.user_cancels, order))
    return events


def _live(world: World, dice: Random, length: int, *, calmly: bool) -> None:
    for _ in range(length):
        events = _events(world, dice, calmly=calmly)
        if not events:
            return
        dice.choice(events)()
        world.check()


_LENGTHS = st.integers(0, 120)
_SEEDS = st.integers(0, 2**32)
_LISTS = st.sampled_from(
    [
        (
            Contingency.BRACKET,
            (_ENTRY, (_PROFIT, Side.SELL), (_STOP, Side.SELL)),
        ),
        (Contingency.BRACKET, ((MarketTerms(), Side.BUY), (_PROFIT, Side.SELL), (_STOP_LIMIT, Side.SELL))),
        (Contingency.OCO, ((_PROFIT, Side.SELL), (_STOP, Side.SELL))),
        (Contingency.OCO, ((_STOP_LIMIT, Side.SELL), (_STOP, Side.SELL))),
        (Contingency.OTO, (_ENTRY, (_PROFIT, Side.SELL))),
        (Contingency.OTO, (_ENTRY, (_PROFIT, Side.SELL), (_STOP, Side.BUY))),
    ]
)


@settings(max_examples=400, deadline=None)
@given(kind=_LISTS, seed=_SEEDS, length=_LENGTHS, fee_rate=_FEES)
def test_whatever_happens_no_more_is_filled_than_the_list_allows_and_it_ends(
    kind: tuple[Contingency, tuple[tuple[Terms, Side], ...]], seed: int, length: int, fee_rate: Decimal
) -> None:
    world = World.of(kind[0], *kind[1])
    world.fee_rate = fee_rate
    _live(world, Random(seed), length, calmly=False)
    world.calm()
    book = OrderList.of(world.all(), _LOT)
    for slot in book.exits:
        if book.left(slot) <= 0 and (book.entry is None or book.entry.over):
            assert slot.over
    if book.entry is not None and book.entry.over and book.entry.filled == 0:
        assert all(slot.over for slot in book.exits)


@settings(max_examples=200, deadline=None)
@given(seed=_SEEDS, length=_LENGTHS, fee_rate=_FEES)
def test_a_bracket_nobody_interferes_with_ends_protected(seed: int, length: int, fee_rate: Decimal) -> None:
    world = World.of(Contingency.BRACKET, _ENTRY, (_PROFIT, Side.SELL), (_STOP, Side.SELL))
    world.fee_rate = fee_rate
    _live(world, Random(seed), length, calmly=True)
    world.calm()
    book = OrderList.of(world.all(), _LOT)
    assert not unprotected(world.all(), _LOT)
    left = book.left(book.exits[1])
    stop = book.exits[1].current
    if left > 0 and stop.trigger is not None and not stop.trigger.gone_off:
        assert is_watched(stop)
        assert stop.quantity == left
        target = book.exits[0].current
        assert target.quantity - target.filled_quantity == left


def test_a_child_waits_until_its_entry_has_filled() -> None:
    world = World.of(Contingency.BRACKET, _ENTRY, (_PROFIT, Side.SELL), (_STOP, Side.SELL))
    world.calm()
    first, target, stop = world.all()
    assert first.state is _S.OPEN
    assert is_unreleased(target)
    assert is_unreleased(stop)
    world.trade(first.order_id, Decimal(3))
    world.tell()
    assert unprotected(world.all())
    # The stop comes first.
    assert world.steps() == (Release(stop.order_id, Decimal(3)), Release(target.order_id, Decimal(3)))
    world.calm()
    assert not unprotected(world.all())
    assert world.orders[stop.order_id].quantity == world.orders[target.order_id].quantity == 3
