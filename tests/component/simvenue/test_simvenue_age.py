"""What ended long ago goes, on both databases; money, open orders and what young cursors need stay."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest

from services.chassis.persistence import Database
from services.kernel.errors import DomainError
from services.simvenue import convert
from services.simvenue.age import AgeLimit
from services.simvenue.domain.account import AccountState
from services.simvenue.domain.orders import LimitTerms, NewOrder
from services.simvenue.domain.terms import OrderStatus, Side, TimeInForce
from services.simvenue.domain.venue import Ids, Venue
from services.simvenue.floor import TradingFloor
from services.simvenue.listing import INSTRUMENTS
from services.simvenue.marks import ExchangeClock, Leases
from services.simvenue.storage.ledger import SqlLedger
from services.simvenue.streams import AccountStream, Beat, Connection, End
from tests.support.simvenue import MIGRATIONS

DAY_NS = 86_400 * 1_000_000_000
START_NS = 20_000 * DAY_NS
KEEP_NS = 30 * DAY_NS
D = Decimal


@dataclass
class Run:
    """A venue whose time the test sets."""

    venue: Venue
    floor: TradingFloor
    ledger: SqlLedger
    age: AgeLimit

    async def trade(self, key: str, day: int, *, rest: str = "") -> None:
        """Ask sells one btc to paper; ``rest`` is what paper bids for besides, and that stays open."""
        now_ns = START_NS + day * DAY_NS
        self.venue.place("ask", order(f"{key}-ask", Side.SELL, "1"), now_ns)
        self.venue.place("paper", order(key, Side.BUY, "1"), now_ns)
        if rest:
            expiry = now_ns + 1_000 * DAY_NS
            self.venue.place("paper", order(rest, Side.BUY, "2", price="10", expiry=expiry), now_ns)
        await self.floor.flush()


def order(key: str, side: Side, quantity: str, price: str = "100", expiry: int | None = None) -> NewOrder:
    force = TimeInForce.GTC if expiry is None else TimeInForce.GTD
    return NewOrder(key, "btc-usdt", side, D(quantity), LimitTerms(D(price), force, expire_ns=expiry))


@asynccontextmanager
async def run(database_url: str, day: int = 0) -> AsyncIterator[Run]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    try:
        ledger = SqlLedger(database, "sim")
        stored = await ledger.claim()
        clock = ExchangeClock(1.0)
        leases = Leases(clock, stored.marks)
        venue = Venue(INSTRUMENTS, Ids(leases.trades, leases.orders, leases.transfers))
        states = {state.account: state for state in stored.accounts}
        for name in ("ask", "paper"):
            venue.open_account(states.get(name, AccountState(name)))
        floor = TradingFloor(venue, leases, ledger, convert.encode_account_event, 10)
        clock.set(START_NS + day * DAY_NS)
        await floor.flush()
        if not stored.accounts:
            venue.deposit("ask", "btc", D(100), START_NS)
            venue.deposit("paper", "usdt", D(10_000), START_NS)
        venue.reopen()
        await floor.flush()
        yield Run(venue, floor, ledger, AgeLimit(floor, ledger, convert.event_time, KEEP_NS, newest=2))
    finally:
        await database.close()


async def test_old_ended_orders_go_with_their_fills_and_events_and_nothing_else(database_url: str) -> None:
    async with run(database_url) as first:
        await first.trade("old", 0, rest="resting")
        await first.trade("young", 20)
        last = first.floor.account_events("paper").last
        first.venue.advance(START_NS + 40 * DAY_NS)
        balances = first.venue.account("paper").balances()
        assert await first.age.once() == 2  # of both accounts
        assert await first.age.once() == 0
        await check(first, last)
        assert first.venue.account("paper").balances() == balances
    async with run(database_url, day=40) as again:
        await check(again, last)
        assert again.venue.account("paper").balances() == balances
        again.venue.advance(START_NS + 2_000 * DAY_NS)  # "resting" expires on the way
        await again.floor.flush()
        assert await again.age.once() == 3
        assert again.floor.account_events("paper").last > last


async def check(now: Run, last: int) -> None:
    paper = now.venue.account("paper")
    assert [each.request.client_order_id for each in paper.open_orders()] == ["resting"]
    assert paper.find("young").status is OrderStatus.FILLED
    with pytest.raises(DomainError, match="has no order old"):
        paper.find("old")
    (fill,) = await now.ledger.fills("paper", 0, 10)
    assert fill.client_order_id == "young"
    assert len(await now.ledger.transfers("paper", 0, 10)) == 1
    first = await now.ledger.first_event("paper")
    kept = await now.ledger.events("paper", 0, 100)
    assert [each.sequence for each in kept] == list(range(first, last + 1))
    assert all(convert.event_time(each) >= START_NS + 20 * DAY_NS for each in kept)
    stream = AccountStream(now.floor, now.ledger, 60)
    with pytest.raises(DomainError, match="no place to go on from"):
        await anext(stream.pages("paper", first - 2, Connection()))
    for place in (0, first - 1, first):
        page = await anext(stream.pages("paper", place, Connection()))
        wanted = [each for each in kept if each.sequence > place]
        assert not isinstance(page, Beat | End)
        assert list(page)[-len(wanted) :] == wanted  # memory may still have some before them
