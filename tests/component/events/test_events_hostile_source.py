"""A subscription and a source that breaks the rules: nothing is skipped, nothing is applied twice."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from trademesh.events.v1 import outbox_service_pb2 as pb

from services.chassis.events import SubscriptionState
from services.chassis.persistence import Database
from tests.support.eventlog import BOUND_S, binding, effects, open_database, subscribed, until
from tests.support.rpc import serving
from tests.support.scriptedlog import Script, ScriptedLog, event, event_id, fact, honest, page, start

END = pb.StreamEventsResponse(end=pb.StreamEnd(reason=pb.StreamEnd.REASON_DRAINING))

SILENT_AT_4 = pb.StreamEventsResponse(heartbeat=pb.Heartbeat(latest_sequence=4))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path}/taker.sqlite3")
    yield database
    await database.close()


@asynccontextmanager
async def scripted(log: ScriptedLog) -> AsyncIterator[grpc.aio.Channel]:
    async with serving([binding(log)]) as channel:
        yield channel
        await until(lambda: log.open == 0)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(lambda after: [start(after, 4), event(1), event(2), event(4), event(3)], id="gap"),
        pytest.param(lambda after: [start(after, 4), event(1), event(2), event(2), event(3)], id="repeat"),
        pytest.param(lambda after: [start(after, 4), event(1), event(2), event(1)], id="backwards"),
        pytest.param(lambda after: [start(after, 4), event(1), event(2), END], id="drain"),
        pytest.param(lambda after: [start(after, 4), event(1), event(2)], id="silence"),
        pytest.param(lambda after: [event(1)], id="no start"),
        pytest.param(lambda after: [start(after, 4), event(1), start(after, 4)], id="two starts"),
        pytest.param(lambda after: [start(after, 4), event(1), pb.StreamEventsResponse()], id="empty frame"),
        pytest.param(lambda after: [start(after, 4), event(1, identity="no uuid")], id="unreadable id"),
        pytest.param(
            lambda after: [start(after, 4), page(fact(1), fact(2), fact(4), fact(3))], id="gap in a page"
        ),
        pytest.param(lambda after: [start(after, 4), page(fact(1), fact(2), fact(2))], id="repeat in a page"),
        pytest.param(
            lambda after: [start(after, 4), page(fact(1), fact(2)), page(fact(2), fact(3))],
            id="overlapping pages",
        ),
        pytest.param(lambda after: [start(after, 4), page()], id="empty page"),
        pytest.param(lambda after: [start(after, 4), event(1), SILENT_AT_4], id="lost page"),
        pytest.param(lambda after: [END], id="end at once"),
    ],
)
async def test_after_a_broken_stream_the_next_one_goes_on(database: Database, first: Script) -> None:
    log = ScriptedLog(first, honest(4))
    async with scripted(log) as channel, subscribed(channel, database) as subscription:
        await subscription.wait_for(4, BOUND_S)
    assert await effects(database) == ["1", "2", "3", "4"]
    assert log.asked[0] == 0
    assert len(log.asked) == 2


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(lambda after: [start(after, 9, log_id=event_id(99)), event(3)], id="another log"),
        pytest.param(lambda after: [start(after, 1), event(3)], id="shorter log"),
        pytest.param(
            lambda after: [start(after, 9, after_event_id=event_id(7)), event(3)], id="another past"
        ),
        pytest.param(lambda after: [start(after, 3), event(3, log_id=event_id(99))], id="strange event"),
        pytest.param(
            lambda after: [start(after, 4), page(fact(3, log_id=event_id(99)), fact(4))],
            id="strange event in a page",
        ),
    ],
)
async def test_a_log_that_is_not_the_known_one_is_not_applied(database: Database, second: Script) -> None:
    async with scripted(ScriptedLog(honest(2))) as channel, subscribed(channel, database) as subscription:
        await subscription.wait_for(2, BOUND_S)
    async with scripted(ScriptedLog(second)) as channel, subscribed(channel, database) as subscription:
        await until(lambda: subscription.state is SubscriptionState.HALTED)
        assert subscription.position() == 2
    assert await effects(database) == ["1", "2"]
    async with scripted(ScriptedLog(honest(3))) as channel, subscribed(channel, database) as subscription:
        await subscription.wait_for(3, BOUND_S)
    assert await effects(database) == ["1", "2", "3"]


async def test_a_source_that_cannot_be_reached_is_tried_again(database: Database) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        async with (
            grpc.aio.insecure_channel(address) as channel,
            subscribed(channel, database) as subscription,
        ):
            with pytest.raises(TimeoutError):
                await subscription.wait_for(1, 0.3)
            assert subscription.state is SubscriptionState.CONNECTING
            assert not subscription.caught_up()
