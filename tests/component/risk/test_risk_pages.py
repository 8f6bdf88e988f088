"""A page of the exchange's events leaves what its events leave one by one, and what is old goes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.persistence import Database
from services.risk.bookings import ExchangeEvent, Filled, OrderReported, Transferred, follow
from services.risk.domain.checks import Check, CheckKind
from services.risk.domain.locks import Lock
from services.risk.domain.order import Side
from services.risk.domain.protections import Cooldown, Protections
from services.risk.domain.reservation import Claim
from services.risk.ports import AccountFacts, Decision, StoredDecision
from services.risk.storage.store import SqlRiskStore
from services.risk.storage.tables import (
    CLOSED_TRADES,
    DAYS,
    ENDED_ORDERS,
    HOLDINGS,
    LOCKS,
    OPEN_TRADES,
    POSITIONS,
    RESERVATIONS,
)
from tests.support.risk import BTC, ETH, LIMITS, NOW, TRADED, order, pending
from tests.support.risk_service import MIGRATIONS

NUMBERS = count(1)
TABLES = (HOLDINGS, POSITIONS, RESERVATIONS, DAYS, OPEN_TRADES, CLOSED_TRADES, LOCKS, ENDED_ORDERS)
AMOUNTS = st.sampled_from([Decimal("0.02"), Decimal("0.1"), Decimal("0.05")])
IDS = st.sampled_from(["o0", "o1", "o2", "o3", "o4", "o5"])
GROUPS = {"o0": "", "o1": "", "o2": "g", "o3": "g"}
"""The orders that risk has reserved for, with their groups; o4 was denied, o5 never asked about."""

RULES = Protections(cooldown=Cooldown(timedelta(minutes=5)), version=1, update_time=NOW)

REPORTS = st.builds(
    OrderReported,
    account=st.just("a"),
    order_id=IDS,
    filled=st.one_of(st.just(Decimal(0)), AMOUNTS),
    ended=st.booleans(),
    resting=st.sampled_from([None, pending("resting")]),
)
FILLS = st.builds(
    Filled,
    order_id=IDS,
    account=st.just("a"),
    traded=st.sampled_from([TRADED[BTC], TRADED[ETH]]),
    side=st.sampled_from(Side),
    quantity=AMOUNTS,
    price=st.sampled_from([Decimal(60_000), Decimal(2_500)]),
    fee=st.sampled_from([Decimal(0), Decimal("0.001")]),
    fee_asset=st.sampled_from(["usdt", "btc", "bnb"]),
    strategy=st.sampled_from(["", "sma"]),
    trade_time=st.integers(0, 5).map(lambda number: NOW + timedelta(seconds=number)),
)
TRANSFERS = st.builds(
    Transferred,
    account=st.just("a"),
    held=st.sampled_from([("sim", "usdt"), ("sim", "btc")]),
    amount=st.sampled_from([Decimal(5), Decimal(-5)]),
    earned=st.booleans(),
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    yield database
    await database.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(st.one_of(REPORTS, FILLS, TRANSFERS), max_size=12))
async def test_a_page_is_as_its_events_one_by_one(
    database: Database, events: Sequence[ExchangeEvent]
) -> None:
    store = SqlRiskStore(database, str(uuid4()))
    page, single = await _account(store), await _account(store)
    async with store.write() as book:
        for event in events:
            await follow(_of(page, event), book, NOW)
    for event in events:
        async with store.write() as book:
            await follow(_of(single, event), book, NOW)
    assert await _rows(database, page) == await _rows(database, single)
    for account in (page, single):
        async with store.read() as reader, SqlRiskStore(database, str(uuid4())).read() as fresh:
            assert _sorted(await reader.facts(account)) == _sorted(await fresh.facts(account))


async def test_reports_without_news_leave_the_token_alone(database: Database) -> None:
    store = SqlRiskStore(database, str(uuid4()))
    account = await _account(store)
    async with store.read() as reader:
        before = await reader.facts(account)
    async with store.write() as book:
        await follow(OrderReported(account, f"{account}-o0", Decimal(0), ended=False), book, NOW)
    async with store.read() as reader:
        assert await reader.facts(account) is before


async def test_what_is_old_goes_and_what_may_be_asked_for_stays(database: Database) -> None:
    store = SqlRiskStore(database, str(uuid4()))
    account = await _account(store)
    later = NOW + timedelta(days=10)
    async with store.write() as book:
        for order_id, at in ((f"{account}-old", NOW), (f"{account}-new", later)):
            await follow(OrderReported(account, order_id, Decimal(0), ended=True), book, at)
            await book.put_lock(_lock(account, order_id, expires=at))
    async with store.write() as book:
        gone = await book.forget(NOW + timedelta(days=1), 100)
    assert gone == 2  # the decision on o4, and the order that ended long ago
    async with store.write() as book:
        ids = [f"{account}-{name}" for name in ("o0", "o4", "old", "new")]
        known = await book.known_orders(ids)
        assert (set(known.decided), set(known.ended)) == ({ids[0]}, {ids[3]})
        assert [lock.lock_id for lock in (await book.facts(account)).locks] == [ids[3]]


async def _account(store: SqlRiskStore) -> str:
    """An account with reservations, and an order that was denied."""
    account = f"a{next(NUMBERS):06}"
    async with store.write() as book:
        await book.open_account(account, LIMITS)
        await book.put_protections(account, RULES)
        await book.add_holdings(account, {("sim", "usdt"): Decimal(1000)})
        for name, group in GROUPS.items():
            await book.reserve(_pending(account, name, f"{account}-{group}" if group else ""))
        denied = Decision((Check(CheckKind.BALANCE, False, "1", "0", "too much"),), None, 1, NOW)
        made = [_decided(account, "o4", denied), _decided(account, "o0", denied)]
        await book.put_decisions(await book.facts(account), made)
    return account


def _decided(account: str, name: str, decision: Decision) -> StoredDecision:
    return StoredDecision(f"{account}-{name}", replace(order(), account=account), decision, "")


def _pending(account: str, name: str, group: str = "") -> Any:
    return replace(pending(f"{account}-{name}", group=group), account=account)


def _lock(account: str, lock_id: str, *, expires: datetime) -> Lock:
    return Lock(lock_id, account, "", "", "manual", "a test", expires - timedelta(minutes=1), expires)


def _of(account: str, event: ExchangeEvent) -> ExchangeEvent:
    if isinstance(event, Transferred):
        return replace(event, account=account)
    if isinstance(event, Filled):
        return replace(event, account=account, order_id=f"{account}-{event.order_id}")
    resting = None if event.resting is None else _pending(account, event.order_id)
    return replace(event, account=account, order_id=f"{account}-{event.order_id}", resting=resting)


def _sorted(facts: AccountFacts) -> AccountFacts:
    """Facts with the members of each claim in one order: a table has none."""
    claims = {
        key: Claim(tuple(sorted(claim.members, key=lambda member: member.order_id)))
        for key, claim in facts.state.claims.items()
    }
    return replace(
        facts, state=replace(facts.state, claims=claims), locks=tuple(sorted(facts.locks, key=str))
    )


async def _rows(database: Database, account: str) -> list[list[str]]:
    """All rows of an account, without what makes them those of this account."""
    async with database.read() as connection:
        found = []
        for table in TABLES:
            mine = (
                table.c.order_id.like(f"{account}-%") if table is ENDED_ORDERS else table.c.account == account
            )
            rows = await connection.execute(sa.select(table).where(mine))
            names = [column.name for column in table.columns if column.name != "lock_id"]
            found.append(
                sorted(
                    repr({name: row[name] for name in names}).replace(account, "") for row in rows.mappings()
                )
            )
        return found
