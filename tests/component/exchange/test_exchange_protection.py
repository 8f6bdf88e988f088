"""A venue behind its protection: limits shared through a real database, pauses, breaker, live switch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from services.chassis.persistence import Database
from services.chassis.persistence.errors import StorageUnavailableError
from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.breaker import BreakerRules
from services.exchange.domain.budgets import Ask, Budget, CallKind
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.terms import LimitTerms
from services.exchange.ports import (
    Accepted,
    CancelOutcome,
    NotSent,
    PlaceOutcome,
    Refused,
    Uncertain,
    VenueReports,
    VenueThrottledError,
    VenueUnreachableError,
)
from services.exchange.ports.protection import Leased
from services.exchange.protection.guarded import GuardedVenue, Protection
from services.exchange.storage.rates import SqlRateLedger
from services.exchange.views import Contact
from services.kernel.errors import DomainError
from tests.support.exchange import MIGRATIONS
from tests.support.exchange_venue import FakeVenue, Mishap

ORDERS = Budget(name="orders", window_seconds=10, limit=10, reserve=4, weights={CallKind.INSTRUMENTS: 0})
BREAKER = BreakerRules(failures=3, first=1.0, longest=4.0)


@dataclass
class Hands:
    """A clock whose hands the test moves."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class Telling(FakeVenue):
    """A venue whose adapter tells of its limits."""

    reports: VenueReports | None = None
    answers_429: float = 0.0
    banned: bool = False
    cancels: list[str] = field(default_factory=list)

    def rate_budgets(self) -> Sequence[Budget]:
        return [ORDERS]

    def report_to(self, reports: VenueReports) -> None:
        self.reports = reports

    async def place(self, order: Order, within: float) -> PlaceOutcome:
        if self.answers_429:
            assert self.reports is not None
            self.reports.asked_to_wait(self.answers_429, banned=self.banned)
            return NotSent("HTTP 429")
        return await super().place(order, within)

    async def cancel(self, order: Order, within: float) -> CancelOutcome:
        self.cancels.append(order.client_order_id)
        return await super().cancel(order, within)


def new_order() -> Order:
    intent = OrderIntent(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        side=Side.BUY,
        quantity=Decimal(1),
        terms=LimitTerms(Decimal(100)),
    )
    return Order.intended(intent, Assets("btc", "usdt"), uuid4(), "cause", datetime(2026, 1, 1, tzinfo=UTC))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url, migrations=MIGRATIONS)
    try:
        yield database
    finally:
        await database.close()


def guarded(
    database: Database, clock: Hands, venue: FakeVenue | None = None, protection: Protection | None = None
) -> GuardedVenue:
    settings = protection or Protection(breaker=BREAKER)
    return GuardedVenue(venue or Telling(), settings, SqlRateLedger(database, clock), clock)


async def test_instances_share_one_limit_and_keep_the_reserve(database_url: str) -> None:
    clock = Hands()
    async with opened(database_url) as database:
        instances = [guarded(database, clock) for _ in range(3)]
        placed = [await instances[n % 3].place(new_order(), 1) for n in range(12)]
        assert sum(isinstance(each, Accepted) for each in placed) == ORDERS.limit - ORDERS.reserve
        refused = [each for each in placed if isinstance(each, NotSent)]
        assert {each.reason for each in refused} == {"VENUE_RATE_LIMITED"}
        with pytest.raises(DomainError) as caught:
            await instances[0].admit_order()
        assert (caught.value.reason, caught.value.metadata) == ("VENUE_RATE_LIMITED", {"venue": "sim"})
        assert caught.value.retry_after is not None
        condition = instances[0].condition()
        assert condition.contact is Contact.THROTTLED
        assert condition.retry_time == clock.now() + caught.value.retry_after
        # Questions about orders and cancels go on within the reserve, and not beyond it.
        assert await instances[1].find("paper", "nobody") is None
        for _ in range(3):
            await instances[2].cancel(new_order(), 0.01)
        late = await instances[0].cancel(new_order(), 0.01)
        assert isinstance(late, NotSent)
        clock.pass_by(caught.value.retry_after.total_seconds())
        await instances[0].admit_order()
        assert isinstance(await instances[0].place(new_order(), 1), Accepted)


async def test_a_restart_goes_on_with_the_count(database_url: str) -> None:
    clock = Hands()
    async with opened(database_url) as database:
        first = guarded(database, clock)
        for _ in range(6):
            await first.place(new_order(), 1)
    async with opened(database_url) as database:
        again = guarded(database, clock)
        assert await again.place(new_order(), 1) == NotSent(
            "its rate limit is used up but for the reserve", reason="VENUE_RATE_LIMITED"
        )


async def test_not_every_call_writes(tmp_path: Path) -> None:
    clock = Hands()
    many = Budget(name="weight", window_seconds=60, limit=6000)
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as database:
        ledger = SqlRateLedger(database, clock)
        asked = []

        class Counting(SqlRateLedger):
            async def lease(self, venue, asks):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
                asked.append(venue)
                return await ledger.lease(venue, asks)

        venue = GuardedVenue(FakeVenue(), Protection([many]), Counting(database, clock), clock)
        for _ in range(100):
            await venue.find("paper", "nobody")
        assert len(asked) == 1
        assert venue.condition().budgets[0].used == 100


async def test_the_venues_own_count_corrects_ours_upwards(database_url: str) -> None:
    clock = Hands()
    async with opened(database_url) as database:
        venue = Telling()
        one, other = guarded(database, clock, venue), guarded(database, clock)
        assert isinstance(await one.place(new_order(), 1), Accepted)
        # The last adapter that was wrapped reports; here the first one.
        one.used("orders", 1)
        assert isinstance(await one.place(new_order(), 1), Accepted)
        one.used("orders", 9)
        one.used("nothing-we-count", 100)
        assert isinstance(await one.place(new_order(), 1), NotSent)
        assert one.condition().budgets[0].used == 9
        with pytest.raises(DomainError, match="rate limit"):
            await other.admit_order()


@pytest.mark.parametrize("banned", [False, True])
async def test_a_429_pauses_all_instances_and_spares_cancels_and_a_ban_spares_nothing(
    database_url: str, banned: bool
) -> None:
    clock = Hands()
    async with opened(database_url) as database:
        venue = Telling(answers_429=7.0, banned=banned)
        one, other = guarded(database, clock, venue), guarded(database, clock)
        outcome = await one.place(new_order(), 1)
        assert outcome == NotSent("HTTP 429", reason="VENUE_RATE_LIMITED", told=True)
        with pytest.raises(DomainError) as caught:
            await other.admit_order()
        assert caught.value.retry_after == timedelta(seconds=7)
        with pytest.raises(VenueThrottledError) as held:
            await one.find("paper", "nobody")
        assert held.value.retry_after == pytest.approx(7)
        assert one.condition().contact is Contact.THROTTLED
        assert one.condition().retry_time == clock.now() + timedelta(seconds=7)
        await one.cancel(new_order(), 0.1)
        assert bool(venue.cancels) is not banned
        clock.pass_by(7.1)
        venue.answers_429 = 0.0
        assert isinstance(await one.place(new_order(), 1), Accepted)
        assert one.condition().contact is Contact.UNSPECIFIED


async def test_failures_in_a_row_open_the_breaker_and_one_question_closes_it(database_url: str) -> None:
    clock = Hands()
    async with opened(database_url) as database:
        venue = FakeVenue(reachable=False)
        guard = guarded(database, clock, venue)
        for _ in range(BREAKER.failures):
            with pytest.raises(VenueUnreachableError):
                await guard.instruments()
        assert guard.condition().contact is Contact.TRIPPED
        sent = len(venue.sendings)
        assert await guard.place(new_order(), 1) == NotSent("too many calls to it failed")
        assert len(venue.sendings) == sent
        with pytest.raises(DomainError) as caught:
            await guard.admit_order()
        assert caught.value.reason == "VENUE_UNAVAILABLE"
        # Cancels are tried whatever the breaker says; that one fails says nothing new.
        assert isinstance(await guard.cancel(new_order(), 0.1), Uncertain)
        clock.pass_by(BREAKER.first)
        with pytest.raises(VenueUnreachableError, match=r"^UNAVAILABLE"):
            await guard.instruments()
        clock.pass_by(2 * BREAKER.first)
        venue.go()
        assert await guard.place(new_order(), 1) == NotSent("too many calls to it failed")
        assert await guard.instruments()
        assert guard.condition().contact is Contact.UNSPECIFIED
        assert isinstance(await guard.place(new_order(), 1), Accepted)


async def test_while_the_breaker_is_open_one_call_at_a_time_tries(tmp_path: Path) -> None:
    clock = Hands()
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as database:

        @dataclass
        class Slow(FakeVenue):
            asked: int = 0
            gate: asyncio.Event = field(default_factory=asyncio.Event)

            async def find(self, account: str, client_order_id: str) -> None:
                self.asked += 1
                await self.gate.wait()
                self._answering()

        venue = Slow(reachable=False)
        venue.gate.set()
        guard = guarded(database, clock, venue)
        for _ in range(BREAKER.failures):
            with pytest.raises(VenueUnreachableError):
                await guard.find("paper", "nobody")
        clock.pass_by(BREAKER.first)
        venue.gate.clear()
        trying = asyncio.create_task(guard.find("paper", "nobody"))
        await asyncio.sleep(0)
        with pytest.raises(VenueUnreachableError, match="breaker"):
            await guard.find("paper", "nobody")
        assert venue.asked == BREAKER.failures + 1
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        # It was cut off: another one may try.
        venue.go()
        venue.gate.set()
        assert await guard.find("paper", "nobody") is None
        assert guard.condition().contact is Contact.UNSPECIFIED


async def test_a_lease_that_comes_after_its_slice_is_asked_for_again(tmp_path: Path) -> None:
    clock = Hands()
    asked = []

    class Slow(SqlRateLedger):
        async def lease(self, venue: str, asks: Sequence[Ask]) -> Leased:
            asked.append(venue)
            leased = await super().lease(venue, asks)
            if len(asked) == 1:
                clock.pass_by(ORDERS.slice_ms / 1000)
            return leased

    async with opened(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as database:
        guard = GuardedVenue(Telling(), Protection(), Slow(database, clock), clock)
        assert isinstance(await guard.place(new_order(), 1), Accepted)
        assert len(asked) == 2
        # What the first one gave was given back.
        assert guard.condition().budgets[0].used == 1


async def test_without_the_count_cancels_leave_and_orders_do_not(tmp_path: Path) -> None:
    class Broken(SqlRateLedger):
        async def lease(self, venue: str, asks: Sequence[Ask]) -> Leased:
            raise StorageUnavailableError("gone")

    clock = Hands()
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as database:
        venue = Telling()
        guard = GuardedVenue(venue, Protection(), Broken(database, clock), clock)
        assert isinstance(await guard.place(new_order(), 1), NotSent)
        assert venue.sendings == []
        assert not isinstance(await guard.cancel(new_order(), 1), NotSent)
        assert len(venue.cancels) == 1
        assert await guard.find("paper", "nobody") is None
        with pytest.raises(VenueThrottledError):
            await guard.balances("paper")


async def test_a_definite_refusal_never_counts(tmp_path: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as database:
        venue = FakeVenue()
        guard = guarded(database, Hands(), venue)
        for _ in range(3 * BREAKER.failures):
            venue.mishaps.append(Mishap.REFUSED)
            assert isinstance(await guard.place(new_order(), 1), Refused)
        assert guard.condition().contact is Contact.UNSPECIFIED


@pytest.mark.parametrize(
    ("simulated", "sandbox", "live", "leaves"),
    [
        (True, False, False, True),
        (False, True, False, True),
        (False, False, False, False),
        (False, False, True, True),
    ],
)
async def test_orders_leave_for_a_live_venue_by_an_explicit_setting_only(
    tmp_path: Path, simulated: bool, sandbox: bool, live: bool, leaves: bool
) -> None:
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3") as database:
        venue = FakeVenue(simulated=simulated)
        guard = guarded(database, Hands(), venue, replace(Protection(), sandbox=sandbox, live=live))
        outcome = await guard.place(new_order(), 1)
        assert isinstance(outcome, Accepted) is leaves
        assert bool(venue.sendings) is leaves
        assert guard.condition().live is (live and not simulated)
        if not leaves:
            with pytest.raises(DomainError) as caught:
                await guard.admit_order()
            assert caught.value.reason == "LIVE_TRADING_OFF"
            # What stands at the venue can be seen and taken back.
            assert await guard.open_orders("paper") == []
            assert not isinstance(await guard.cancel(new_order(), 1), NotSent)
