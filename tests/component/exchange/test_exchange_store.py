"""The store on both databases: schema, fencing, exactly-once rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.chassis.persistence import Database, assert_schema_current
from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.evidence import VenueFill, fill_of
from services.exchange.domain.fills import Liquidity
from services.exchange.domain.links import Links
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import LimitTerms, StopMarketTerms, Trigger
from services.exchange.domain.triggers import TriggerStatus
from services.exchange.ports import Cursors, FillFilter, Method, RequestClaim, StaleOrderError
from services.exchange.storage.store import SqlStore
from services.exchange.storage.tables import METADATA
from services.kernel.errors import DomainError
from tests.support.exchange import MIGRATIONS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INTENT = OrderIntent(
    account="paper",
    venue="sim",
    instrument="btc-usdt",
    side=Side.SELL,
    quantity=Decimal("0.10"),
    terms=LimitTerms(Decimal("60000.00"), post_only=True),
)


class Hands:
    """A clock whose hands the test moves."""

    moment = NOW

    def now(self) -> datetime:
        return self.moment


def new_order() -> Order:
    return Order.intended(INTENT, Assets("btc", "usdt"), uuid4(), "cause", NOW)


async def test_schema_is_what_the_tables_say(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    await assert_schema_current(database, METADATA)
    await database.close()


async def test_an_order_comes_back_as_it_was_written(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    store = SqlStore(database, Hands(), "one")
    assert await store.take_writer("paper", 10)
    order = new_order()
    async with store.writing("paper") as transaction:
        await transaction.record_order(order)
    after = order.moved(OrderState.SUBMITTED, NOW, submit_time=NOW)
    async with store.writing("paper") as transaction:
        await transaction.record_order(after)
        assert await transaction.order(order.order_id) == after
    with pytest.raises(DomainError, match="version"):
        async with store.writing("paper") as transaction:
            await transaction.record_order(after)
    async with store.reading() as queries:
        assert await queries.order_at("sim", "paper", order.client_order_id) == after
        assert await queries.live_orders("paper") == [after]
        assert (await queries.log_head())[1] == 2
    await database.close()


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"terms": StopMarketTerms(Trigger(Decimal(50))), "trigger": TriggerStatus(Decimal(50))},
        {"links": Links(replaces=uuid4(), total=Decimal("0.4"))},
    ],
    ids=["plain", "with a trigger", "linked"],
)
async def test_every_change_of_an_order_is_kept(database_url: str, kind: dict[str, Any]) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    store = SqlStore(database, Hands(), "one")
    assert await store.take_writer("paper", 10)
    steps: list[tuple[OrderState, dict[str, Any]]] = [
        (OrderState.HELD, {"handling": Handling.EMULATED}),
        (OrderState.SUBMITTED, {"submit_time": NOW + timedelta(seconds=1)}),
        (OrderState.UNKNOWN, {}),
        (OrderState.OPEN, {"venue_order_id": "7", "quantity": Decimal("0.2")}),
        (OrderState.PARTIALLY_FILLED, {"filled_quantity": Decimal("0.1"), "filled_notional": Decimal(6000)}),
        (OrderState.PARTIALLY_FILLED, {"base_fees": Decimal("0.001"), "unprotected": True}),
        (OrderState.PENDING_CANCEL, {"reason": "TIME_IN_FORCE", "reason_message": "its time was up"}),
        (OrderState.CANCELLED, {"reason": "", "reason_message": ""}),
        (OrderState.FILLED, {"filled_quantity": Decimal("0.2"), "filled_notional": Decimal(12000)}),
    ]
    order = replace(new_order(), **kind)
    for number, step in enumerate([None, *steps]):
        if step is not None:
            order = order.moved(step[0], NOW + timedelta(seconds=number), **step[1])
        async with store.writing("paper") as transaction:
            await transaction.record_order(order)
        async with store.reading() as queries:
            assert await queries.order(order.order_id) == order
            assert bool(await queries.live_orders("paper")) is not order.final
    await database.close()


async def test_a_change_of_an_order_that_moved_on_leaves_nothing(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    store = SqlStore(database, Hands(), "one")
    assert await store.take_writer("paper", 10)
    order = new_order()
    sent = order.moved(OrderState.SUBMITTED, NOW, submit_time=NOW)
    filled = sent.moved(OrderState.FILLED, NOW)
    told = VenueFill(
        venue_trade_id="1",
        client_order_id=order.client_order_id,
        venue_order_id="7",
        price=Decimal(60000),
        quantity=order.quantity,
        fee=Decimal(0),
        fee_asset="usdt",
        liquidity=Liquidity.MAKER,
        exchange_time=NOW,
    )
    claim = RequestClaim(Method.CREATE, "body", order.order_id)
    async with store.writing("paper") as transaction:
        assert await transaction.claim_request("paper", "r", claim)
        await transaction.record_order(order)
        await transaction.record_order(sent)

    async def come_too_late() -> None:
        """As a run that knows of version 1 only would do it."""
        async with store.writing("paper") as transaction:
            assert await transaction.record_fill(fill_of(sent, told, NOW))
            assert await transaction.answer_creation(filled)
            await transaction.record_order(replace(filled, version=2))

    with pytest.raises(StaleOrderError):
        await come_too_late()
    async with store.reading() as queries:
        assert await queries.order(order.order_id) == sent
        assert not await queries.fills(FillFilter("paper"), 10)
        assert (await queries.log_head())[1] == 2
        stored = await queries.request("paper", "r")
    assert stored is not None
    assert stored.answer is None
    await database.close()


async def test_a_request_id_is_claimed_once_and_its_first_answer_stays(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    hands = Hands()
    store = SqlStore(database, hands, "one")
    await store.take_writer("paper", 10)
    order = new_order()
    claim = RequestClaim(Method.CREATE, "print", order.order_id)
    async with store.writing("paper") as transaction:
        assert await transaction.claim_request("paper", "r", claim)
        assert not await transaction.claim_request("paper", "r", claim)
        await transaction.answer_creation(order)
        await transaction.answer_creation(replace(order, version=9))
        stored = await transaction.request("paper", "r")
    assert stored is not None
    assert stored.answer == order
    assert await store.forget_requests(NOW) == 0
    assert await store.forget_requests(NOW + timedelta(days=8)) == 1
    await database.close()


async def test_cursors_are_remembered(database_url: str) -> None:
    database = await Database.open(database_url, migrations=MIGRATIONS)
    store = SqlStore(database, Hands(), "one")
    await store.take_writer("paper", 10)
    for cursors in (Cursors("5", "3", "1"), Cursors("6", "3", "2")):
        async with store.writing("paper") as transaction:
            await transaction.save_cursors("paper", "sim", cursors)
        async with store.reading() as queries:
            assert await queries.cursors("paper", "sim") == cursors
    await database.close()


async def test_a_replaced_writer_changes_nothing_any_more(postgres_server: object) -> None:
    """Two instances on one PostgreSQL database."""
    url = postgres_server.fresh_database()  # type: ignore[attr-defined]
    hands = Hands()
    databases = [await Database.open(url, migrations=MIGRATIONS) for _ in range(2)]
    first, second = (
        SqlStore(database, hands, name) for database, name in zip(databases, ("one", "two"), strict=True)
    )
    assert await first.take_writer("paper", 10)
    assert not await second.take_writer("paper", 10)
    with pytest.raises(DomainError) as caught:
        async with second.writing("paper"):
            pass
    assert caught.value.reason == "WRITER_FENCED"
    hands.moment = NOW + timedelta(seconds=11)
    assert await second.take_writer("paper", 10)
    assert first.is_writer("paper")  # it slept, and does not know yet
    with pytest.raises(DomainError) as caught:
        async with first.writing("paper") as transaction:
            await transaction.record_order(new_order())
    assert caught.value.reason == "WRITER_FENCED"
    assert not first.is_writer("paper")
    assert not await first.renew_writer("paper", 10)
    async with second.writing("paper") as transaction:
        await transaction.record_order(new_order())
    await second.release_writer("paper")
    assert await first.take_writer("paper", 10)
    for database in databases:
        await database.close()
