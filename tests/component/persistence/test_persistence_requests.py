"""A mutation runs once for each request id, and a repeat gets the first answer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from trademesh.strategy.v1 import strategy_pb2
from trademesh.strategy.v1 import strategy_service_pb2 as pb

from services.chassis.persistence import Connection, Database
from services.chassis.persistence.requests import KEEP, FirstAnswers, Once
from services.kernel.errors import DomainError, ErrorKind
from services.strategy.storage.tables import REQUESTS

MIGRATIONS = "services.strategy.storage.migrations"
REQUEST = pb.EnableStrategyRequest(
    name="strategies/sma-cross", request_id="0d9e1b5a-6d1c-4c5e-9a53-2f8f0e0c1abc"
)
OTHER = pb.EnableStrategyRequest(name="strategies/other", request_id=REQUEST.request_id)


class Clock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Effects:
    """Counts how often a mutation ran; its answer says which run it was."""

    def __init__(self) -> None:
        self.runs = 0

    async def __call__(self, _: object = None) -> strategy_pb2.Strategy:
        self.runs += 1
        run = self.runs
        await asyncio.sleep(0)
        return strategy_pb2.Strategy(name=REQUEST.name, etag=str(run))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, migrations=MIGRATIONS)
    yield opened
    await opened.close()


def _same(connection: Connection) -> Connection:
    return connection


async def test_a_repeat_gets_the_first_answer(database: Database) -> None:
    once, effects = Once(database, Clock(), REQUESTS, _same), Effects()
    first = await once(REQUEST, strategy_pb2.Strategy, effects)
    shouted = pb.EnableStrategyRequest(name=REQUEST.name, request_id=REQUEST.request_id.upper())
    assert await once(REQUEST, strategy_pb2.Strategy, effects) == first
    assert await once(shouted, strategy_pb2.Strategy, effects) == first
    assert effects.runs == 1


async def test_repeats_at_the_same_time_run_once(database: Database) -> None:
    once, effects = Once(database, Clock(), REQUESTS, _same), Effects()
    answers = await asyncio.gather(*(once(REQUEST, strategy_pb2.Strategy, effects) for _ in range(5)))
    assert {answer.etag for answer in answers} == {"1"}
    assert effects.runs == 1


@pytest.mark.parametrize("steps", ["one", "several"])
async def test_an_id_with_another_body_is_refused(database: Database, steps: str) -> None:
    effects = Effects()
    run = (
        Once(database, Clock(), REQUESTS, _same)
        if steps == "one"
        else FirstAnswers(database, Clock(), REQUESTS)
    )
    await run(REQUEST, strategy_pb2.Strategy, effects)
    with pytest.raises(DomainError) as caught:
        await run(OTHER, strategy_pb2.Strategy, effects)
    assert (caught.value.reason, caught.value.kind) == ("REQUEST_ID_REUSED", ErrorKind.ALREADY_EXISTS)
    assert effects.runs == 1


async def test_what_fails_is_not_remembered(database: Database) -> None:
    once, effects = Once(database, Clock(), REQUESTS, _same), Effects()

    async def failing(_: Connection) -> strategy_pb2.Strategy:
        raise DomainError("STRATEGY_NOT_FOUND", "there is none", kind=ErrorKind.NOT_FOUND)

    with pytest.raises(DomainError):
        await once(REQUEST, strategy_pb2.Strategy, failing)
    assert (await once(REQUEST, strategy_pb2.Strategy, effects)).etag == "1"


async def test_a_mutation_of_several_transactions_has_one_answer(database: Database) -> None:
    first_answers, effects = FirstAnswers(database, Clock(), REQUESTS), Effects()
    answers = await asyncio.gather(
        *(first_answers(REQUEST, strategy_pb2.Strategy, effects) for _ in range(3))
    )
    assert len({answer.etag for answer in answers}) == 1
    runs = effects.runs
    assert await first_answers(REQUEST, strategy_pb2.Strategy, effects) == answers[0]
    assert effects.runs == runs


async def test_answers_are_kept_for_as_long_as_promised(database: Database) -> None:
    clock, effects = Clock(), Effects()
    once = Once(database, clock, REQUESTS, _same)
    await once(REQUEST, strategy_pb2.Strategy, effects)
    clock.time += KEEP
    another = pb.EnableStrategyRequest(name=REQUEST.name, request_id="1d9e1b5a-6d1c-4c5e-9a53-2f8f0e0c1abc")
    await once(another, strategy_pb2.Strategy, effects)
    assert (await once(REQUEST, strategy_pb2.Strategy, effects)).etag == "1"
    clock.time += timedelta(seconds=1)
    third = pb.EnableStrategyRequest(name=REQUEST.name, request_id="2d9e1b5a-6d1c-4c5e-9a53-2f8f0e0c1abc")
    await once(third, strategy_pb2.Strategy, effects)
    assert (await once(REQUEST, strategy_pb2.Strategy, effects)).etag == "4"
