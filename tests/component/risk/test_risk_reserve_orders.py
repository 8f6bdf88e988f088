"""Many orders in one call: as one after another, and one that is refused takes back only itself."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from google.rpc import error_details_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trademesh.risk.v1 import risk_service_pb2 as pb

from services.chassis.persistence import Database
from services.kernel.errors import DomainError
from services.kernel.names import InstrumentName
from services.risk.convert import decision_to_proto
from services.risk.domain.limits import Limits
from services.risk.domain.order import OrderTerms, Side
from services.risk.domain.question import Market
from services.risk.domain.reservation import Holding
from services.risk.domain.traded import Traded
from services.risk.handlers.check_orders import Asked, OrderChecks
from services.risk.ports import AccountFacts, Decision
from services.risk.storage.store import SqlRiskStore
from services.risk.storage.tables import DECISIONS, RESERVATIONS
from tests.support.risk import BTC, ETH, LIMITS, MARKET, NOW, PERP
from tests.support.risk_service import ACCOUNT, MIGRATIONS, Stage, asked, risk_stage
from tests.support.rpc import Serve

NOWHERE = InstrumentName("sim", "nowhere")
NUMBERS = count(1)


@pytest.fixture
async def stage(serve: Serve, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with risk_stage(serve, database_url, tmp_path) as running:
        yield running


async def test_each_order_counts_for_those_behind_it_and_is_stored_with_its_own_correlation_id(
    stage: Stage,
) -> None:
    await stage.funded()
    ids = [str(uuid4()) for _ in range(3)]
    request = pb.ReserveOrdersRequest(
        orders=[asked(each, quantity="0.16", price="60000") for each in ids],
        correlation_ids=["one", "two", "three"],
    )
    await stage.update_limits(max_position_notional="20000")
    first = await stage.stub.ReserveOrders(request)
    assert [each.decision.approved for each in first.results] == [True, True, False]
    assert await stage.stub.ReserveOrders(request) == first
    for each, result, cause in zip(ids, first.results, request.correlation_ids, strict=True):
        record = await stage.stub.GetDecision(pb.GetDecisionRequest(name=f"{ACCOUNT}/decisions/{each}"))
        assert record.correlation_id == cause
        assert record.decision == result.decision
    seen = await stage.exposure(lambda seen: seen.open_order_count == 2)
    assert seen.assets[0].reserved_quantity == "19238.4"


async def test_one_that_is_refused_takes_back_only_itself(stage: Stage) -> None:
    await stage.funded()
    good, other = str(uuid4()), str(uuid4())
    wrong_name, wrong_rule, only_asked = asked(str(uuid4())), asked("no uuid"), asked(str(uuid4()))
    wrong_name.instrument = "venues/sim/instruments/doge-usdt"
    only_asked.validate_only = True
    nobody = asked(str(uuid4()))
    nobody.account = "accounts/nobody"
    orders = [
        asked(good),
        wrong_name,
        wrong_rule,
        nobody,
        only_asked,
        asked(good, quantity="0.2"),
        asked(other),
    ]
    answer = await stage.stub.ReserveOrders(pb.ReserveOrdersRequest(orders=orders))
    told = [
        "approved" if each.decision.approved else _reason(each.refusal.details[0].value)
        for each in answer.results
    ]
    assert told == [
        "approved",
        "INSTRUMENT_NOT_FOUND",
        "INVALID_REQUEST",
        "ACCOUNT_NOT_FOUND",
        "INVALID_REQUEST",
        "ORDER_ID_REUSED",
        "approved",
    ]
    assert (await stage.exposure(lambda _: True)).open_order_count == 2


def _reason(info: bytes) -> str:
    return str(error_details_pb2.ErrorInfo.FromString(info).reason)


class Prices:
    """A market that stands still."""

    async def look(self, instruments: Collection[InstrumentName], assets: Collection[Holding]) -> Market:
        return replace(MARKET, absent=[NOWHERE])


class CaughtUp:
    """The exchange's events have been applied."""

    def ready(self) -> bool:
        return True


class Noon:
    """A clock that stands still."""

    def now(self) -> Any:
        return NOW


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    yield database
    await database.close()


ORDERS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.builds(
            OrderTerms,
            account=st.just("paper"),
            instrument=st.sampled_from([BTC, BTC, BTC, ETH, PERP, NOWHERE]),
            side=st.sampled_from(Side),
            quantity=st.sampled_from([Decimal("0.1"), Decimal("0.16"), Decimal(1), Decimal("0.000001")]),
            limit_price=st.sampled_from([None, Decimal(60_000), Decimal(90_000), Decimal("59990.001")]),
            trigger_price=st.sampled_from([None, None, Decimal(60_000)]),
            reduce_only=st.sampled_from([False, False, True]),
            group=st.sampled_from(["", "", "g1"]),
            strategy=st.sampled_from(["", "sma"]),
        ),
    ),
    min_size=1,
    max_size=8,
)
SOME_LIMITS = st.builds(
    replace,
    st.just(LIMITS),
    max_open_orders=st.sampled_from([0, 2]),
    max_order_rate=st.sampled_from([0, 2]),
    duplicate_window=st.sampled_from([timedelta(0), timedelta(seconds=5)]),
    max_daily_loss=st.sampled_from([None, Decimal(5)]),
    max_concentration=st.sampled_from([None, Decimal("0.4")]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ORDERS, second=ORDERS, limits=SOME_LIMITS)
async def test_a_batch_is_as_one_after_another(
    database: Database,
    first: Sequence[tuple[int, OrderTerms]],
    second: Sequence[tuple[int, OrderTerms]],
    limits: Limits,
) -> None:
    batch, single = await _account(database, limits), await _account(database, limits)
    store = SqlRiskStore(database, str(uuid4()))
    checks = OrderChecks(store, Prices(), CaughtUp(), Noon(), Decimal("0.001"))
    for orders in (first, second):
        together = await checks.reserve([_of(batch, *each) for each in orders])
        one_by_one = [(await checks.reserve([_of(single, *each)]))[0] for each in orders]
        assert [_told(each, batch) for each in together] == [_told(each, single) for each in one_by_one]
    assert await _stored(database, batch) == await _stored(database, single)
    facts = [await _facts(SqlRiskStore(database, str(uuid4())), account) for account in (batch, single)]
    assert _plain((facts[0].state, facts[0].day), batch) == _plain((facts[1].state, facts[1].day), single)
    assert await _facts(store, batch) == facts[0]


@dataclass
class Restless(Prices):
    """While it is asked, an account trades something that was not asked about."""

    store: SqlRiskStore
    account: str
    asked: int = 0

    async def look(self, instruments: Collection[InstrumentName], assets: Collection[Holding]) -> Market:
        self.asked += 1
        traded = Traded(InstrumentName("sim", f"new-{self.asked}"), "new", "usdt")
        async with self.store.write() as book:
            await book.add_position(self.account, traded, Decimal(1), Decimal(1))
        return await super().look(instruments, assets)


async def test_an_account_that_moves_too_fast_holds_up_nobody_else(database: Database) -> None:
    store = SqlRiskStore(database, str(uuid4()))
    restless, calm = await _account(database, LIMITS), await _account(database, LIMITS)
    market = Restless(store, restless)
    checks = OrderChecks(store, market, CaughtUp(), Noon(), Decimal("0.001"))
    wanted = OrderTerms("", BTC, Side.BUY, Decimal("0.1"), Decimal(60_000))
    moved, passed = await checks.reserve([_of(restless, 0, wanted), _of(calm, 0, wanted)])
    assert isinstance(moved, DomainError)
    assert moved.reason == "UPSTREAM_UNAVAILABLE"
    assert isinstance(passed, Decision)
    assert passed.approved
    assert market.asked == 3


async def _account(database: Database, limits: Limits) -> str:
    account = f"a{next(NUMBERS):06}"
    async with SqlRiskStore(database, str(uuid4())).write() as writer:
        await writer.open_account(account, limits)
        await writer.add_holdings(account, {("sim", "usdt"): Decimal(30_000), ("sim", "btc"): Decimal("0.2")})
    return account


def _of(account: str, number: int, order: OrderTerms) -> Asked:
    group = f"{account}-{order.group}" if order.group else ""
    return Asked(f"{account}-{number}", replace(order, account=account, group=group), "cause")


def _told(answer: Decision | Exception, account: str) -> str:
    if isinstance(answer, DomainError):
        return _plain((answer.reason, answer.message, answer.metadata), account)
    assert isinstance(answer, Decision)
    return _plain((decision_to_proto(answer), sorted(answer.inputs.items())), account)


def _plain(value: object, account: str) -> str:
    return repr(value).replace(account, "account")


async def _stored(database: Database, account: str) -> list[str]:
    async with database.read() as connection:
        found = [
            await connection.execute(
                sa.select(table).where(table.c.account == account).order_by(table.c.order_id)
            )
            for table in (DECISIONS, RESERVATIONS)
        ]
        return [_plain(tuple(row), account) for result in found for row in result]


async def _facts(store: SqlRiskStore, account: str) -> AccountFacts:
    async with store.read() as reader:
        return await reader.facts(account)
