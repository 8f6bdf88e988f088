"""What is decided on orders of an account, once all that counts has been read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from services.kernel.decimals import render
from services.kernel.names import InstrumentName
from services.risk.domain.checks import run
from services.risk.domain.equity import Day, without_flows, worth_of
from services.risk.domain.limits import Limits
from services.risk.domain.locks import Lock
from services.risk.domain.order import OrderTerms
from services.risk.domain.question import Market, Question, Recent
from services.risk.domain.reservation import Holding
from services.risk.domain.trading import TradingState, stricter
from services.risk.handlers.facts import require_limits
from services.risk.ports import AccountFacts, Decision


@dataclass(frozen=True, slots=True)
class Scope:
    """What the market must be asked for to decide on orders.

    Attributes:
        instruments: those with a position or a pending order, and the orders'.
        assets: what must be valued, by venue.
    """

    instruments: frozenset[InstrumentName]
    assets: frozenset[Holding]

    def covers(self, other: "Scope") -> bool:
        """Whether nothing of the other is missing here."""
        return self.instruments >= other.instruments and self.assets >= other.assets


def scope_of(accounts: Iterable[AccountFacts], orders: Iterable[OrderTerms]) -> Scope:
    """What must be known to decide on orders of accounts that have limits."""
    instruments: set[InstrumentName] = set()
    assets: set[Holding] = set()
    for order in orders:
        instruments.add(order.instrument)
        if order.contract is not None:
            assets.add((order.instrument.venue, order.contract.settle))
    for facts in accounts:
        instruments |= facts.state.instruments()
        assets |= facts.state.money()
        if require_limits(facts).needs_equity:
            assets |= facts.state.assets()
            assets |= set(facts.day.flows) if facts.day is not None else set()
    return Scope(frozenset(instruments), frozenset(assets))


@dataclass(slots=True)
class Series:
    """Orders of one account, decided one after another: what one reserves counts for those behind it.

    Attributes:
        facts: the account, after all decided so far.
        market: what the market says.
        fee_rate: highest fee rate of a venue.
        now: the time.
        day: how the day goes, with what the account is worth now; None where no limit needs it.
        passed: orders that passed so far, with the name that each goes by.
    """

    facts: AccountFacts
    market: Market
    fee_rate: Decimal
    now: datetime
    day: Day | None
    passed: list[tuple[str, OrderTerms]] = field(default_factory=list)
    _limits: Limits = field(init=False)
    _trading: TradingState = field(init=False)
    _locks: Sequence[Lock] = field(init=False)

    def __post_init__(self) -> None:
        self._limits = require_limits(self.facts)
        self._trading = stricter(self.facts.trading, self.facts.everybody)
        self._locks = [lock for lock in self.facts.locks if lock.expire_time > self.now]

    def decide(self, order_id: str, order: OrderTerms, recent: Recent) -> Decision:
        """Decide on the next order.

        Args:
            order_id: id of the order, or what it goes by.
            order: its terms.
            recent: what is stored of what the account did shortly before.
        """
        facts = self.facts
        question = Question(
            order_id=order_id,
            order=order,
            limits=self._limits,
            trading=self._trading,
            state=facts.state,
            market=self.market,
            fee_rate=self.fee_rate,
            locks=self._locks,
            recent=self._with_passed(recent, order),
            day=self.day,
        )
        checks = run(question)
        approved = checks[-1].passed
        if approved:
            self.facts = facts.after(question.after)
            self.passed.append((order_id, order))
        return Decision(
            checks=checks,
            reservation=question.reservation if approved else None,
            limits_version=question.limits.version,
            decide_time=self.now,
            inputs=_inputs(question),
        )

    def _with_passed(self, recent: Recent, order: OrderTerms) -> Recent:
        """What happened shortly before, with the orders that passed here."""
        if not self.passed:
            return recent
        duplicate = recent.duplicate
        if not duplicate and self._limits.duplicate_window:
            duplicate = next((order_id for order_id, each in self.passed if order.repeats(each)), "")
        return Recent(recent.orders + len(self.passed), duplicate)


def day_of(facts: AccountFacts, market: Market, now: datetime) -> Day | None:
    """The day with what the account is worth now; None where no limit needs it."""
    if not require_limits(facts).limits_losses:
        return None
    return seen_today(facts, (facts.day or Day(now.date())).on(now.date()), market)


def seen_today(facts: AccountFacts, day: Day, market: Market) -> Day:
    """The day after a look at what the account is worth; unchanged where that cannot be known."""
    worth = without_flows(worth_of(facts.state, market.quotes, market.rates), day, market.rates)
    return day if worth.missing else day.seen(day.day, worth.amount)


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
