"""The order state machine: its table, and evidence in any order, twice, late."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.evidence import (
    TIME_IN_FORCE,
    VenueFill,
    VenueOrder,
    VenueStatus,
    adopted,
    fill_of,
    settle,
)
from services.exchange.domain.fills import Fill, Liquidity
from services.exchange.domain.order import Order, OrderIntent, client_order_id, order_id_of
from services.exchange.domain.states import (
    FINAL,
    TRANSITIONS,
    IllegalTransitionError,
    OrderState,
    require_legal,
)
from services.exchange.domain.terms import LimitTerms, MarketTerms, StopMarketTerms, Trigger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INTENT = OrderIntent(
    account="paper",
    venue="sim",
    instrument="btc-usdt",
    side=Side.BUY,
    quantity=Decimal(10),
    terms=LimitTerms(Decimal(100)),
)


def new_order(state: OrderState = OrderState.PENDING) -> Order:
    order = Order.intended(INTENT, Assets("btc", "usdt"), uuid4(), "cause", NOW)
    return replace(order, state=state)


def told(order: Order, status: VenueStatus, *fills: VenueFill) -> VenueOrder:
    return VenueOrder(
        client_order_id=order.client_order_id,
        venue_order_id="77",
        instrument=order.instrument,
        assets=order.assets,
        side=order.side,
        quantity=order.quantity,
        terms=order.terms,
        status=status,
        reason="IMMEDIATE_OR_CANCEL" if status is VenueStatus.EXPIRED else "",
        fills=fills,
    )


def fill(number: int, quantity: str) -> VenueFill:
    return VenueFill(
        venue_trade_id=str(number),
        client_order_id="",
        venue_order_id="77",
        price=Decimal(100) + number,
        quantity=Decimal(quantity),
        fee=Decimal("0.01"),
        fee_asset="usdt",
        liquidity=Liquidity.TAKER,
        exchange_time=NOW,
    )


def test_every_state_has_its_line_and_final_ones_lead_to_filled_only() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    for state in FINAL:
        assert TRANSITIONS[state] == {state, OrderState.FILLED}


def test_what_is_not_in_the_table_is_an_error() -> None:
    for before, after in itertools.product(OrderState, OrderState):
        if after in TRANSITIONS[before]:
            require_legal(before, after)
            assert new_order(before).moved(after, NOW).version == 2
        else:
            with pytest.raises(IllegalTransitionError):
                new_order(before).moved(after, NOW)


@given(st.uuids())
def test_client_order_id_is_a_function_of_the_order_id_and_back(order_id: UUID) -> None:
    client_id = client_order_id(order_id)
    assert client_id == client_order_id(order_id)
    assert len(client_id) <= 36
    assert order_id_of(client_id) == order_id


@pytest.mark.parametrize("text", ["", "tm-", "tm-xyz", "by-hand", "tm-" + "A" * 32])
def test_what_is_not_ours_is_not_taken_for_ours(text: str) -> None:
    assert order_id_of(text) is None


def test_fingerprint_is_of_the_meaning() -> None:
    same = replace(INTENT, quantity=Decimal("10.000"), terms=LimitTerms(Decimal("100.0")))
    assert same.fingerprint() == INTENT.fingerprint()
    for other in (
        replace(INTENT, quantity=Decimal(11)),
        replace(INTENT, side=Side.SELL),
        replace(INTENT, terms=MarketTerms()),
        replace(INTENT, strategy="x"),
        replace(INTENT, account="other"),
    ):
        assert other.fingerprint() != INTENT.fingerprint()


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("status", VenueStatus)
@pytest.mark.parametrize("filled", ["0", "4", "10", "12"])
def test_evidence_is_never_an_illegal_step(state: OrderState, status: VenueStatus, filled: str) -> None:
    """The stream of a venue must never get stuck on what it tells."""
    before = Decimal(1 if state is OrderState.PARTIALLY_FILLED else 0)
    order = replace(new_order(state), filled_quantity=before)
    evidence = told(order, status, fill(1, filled))
    fresh = [fill_of(order, evidence.fills[0], NOW)] if filled != "0" else []
    after = settle(order, evidence, fresh, NOW)
    assert after.filled_quantity == Decimal(filled) + before
    if after.filled_quantity >= order.quantity:
        assert after.state is OrderState.FILLED
    elif state in FINAL:
        assert after.state is state
    assert settle(after, evidence, [], NOW) is after


def test_filled_without_the_fills_is_not_filled_yet() -> None:
    order = new_order(OrderState.SUBMITTED)
    assert settle(order, told(order, VenueStatus.FILLED), [], NOW).state is OrderState.OPEN


def test_a_cancel_for_lack_of_time_ends_expired_and_a_faster_fill_does_not_say_so() -> None:
    ending = replace(new_order(OrderState.OPEN), reason="")
    ending = ending.moved(
        OrderState.PENDING_CANCEL, NOW, reason=TIME_IN_FORCE, reason_message="the order ran out of time"
    )
    done = settle(ending, told(ending, VenueStatus.CANCELLED), [], NOW)
    assert (done.state, done.reason) == (OrderState.EXPIRED, TIME_IN_FORCE)
    evidence = told(ending, VenueStatus.FILLED, fill(1, "10"))
    filled = settle(ending, evidence, [fill_of(ending, evidence.fills[0], NOW)], NOW)
    assert (filled.state, filled.reason, filled.reason_message) == (OrderState.FILLED, "", "")


def test_a_quote_quantity_is_filled_when_the_venue_says_so() -> None:
    """More than was expected may be filled for it, and less; only the venue's end is an end."""
    order = replace(
        new_order(OrderState.SUBMITTED),
        terms=MarketTerms(),
        quote_quantity=Decimal(1000),
        quantity=Decimal(3),
    )
    word = replace(told(order, VenueStatus.OPEN, fill(1, "4")), quantity=Decimal(0))
    partly = settle(order, word, [fill_of(order, word.fills[0], NOW)], NOW)
    assert (partly.state, partly.quantity) == (OrderState.PARTIALLY_FILLED, Decimal(3))
    last = replace(told(partly, VenueStatus.FILLED, fill(2, "5")), quantity=Decimal(9))
    unfinished = settle(partly, replace(last, fills=()), [], NOW)
    assert (unfinished.state, unfinished.quantity) == (OrderState.PARTIALLY_FILLED, Decimal(9))
    done = settle(partly, last, [fill_of(partly, last.fills[0], NOW)], NOW)
    assert (done.state, done.quantity, done.filled_quantity) == (OrderState.FILLED, Decimal(9), Decimal(9))
    late = settle(done, replace(last, fills=()), [], NOW)
    assert late is done


def test_the_venue_s_own_trigger_shows() -> None:
    terms = StopMarketTerms(Trigger(Decimal(90)))
    order = Order.intended(replace(INTENT, terms=terms), Assets("btc", "usdt"), uuid4(), "cause", NOW)
    order = replace(order, state=OrderState.OPEN, venue_order_id="77")
    word = replace(told(order, VenueStatus.OPEN), trigger_time=NOW)
    after = settle(order, word, [], NOW)
    assert after.trigger is not None
    assert (after.trigger.trigger_time, after.trigger.price) == (NOW, Decimal(90))
    assert settle(after, word, [], NOW) is after


def test_average_price_is_for_display_and_rounded_half_even() -> None:
    order = replace(new_order(), filled_quantity=Decimal(3), filled_notional=Decimal(200))
    assert order.average_price() == Decimal("66.666666666667")
    assert new_order().average_price() is None


def test_adopting_twice_is_the_same_order() -> None:
    seen = told(new_order(), VenueStatus.OPEN)
    for client_id in ("by-hand", "", seen.client_order_id):
        one = replace(seen, client_order_id=client_id)
        first, second = (adopted("sim", "paper", one, "cause", NOW) for _ in range(2))
        assert first == second
        assert first.version == 1


@settings(max_examples=60, deadline=None)
@given(
    quantities=st.lists(st.integers(1, 4), min_size=1, max_size=6).filter(lambda each: sum(each) <= 10),
    ending=st.sampled_from([None, VenueStatus.CANCELLED, VenueStatus.EXPIRED]),
    data=st.data(),
)
def test_any_order_of_evidence_leads_to_the_same_order(
    quantities: list[int], ending: VenueStatus | None, data: st.DataObject
) -> None:
    order = new_order(OrderState.SUBMITTED)
    words = [told(order, VenueStatus.OPEN, fill(n, str(q))) for n, q in enumerate(quantities)]
    if ending is not None:
        words.append(told(order, ending))
    repeated = data.draw(st.permutations([*words, *words]))
    results = set()
    for sequence in (words, repeated):
        booked: set[str] = set()
        now = order
        for word in sequence:
            fresh = [fill_of(now, each, NOW) for each in word.fills if each.venue_trade_id not in booked]
            booked |= {each.venue_trade_id for each in fresh}
            now = settle(now, word, fresh, NOW)
        results.add((now.state, now.filled_quantity, now.filled_notional))
    assert len(results) == 1
    assert results.pop()[1] == sum(quantities)


class OrderLife(RuleBasedStateMachine):
    """Everything that can happen to an order, in any order, against plain sums."""

    def __init__(self) -> None:
        super().__init__()
        self.order = new_order()
        self.fills: dict[str, Fill] = {}
        self.versions = [1]
        self.clock = NOW
        self.left = Decimal(12)

    def _take(self, order: Order) -> None:
        if order is not self.order:
            assert order.state in TRANSITIONS[self.order.state]
            assert order.version == self.order.version + 1
            self.order = order

    def _tell(self, word: VenueOrder) -> None:
        self.clock += timedelta(seconds=1)
        fresh = []
        for each in word.fills:
            if each.venue_trade_id not in self.fills:
                self.fills[each.venue_trade_id] = fill_of(self.order, each, self.clock)
                fresh.append(self.fills[each.venue_trade_id])
        self._take(settle(self.order, word, fresh, self.clock))

    @precondition(lambda self: self.order.state is OrderState.PENDING)
    @rule(approved=st.booleans())
    def risk_answers(self, approved: bool) -> None:
        state = OrderState.SUBMITTED if approved else OrderState.DENIED
        self._take(self.order.moved(state, self.clock, submit_time=self.clock if approved else None))

    @precondition(lambda self: self.order.state is OrderState.PENDING)
    @rule()
    def is_held(self) -> None:
        self._take(self.order.moved(OrderState.HELD, self.clock))

    @precondition(lambda self: self.order.state is OrderState.HELD)
    @rule(
        state=st.sampled_from(
            [
                OrderState.HELD,
                OrderState.SUBMITTED,
                OrderState.PENDING,
                OrderState.CANCELLED,
                OrderState.EXPIRED,
                OrderState.DENIED,
            ]
        )
    )
    def held_order_moves(self, state: OrderState) -> None:
        left = self.clock if state is OrderState.SUBMITTED else None
        self._take(self.order.moved(state, self.clock, submit_time=left))

    @precondition(lambda self: self.order.state in {OrderState.SUBMITTED, OrderState.UNKNOWN})
    @rule()
    def never_arrived_and_is_held_again(self) -> None:
        self._take(self.order.moved(OrderState.HELD, self.clock, submit_time=None))

    @precondition(lambda self: self.order.state is OrderState.SUBMITTED)
    @rule(state=st.sampled_from([OrderState.UNKNOWN, OrderState.REJECTED, OrderState.DENIED]))
    def sending_fails(self, state: OrderState) -> None:
        self._take(self.order.moved(state, self.clock))

    @precondition(lambda self: not self.order.final and self.order.state is not OrderState.PENDING_CANCEL)
    @rule()
    def cancel_is_wished(self) -> None:
        self._take(self.order.moved(OrderState.PENDING_CANCEL, self.clock))

    @precondition(lambda self: self.order.state is not OrderState.PENDING)
    @rule(number=st.integers(0, 7), status=st.sampled_from(VenueStatus))
    def venue_tells_a_fill(self, number: int, status: VenueStatus) -> None:
        self._tell(told(self.order, status, fill(number, "2")))

    @precondition(lambda self: self.order.state is not OrderState.PENDING)
    @rule(status=st.sampled_from(VenueStatus))
    def venue_tells_a_status(self, status: VenueStatus) -> None:
        self._tell(told(self.order, status))

    @invariant()
    def filled_is_the_sum_of_fills(self) -> None:
        assert self.order.filled_quantity == sum((f.quantity for f in self.fills.values()), Decimal(0))
        assert self.order.filled_notional == sum((f.notional for f in self.fills.values()), Decimal(0))

    @invariant()
    def filled_means_filled(self) -> None:
        whole = self.order.filled_quantity >= self.order.quantity
        assert whole == (self.order.state is OrderState.FILLED)


TestOrderLife: Callable[[], None] = OrderLife.TestCase  # type: ignore[assignment]
OrderLife.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
