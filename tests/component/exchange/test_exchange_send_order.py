"""One order, two runs in one process: the run that committed it, and one that found it idle."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from services.chassis.clock import SystemClock
from services.chassis.ids import UuidSource
from services.chassis.persistence import Database
from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import LimitTerms
from services.exchange.handlers.booking import Booking
from services.exchange.handlers.desks import Desk, Desks, VenueDesk
from services.exchange.handlers.send_order import Outside, SendOrder
from services.exchange.handlers.timing import Budget
from services.exchange.protection.guarded import GuardedVenue, Protection
from services.exchange.storage.rates import SqlRateLedger
from services.exchange.storage.store import SqlStore
from tests.support.exchange import MIGRATIONS, PATIENT, CrashingJournal
from tests.support.exchange_venue import FakeRisk, FakeVenue


async def test_two_runs_of_one_order_send_it_once(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/x.sqlite3", migrations=MIGRATIONS)
    clock, journal, risk, venue = SystemClock(), CrashingJournal(), FakeRisk(), FakeVenue()
    guarded = GuardedVenue(venue, Protection(), SqlRateLedger(database, clock), clock)
    venue_desk = VenueDesk(guarded, "Simulated", clock)
    await venue_desk.refresh()
    desks = Desks([Desk("paper", venue_desk)], [venue_desk])
    store = SqlStore(database, clock, "one")
    await store.take_writer("paper", 10)
    outside = Outside(store, desks, risk, journal, Booking(clock, journal), clock, UuidSource(), PATIENT)
    sending = SendOrder(outside)
    intent = OrderIntent(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        side=Side.BUY,
        quantity=Decimal(1),
        terms=LimitTerms(Decimal(100)),
    )
    order = Order.intended(intent, Assets("btc", "usdt"), uuid4(), "cause", datetime.now(UTC))
    async with store.writing("paper") as transaction:
        await transaction.record_order(order)
    runs = await asyncio.gather(*(sending.carry_out(order, Budget(5, 0.1)) for _ in range(2)))
    assert [run.state for run in runs] == [OrderState.OPEN] * 2
    assert len(venue.sendings) == 1
    assert len(risk.asked) == 1
    await database.close()
