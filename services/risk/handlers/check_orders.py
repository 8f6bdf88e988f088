"""Use case: decide on orders."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from services.chassis.telemetry.correlation import correlated
from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import AccountName
from services.risk.domain.order import OrderTerms
from services.risk.domain.question import Market, Recent
from services.risk.handlers.deciding import Scope, Series, day_of, scope_of
from services.risk.handlers.facts import require_facts, require_limits
from services.risk.ports import (
    AccountFacts,
    Decision,
    ExchangeEvents,
    KnownOrders,
    MarketData,
    RiskBook,
    RiskReader,
    RiskStore,
    StoredDecision,
)

_log = structlog.get_logger(__name__)
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """An order that is to be decided on.

    Attributes:
        order_id: its id.
        order: its terms.
        correlation_id: of what it came with.
    """

    order_id: str
    order: OrderTerms
    correlation_id: str


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

    async def check(self, asked: Asked) -> Decision:
        """Decide on one order, as :meth:`reserve`.

        Raises:
            DomainError: as :meth:`reserve` raises and returns.
        """
        (answer,) = await self.reserve([asked])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def reserve(self, orders: Sequence[Asked]) -> Sequence[Decision | Exception]:
        """Decide on orders one after another and reserve for them, in one transaction.

        The same order gets the same answer again. What one reserves counts for those behind it; one that
        is refused changes nothing.

        Returns:
            For each a decision, or why there is none: a DomainError with ACCOUNT_NOT_FOUND,
            INSTRUMENT_NOT_FOUND, ORDER_ID_REUSED where the id was decided on with other terms,
            ORDER_ENDED where the exchange gave the order up meanwhile, UPSTREAM_UNAVAILABLE where the
            account's positions change too fast; or a fault of ours.

        Raises:
            DomainError: EVENTS_BEHIND.
        """
        self._require_events()
        terms = [each.order for each in orders]
        accounts = await self._known({order.account for order in terms})
        for left in reversed(range(_LOOKS)):
            scope = scope_of(accounts, terms)
            market = await self.market.look(scope.instruments, scope.assets)
            async with self.store.write() as writer:
                known = await writer.known_orders([each.order_id for each in orders])
                fresh = [each for each in orders if each.order_id not in known.decided]
                accounts = await _facts(writer, {each.order.account for each in fresh})
                moved = _moved(accounts, scope, fresh)
                if moved and left:
                    continue  # Something was traded meanwhile that was not looked at.
                series = await self._series(writer, accounts, market)
                turns = Turns(known, series, await _recent(writer, series, fresh), moved)
                answers = [turns.take(each) for each in orders]
                await turns.store(writer)
            break
        for made in turns.made:
            _report(made)
        return answers

    async def preview(self, orders: Sequence[OrderTerms]) -> Sequence[Decision]:
        """Say what would be decided on each, counted with those before it; reserve and store nothing.

        Args:
            orders: of one account.

        Raises:
            DomainError: EVENTS_BEHIND, ACCOUNT_NOT_FOUND, INSTRUMENT_NOT_FOUND.
        """
        self._require_events()
        async with self.store.read() as reader:
            facts, limits = await require_facts(reader, orders[0].account)
            now = self.clock.now()
            before = [await reader.recent(order, limits, now) for order in orders]
        scope = scope_of([facts], orders)
        market = await self.market.look(scope.instruments, scope.assets)
        series = Series(facts, market, self.fee_rate, now, day_of(facts, market, now))
        decisions: list[Decision] = []
        for place, (order, recent) in enumerate(zip(orders, before, strict=True), start=1):
            market.require(order.instrument)
            decision = series.decide(f"number {place} of the batch", order, recent)
            decisions.append(replace(decision, reservation=None))
        return decisions

    async def _known(self, accounts: Iterable[str]) -> Sequence[AccountFacts]:
        """A hint of what accounts have to do with; what counts is read in the transaction."""
        remembered = {account: self.store.known(account) for account in accounts}
        found = [each for each in remembered.values() if each is not None and each.limits is not None]
        if len(found) == len(remembered):
            return found
        async with self.store.read() as reader:
            return [
                each for account in remembered if (each := await reader.facts(account)).limits is not None
            ]

    async def _series(
        self, writer: RiskBook, accounts: Sequence[AccountFacts], market: Market
    ) -> Mapping[str, Series]:
        """The orders of each account from now on; how its day goes is stored where that is news."""
        now = self.clock.now()
        series: dict[str, Series] = {}
        for facts in accounts:
            day = day_of(facts, market, now)
            if day is not None and day != facts.day:
                await writer.put_day(facts.account, day)
            after = await writer.facts(facts.account)
            series[facts.account] = Series(after, market, self.fee_rate, now, day)
        return series

    def _require_events(self) -> None:
        if not self.events.ready():
            raise DomainError(
                "EVENTS_BEHIND",
                "the exchange's events have not been read to their end yet, or not for too long",
                kind=ErrorKind.UNAVAILABLE,
            )


class Turns:
    """Orders that take their turns in one transaction, with what is made of them.

    Args:
        known: what is stored of their ids.
        series: by account, of those that have limits.
        recent: what the account did shortly before, by order id.
        moved: accounts that have to do with more than was looked at.
    """

    def __init__(
        self,
        known: KnownOrders,
        series: Mapping[str, Series],
        recent: Mapping[str, Recent],
        moved: Collection[str],
    ) -> None:
        self._known = known
        self._series = series
        self._recent = recent
        self._moved = moved
        self._made: dict[str, StoredDecision] = {}

    @property
    def made(self) -> Sequence[StoredDecision]:
        """What was decided here."""
        return list(self._made.values())

    def take(self, asked: Asked) -> Decision | Exception:
        """Decide on the next order; whatever goes wrong with it is its own affair."""
        try:
            return self._decision(asked)
        except DomainError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the others go on
            _log.exception("order_not_decided", order_id=asked.order_id)
            return error

    async def store(self, writer: RiskBook) -> None:
        """Store what was decided."""
        for account, series in self._series.items():
            mine = [made for made in self._made.values() if made.order.account == account]
            if mine:
                await writer.put_decisions(series.facts, mine)

    def _decision(self, asked: Asked) -> Decision:
        order_id, order = asked.order_id, asked.order
        earlier = self._made.get(order_id) or self._known.decided.get(order_id)
        if earlier is not None:
            return _again(order, earlier)
        if order_id in self._known.ended:
            raise _order_ended(order_id)
        series = self._series.get(order.account)
        if series is None:
            raise AccountName(order.account).not_found(f"risk has no limits for accounts/{order.account}")
        series.market.require(order.instrument)
        if order.account in self._moved:
            raise _too_fast(order.account)
        decision = series.decide(order_id, order, self._recent[order_id])
        self._made[order_id] = StoredDecision(order_id, order, decision, asked.correlation_id)
        return decision


def _moved(accounts: Iterable[AccountFacts], scope: Scope, orders: Sequence[Asked]) -> Collection[str]:
    """The accounts that have to do with more than was looked at."""
    found: set[str] = set()
    for facts in accounts:
        mine = [each.order for each in orders if each.order.account == facts.account]
        if not scope.covers(scope_of([facts], mine)):
            found.add(facts.account)
    return found


async def _facts(reader: RiskReader, accounts: Iterable[str]) -> Sequence[AccountFacts]:
    """All about those accounts that have limits."""
    return [each for account in accounts if (each := await reader.facts(account)).limits is not None]


async def _recent(
    writer: RiskBook, series: Mapping[str, Series], orders: Iterable[Asked]
) -> Mapping[str, Recent]:
    """What each order's account did shortly before, as it is stored."""
    found: dict[str, Recent] = {}
    for each in orders:
        mine = series.get(each.order.account)
        if mine is not None:
            limits = require_limits(mine.facts)
            found[each.order_id] = await writer.recent(each.order, limits, mine.now)
    return found


def _again(order: OrderTerms, stored: StoredDecision) -> Decision:
    if stored.order != order:
        raise DomainError(
            "ORDER_ID_REUSED",
            f"order {stored.order_id} was checked before with other terms",
            kind=ErrorKind.ALREADY_EXISTS,
            metadata={"orderId": stored.order_id},
        )
    return stored.decision


def _too_fast(account: str) -> DomainError:
    return DomainError(
        "UPSTREAM_UNAVAILABLE",
        f"the positions of accounts/{account} change faster than they can be valued",
        kind=ErrorKind.UNAVAILABLE,
    )


def _order_ended(order_id: str) -> DomainError:
    return DomainError(
        "ORDER_ENDED",
        f"order {order_id} is final at the exchange, so nothing is reserved for it",
        kind=ErrorKind.PRECONDITION,
        metadata={"orderId": order_id},
    )


def _report(made: StoredDecision) -> None:
    decision, last = made.decision, made.decision.checks[-1]
    with correlated(made.correlation_id):
        _log.info(
            "order_approved" if decision.approved else "order_denied",
            order_id=made.order_id,
            instrument=str(made.order.instrument),
            side=made.order.side.name,
            check=last.kind.name,
            observed=last.observed,
            allowed=last.allowed,
        )
