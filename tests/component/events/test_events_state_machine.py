"""Outbox and inbox under any order of writes, restarts, failures and lies of the stream."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncConnection
from trademesh.events.v1 import outbox_service_pb2 as pb

from services.chassis.events import Envelope, OutboxServicer, Subscription, outbox
from services.chassis.rpc.server import build_server
from tests.support.eventlog import (
    BOUND_S,
    CLOCK,
    add_events,
    binding,
    effects,
    note_effect,
    open_database,
    subscribed,
    until,
)

T = TypeVar("T")
FAULTS = ("cut", "repeat", "skip", "swap", "stale")


class UnreliableLog(OutboxServicer):
    """The real log, whose next pages suffer the faults that wait in ``faults``."""

    def __init__(self, database: Any) -> None:
        super().__init__(database, heartbeat=0.1, page_size=3)
        self.faults: list[str] = []

    async def StreamEvents(  # noqa: N802
        self, request: pb.StreamEventsRequest, context: Any
    ) -> AsyncIterator[pb.StreamEventsResponse]:
        held: list[pb.StreamEventsResponse] = []
        sent: list[pb.StreamEventsResponse] = []
        async for frame in super().StreamEvents(request, context):
            fault = self.faults.pop(0) if frame.HasField("page") and self.faults else ""
            if fault == "cut":
                return
            if fault == "skip":
                continue
            if fault == "swap":
                held.append(frame)
                continue
            for each in [frame, *held, *([frame] if fault == "repeat" else [])]:
                yield each
            if fault == "stale":
                for each in sent:
                    yield each
            held.clear()
            if frame.HasField("page"):
                sent.append(frame)


class EventsMachine(RuleBasedStateMachine):
    """What was written is the model; what took effect is always a beginning of it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.written: list[str] = []
        self.failures = 0
        self.subscription: Subscription | None = None
        self.consumer = AsyncExitStack()
        self.run(self.set_up())

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(step)

    async def set_up(self) -> None:
        self.maker = await open_database(f"sqlite+aiosqlite:///{self.folder.name}/maker.sqlite3")
        self.taker = await open_database(f"sqlite+aiosqlite:///{self.folder.name}/taker.sqlite3")
        self.log = UnreliableLog(self.maker)
        self.server = await build_server([binding(self.log)], registry=CollectorRegistry())
        await self.server.start()
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{self.server.port}")

    async def apply(self, connection: AsyncConnection, envelope: Envelope) -> None:
        await note_effect(connection, envelope)
        if self.failures > 0:
            self.failures -= 1
            raise RuntimeError("as told")

    @rule(count=st.integers(1, 7))
    def write(self, count: int) -> None:
        texts = [str(len(self.written) + number) for number in range(count)]
        assert self.run(add_events(self.maker, *texts)) == len(self.written) + count
        self.written += texts

    @rule()
    def roll_back(self) -> None:
        async def abandon() -> None:
            appended = asyncio.Event()

            async def append_and_hang() -> None:
                async with self.maker.write() as connection:
                    await outbox.append(
                        connection, StringValue(value="never"), subject="things/never", now=CLOCK.now()
                    )
                    appended.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(append_and_hang())
            await appended.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.run(abandon())

    @precondition(lambda self: self.subscription is None)
    @rule(batch=st.integers(1, 5))
    def start_consumer(self, batch: int) -> None:
        start = self.consumer.enter_async_context(
            subscribed(self.channel, self.taker, self.apply, batch=batch)
        )
        self.subscription = self.run(start)

    @precondition(lambda self: self.subscription is not None)
    @rule(after=st.integers(0, 30))
    def stop_consumer(self, after: int) -> None:
        """Cut it off in the middle of whatever it does."""

        async def stop() -> None:
            for _ in range(after):
                await asyncio.sleep(0)
            await self.consumer.aclose()

        self.run(stop())
        self.subscription = None

    @rule(count=st.integers(2, 7), faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4))
    def write_through_a_broken_stream(self, count: int, faults: list[str]) -> None:
        self.log.faults += faults
        self.write(count)

    @rule(count=st.integers(1, 2))
    def fail_effects(self, count: int) -> None:
        self.failures = count

    @rule()
    def catch_up(self) -> None:
        if self.subscription is None:
            self.start_consumer(batch=4)
        assert self.subscription is not None
        self.run(self.subscription.wait_for(len(self.written), BOUND_S))
        assert self.run(effects(self.taker)) == self.written

    @invariant()
    def effects_are_a_beginning_of_what_was_written(self) -> None:
        applied = self.run(effects(self.taker))
        assert applied == self.written[: len(applied)]

    def teardown(self) -> None:
        self.run(self.tear_down())
        self.runner.close()
        self.folder.cleanup()

    async def tear_down(self) -> None:
        self.log.faults.clear()
        self.failures = 0
        try:
            if self.subscription is None:
                start = subscribed(self.channel, self.taker, self.apply)
                self.subscription = await self.consumer.enter_async_context(start)
            await self.subscription.wait_for(len(self.written), BOUND_S)
            assert await effects(self.taker) == self.written
        finally:
            await self.consumer.aclose()
            self.log.drain()
            await until(lambda: self.log.streams == 0)
            await self.channel.close()
            await self.server.stop(0)
            await self.maker.close()
            await self.taker.close()


TestEvents = EventsMachine.TestCase
TestEvents.settings = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
