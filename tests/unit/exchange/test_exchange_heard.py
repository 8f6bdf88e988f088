"""What is known needs no transaction: only where booking it would change nothing, whatever happened since."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.evidence import VenueFill, VenueOrder, VenueStatus, fill_of, settle
from services.exchange.domain.fills import Liquidity
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.states import TRANSITIONS, OrderState
from services.exchange.domain.terms import LimitTerms
from services.exchange.handlers.heard import Heard

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TRADES = tuple("123")


def _order() -> Order:
    intent = OrderIntent(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        side=Side.BUY,
        quantity=Decimal(3),
        terms=LimitTerms(Decimal(100)),
    )
    pending = Order.intended(intent, Assets("btc", "usdt"), uuid4(), "cause", NOW)
    return pending.moved(OrderState.SUBMITTED, NOW, submit_time=NOW)


def _told(
    order: Order, status: VenueStatus, trades: tuple[str, ...], venue_order_id: str = "7"
) -> VenueOrder:
    fills = tuple(
        VenueFill(
            venue_trade_id=trade,
            client_order_id=order.client_order_id,
            venue_order_id=venue_order_id,
            price=Decimal(100),
            quantity=Decimal(1),
            fee=Decimal("0.1"),
            fee_asset="btc",
            liquidity=Liquidity.MAKER,
            exchange_time=NOW,
        )
        for trade in trades
    )
    return VenueOrder(
        client_order_id=order.client_order_id,
        venue_order_id=venue_order_id,
        instrument=order.instrument,
        assets=order.assets,
        side=order.side,
        quantity=order.quantity,
        terms=order.terms,
        status=status,
        fills=fills,
    )


def test_nothing_is_known_that_was_not_kept() -> None:
    heard, order = Heard(), _order()
    told = _told(order, VenueStatus.OPEN, ())
    assert not heard.knows("sim", "paper", told)
    heard.keep(settle(order, told, (), NOW), told)
    assert heard.knows("sim", "paper", told)
    assert not heard.knows("sim", "other", told)
    assert not heard.knows("other", "paper", told)
    assert not heard.knows("sim", "paper", replace(told, status=VenueStatus.CANCELLED))
    assert not heard.knows("sim", "paper", _told(order, VenueStatus.OPEN, ("1",)))


def test_it_forgets_the_oldest_and_knows_less_then() -> None:
    heard = Heard(most=2)
    orders = [_order() for _ in range(3)]
    evidence = [_told(order, VenueStatus.OPEN, ()) for order in orders]
    for order, told in zip(orders, evidence, strict=True):
        heard.keep(settle(order, told, (), NOW), told)
    assert [heard.knows("sim", "paper", told) for told in evidence] == [False, True, True]


class HeardAgainstBooks(RuleBasedStateMachine):
    """Evidence is booked in any order, cancels come between: what is known is always in the books."""

    @initialize()
    def begin(self) -> None:
        self.order = _order()
        self.booked: set[str] = set()
        self.unreported: list[tuple[Order, VenueOrder]] = []
        self.heard = Heard()

    @rule(
        status=st.sampled_from(VenueStatus),
        trades=st.sets(st.sampled_from(_TRADES)),
        report=st.booleans(),
    )
    def hear(self, status: VenueStatus, trades: set[str], report: bool) -> None:
        """A transaction commits; its report may come after that of the next one, or never."""
        told = _told(self.order, status, tuple(sorted(trades)))
        self.order, _ = self._book(told)
        self.booked |= trades
        self.unreported.append((self.order, told))
        if report:
            self._report()

    @rule()
    def report_late(self) -> None:
        self._report()

    @rule(state=st.sampled_from(OrderState))
    def move(self, state: OrderState) -> None:
        """Something else than evidence changes the order: a cancel, a failed sending."""
        evidence = {OrderState.OPEN, OrderState.PARTIALLY_FILLED, OrderState.FILLED, OrderState.EXPIRED}
        if state in TRANSITIONS[self.order.state] - evidence and not self.order.final:
            self.order = self.order.moved(state, NOW)

    @invariant()
    def what_is_known_changes_nothing(self) -> None:
        for status in VenueStatus:
            for trades in ((), ("1",), ("2", "3"), _TRADES):
                told = _told(self.order, status, trades)
                if self.heard.knows("sim", "paper", told):
                    after, fresh = self._book(told)
                    assert after is self.order
                    assert not fresh

    def _book(self, told: VenueOrder) -> tuple[Order, list[str]]:
        fresh = [each for each in told.fills if each.venue_trade_id not in self.booked]
        fills = [fill_of(self.order, each, NOW) for each in fresh]
        return settle(self.order, told, fills, NOW), [each.venue_trade_id for each in fresh]

    def _report(self) -> None:
        while self.unreported:
            self.heard.keep(*self.unreported.pop())


TestHeardAgainstBooks = HeardAgainstBooks.TestCase
