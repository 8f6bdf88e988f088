"""Use case: decide on orders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import structlog

from services.kernel.clock import Clock
from services.kernel.decimals import render
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import InstrumentName
from services.risk.domain.checks import run
from services.risk.domain.equity import Day, without_flows, worth_of
from services.risk.domain.limits import Limits
from services.risk.domain.order import OrderTerms
from services.risk.domain.question import Market, Question, Recent
from services.risk.domain.reservation import Holding
from services.risk.domain.trading import stricter
from services.risk.handlers.facts import require_facts, require_limits
from services.risk.ports import (
    AccountFacts,
    Decision,
    ExchangeEvents,
    MarketData,
    RiskStore,
    RiskWriter,
    StoredDecision,
)

_log = structlog.get_logger(__name__)
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """What the market must be asked for to decide on an order.

    Attributes:
        instruments: those with a position or a pending order, and the order's.
        assets: what must be valued, by venue.
    """

    instruments: frozenset[InstrumentName]
    assets: frozenset[Holding]

    def covers(self, other: "Scope") -> bool:
        """Whether nothing of the other is missing here."""
        return self.instruments >= other.instruments and self.assets >= other.assets


@dataclass(frozen=True, slots=True)
class OrderChecks:
    """Decides on orders.

    Attributes:
        store: what risk knows.
        market: prices and instruments.
        events: how far the exchange's events have been applied.
        clock: the time.
        fee_rate: highest fee rate of a venue; a buy reserves its fee, too.
    """

    store: RiskStore
    market: MarketData
    events: ExchangeEvents
    clock: Clock
    fee_rate: Decimal

    async def check(self, order_id: str, order: OrderTerms) -> Decision:
        """Decide on an order and reserve for it, in one transaction. The same order gets the same again.

        Raises:
            DomainError: EVENTS_BEHIND, ACCOUNT_NOT_FOUND, INSTRUMENT_NOT_FOUND, ORDER_ID_REUSED where
                the id was decided on with other terms, or ORDER_ENDED where the exchange gave the order
                up meanwhile.
        """
        self._require_events()
        facts = await self._known(order.account)
        for _ in range(_LOOKS):
            scope = _scope(facts, (order,))
            market = await self._look(order, scope)
            async with self.store.write() as writer:
                asked = await writer.asked(order.account, order_id)
                if asked.decided:
                    break
                if asked.ended:
                    raise _order_ended(order_id)
                facts, _limits = await require_facts(writer, order.account)
                if not scope.covers(_scope(facts, (order,))):
                    continue  # Something was traded meanwhile that was not looked at.
                decision = await self._decided(writer, facts, order_id, order, market)
            _report(order_id, order, decision)
            return decision
        async with self.store.read() as reader:
            stored = await reader.decision(order_id)
        if stored is None:
            raise DomainError(
                "UPSTREAM_UNAVAILABLE",
                f"the positions of accounts/{order.account} change faster than they can be valued",
                kind=ErrorKind.UNAVAILABLE,
            )
        return _again(order_id, order, stored)

    async def preview(self, orders: Sequence[OrderTerms]) -> Sequence[Decision]:
        """Say what would be decided on each, counted with those before it; reserve and store nothing.

        Args:
            orders: of one account.

        Raises:
            DomainError: as :meth:`check`.
        """
        self._require_events()
        async with self.store.read() as reader:
            facts, limits = await require_facts(reader, orders[0].account)
            now = self.clock.now()
            before = [await reader.recent(order, limits, now) for order in orders]
        scope = _scope(facts, orders)
        decisions: list[Decision] = []
        passed: list[OrderTerms] = []
        for place, (order, stored) in enumerate(zip(orders, before, strict=True)):
            market = await self._look(order, scope)
            recent = _with_batch(stored, order, passed, limits)
            day = seen_today(facts, _today(facts, now), market) if limits.needs_equity else None
            question = self._question(facts, f"order {place}", order, market, recent, day)
            decision = _decision(question, self.clock)
            if decision.approved:
                facts = replace(facts, state=question.after)
                passed.append(order)
            decisions.append(replace(decision, reservation=None))
        return decisions

    async def _decided(
        self, writer: RiskWriter, facts: AccountFacts, order_id: str, order: OrderTerms, market: Market
    ) -> Decision:
        limits, now = require_limits(facts), self.clock.now()
        recent = await writer.recent(order, limits, now)
        day = await self._day(writer, facts, limits, market)
        question = self._question(facts, order_id, order, market, recent, day)
        decision = _decision(question, self.clock)
        await writer.put_decision(order_id, StoredDecision(order, decision))
        return decision

    async def _day(
        self, writer: RiskWriter, facts: AccountFacts, limits: Limits, market: Market
    ) -> Day | None:
        """The day, with what the account is worth now; stored where that is news."""
        if not limits.limits_losses:
            return None
        before = _today(facts, self.clock.now())
        after = seen_today(facts, before, market)
        if after != facts.day:
            await writer.put_day(facts.account, after)
        return after

    def _question(
        self,
        facts: AccountFacts,
        order_id: str,
        order: OrderTerms,
        market: Market,
        recent: Recent,
        day: Day | None,
    ) -> Question:
        now = self.clock.now()
        return Question(
            order_id=order_id,
            order=order,
            limits=require_limits(facts),
            trading=stricter(facts.trading, facts.everybody),
            state=facts.state,
            market=market,
            fee_rate=self.fee_rate,
            locks=[lock for lock in facts.locks if lock.expire_time > now],
            recent=recent,
            day=day,
        )

    async def _known(self, account: str) -> AccountFacts:
        """A hint of what the account has to do with; what counts is read in the transaction."""
        facts = self.store.known(account)
        if facts is None or facts.limits is None:
            async with self.store.read() as reader:
                facts, _ = await require_facts(reader, account)
        return facts

    async def _look(self, order: OrderTerms, scope: Scope) -> Market:
        return await self.market.look(scope.instruments, scope.assets, required=order.instrument)

    def _require_events(self) -> None:
        if not self.events.ready():
            raise DomainError(
                "EVENTS_BEHIND",
                "the exchange's events have not been read to their end yet, or not for too long",
                kind=ErrorKind.UNAVAILABLE,
            )


def seen_today(facts: AccountFacts, day: Day, market: Market) -> Day:
    """The day after a look at what the account is worth; unchanged where that cannot be known."""
    worth = without_flows(worth_of(facts.state, market.quotes, market.rates), day, market.rates)
    return day if worth.missing else day.seen(day.day, worth.amount)


def _today(facts: AccountFacts, now: datetime) -> Day:
    return (facts.day or Day(now.date())).on(now.date())


def _scope(facts: AccountFacts, orders: Sequence[OrderTerms]) -> Scope:
    instruments = facts.state.instruments() | {order.instrument for order in orders}
    assets = facts.state.money()
    assets |= {(each.instrument.venue, each.contract.settle) for each in orders if each.contract is not None}
    if require_limits(facts).needs_equity:
        assets |= facts.state.assets()
        assets |= set(facts.day.flows) if facts.day is not None else set()
    return Scope(frozenset(instruments), frozenset(assets))


def _with_batch(recent: Recent, order: OrderTerms, passed: Sequence[OrderTerms], limits: Limits) -> Recent:
    """What happened shortly before, with the orders of the batch that passed."""
    duplicate = recent.duplicate
    if limits.duplicate_window and not duplicate and order in passed:
        duplicate = f"number {passed.index(order) + 1} of the batch"
    return Recent(recent.orders + len(passed), duplicate)


def _decision(question: Question, clock: Clock) -> Decision:
    checks = run(question)
    approved = all(check.passed for check in checks)
    return Decision(
        checks=checks,
        reservation=question.reservation if approved else None,
        limits_version=question.limits.version,
        decide_time=clock.now(),
        inputs=_inputs(question),
    )


def _inputs(question: Question) -> dict[str, str]:
    """The numbers that a decision was made of, beside those in its checks."""
    order, state = question.order, question.state
    inputs = {
        "mode": question.trading.mode.value,
        "position": render(state.quantity(order.instrument)),
        "open_orders": str(state.open_orders),
    }
    quote = question.market.quotes.get(order.instrument)
    if quote is not None:
        inputs |= {"bid": render(quote.bid), "ask": render(quote.ask)}
    if question.limits.needs_equity and not question.worth.missing:
        inputs["equity"] = render(question.worth.amount)
    day = question.day
    if day is not None and day.start is not None and day.peak is not None:
        inputs |= {"day_start": render(day.start), "day_peak": render(day.peak)}
    return inputs


def _again(order_id: str, order: OrderTerms, stored: StoredDecision) -> Decision:
    if stored.order != order:
        raise DomainError(
            "ORDER_ID_REUSED",
            f"order {order_id} was checked before with other terms",
            kind=ErrorKind.ALREADY_EXISTS,
            metadata={"orderId": order_id},
        )
    return stored.decision


def _order_ended(order_id: str) -> DomainError:
    return DomainError(
        "ORDER_ENDED",
        f"order {order_id} is final at the exchange, so nothing is reserved for it",
        kind=ErrorKind.PRECONDITION,
        metadata={"orderId": order_id},
    )


def _report(order_id: str, order: OrderTerms, decision: Decision) -> None:
    last = decision.checks[-1]
    _log.info(
        "order_approved" if decision.approved else "order_denied",
        order_id=order_id,
        instrument=str(order.instrument),
        side=order.side.name,
        check=last.kind.name,
        observed=last.observed,
        allowed=last.allowed,
    )
