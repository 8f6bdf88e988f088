"""Applies the events of another service's log to this service's database, each once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial

import grpc
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.events import inbox, metrics
from services.chassis.events.backoff import Backoff
from services.chassis.events.cause import UnderCause
from services.chassis.events.envelope import Envelope
from services.chassis.events.errors import LogDivergedError, StreamBrokenError
from services.chassis.events.reader import EventStream
from services.chassis.persistence import Database, Notices, StorageConflictError, StorageUnavailableError
from services.kernel.clock import Clock

Apply = Callable[[AsyncConnection, Envelope], Awaitable[None]]
ApplyHere = Callable[[Envelope], Awaitable[None]]
Unit = Callable[[AsyncConnection], AbstractAsyncContextManager[ApplyHere]]

BATCH = 64
_PAGES = 4
_MOVED = "moved"
_STORE_PASSED_S = 1.0
"""Events without effect move the stored cursor at most so often: read again, they are passed over again."""


def _every_one(_: Envelope) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class InUnits:
    """Effects that share what they read and write, for a :class:`Subscription`.

    Attributes:
        unit: opens what the effects of one transaction share and gives the effect of one event; its end,
            still in the transaction, writes what they held back. Where an effect fails it ends with that
            error and nothing is kept.
        wants: whether an event has any effect; all have without it. It looks at the event alone and is
            asked of every one, so it shall be cheap. Where no event of a page is wanted, nothing is
            opened and nothing is written.
    """

    unit: Unit
    wants: Callable[[Envelope], bool] = _every_one


class SubscriptionState(Enum):
    """What a subscription is doing."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    BLOCKED = "blocked"  # an event cannot be applied; it is tried again and again
    HALTED = "halted"  # the source's log is not the one known here; nothing is applied


class Subscription:
    """Follows one source for ever; see :meth:`run`.

    The cursor and the effects of the events that it passes commit in one transaction, so a crash
    anywhere leaves either both or none. Several instances on one database may follow the same
    source: the cursor moves only from where it was seen, and each event takes effect once. Events that
    nobody wants are passed over without a transaction; the stored cursor passes them with the next event
    that has an effect, in the next silence, or after a second.

    Args:
        channel: channel to the source.
        source: name of the service that owns the log.
        database: database of this service, with the table of the inbox.
        apply: the effect of one event. It uses the given connection and nothing else. Or
            :class:`InUnits`, for effects that share what they read and write in one transaction.
        clock: tells the time of the rows.
        batch: most events that share a transaction when many wait.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        source: str,
        database: Database,
        apply: Apply | InUnits,
        clock: Clock,
        *,
        batch: int = BATCH,
    ) -> None:
        self._channel = channel
        self._source = source
        self._database = database
        effects = apply if isinstance(apply, InUnits) else InUnits(partial(_each_alone, apply))
        self._unit, self._wants = effects.unit, effects.wants
        self._clock = clock
        self._batch = batch
        self._cursor = self._stored = inbox.Cursor("", 0, "")
        self._store_at = 0.0
        self._position = 0
        self._known_head: int | None = None
        self._failing: int | None = None
        self._moves = Notices()
        self._shown_position = metrics.POSITION.labels(source)
        self._shown_lag = metrics.LAG.labels(source)
        self._log = structlog.get_logger(__name__).bind(source=source)
        self._reconnect = Backoff()
        self._state = SubscriptionState.CONNECTING
        self._told_state = False
        self._show_state()

    @property
    def state(self) -> SubscriptionState:
        """What the subscription is doing now."""
        return self._state

    def position(self) -> int:
        """The newest sequence whose effect is committed; 0 before anything was read."""
        return self._position

    def caught_up(self) -> bool:
        """Whether the source is connected and everything it is known to have is applied."""
        streaming = self._state is SubscriptionState.STREAMING
        return streaming and self._known_head is not None and self._position >= self._known_head

    async def check(self) -> None:
        """A self test.

        Raises:
            LogDivergedError: the subscription is halted.
        """
        if self._state is SubscriptionState.HALTED:
            raise LogDivergedError(self._source, "nothing is applied until that is resolved")

    async def wait_for(self, sequence: int, timeout: float) -> None:  # noqa: ASYNC109 (reads as asyncio.wait_for does)
        """Wait until the effect of a sequence is committed.

        Args:
            sequence: what to wait for.
            timeout: longest wait in seconds.

        Raises:
            TimeoutError: it was not applied in time.
        """
        async with asyncio.timeout(timeout):
            while self._position < sequence:
                seen = self._moves.version(_MOVED)
                if self._position < sequence:
                    await self._moves.wait(_MOVED, seen, timeout)

    async def run(self) -> None:
        """Follow the source for ever: read, apply, resume after whatever breaks. Ends by cancellation."""
        while True:
            try:
                await self._follow()
            except* LogDivergedError as group:
                self._enter(SubscriptionState.HALTED, _first(group))
            except* (grpc.aio.AioRpcError, StreamBrokenError, StorageUnavailableError) as group:
                self._enter(SubscriptionState.CONNECTING, _first(group))
            else:
                self._enter(SubscriptionState.CONNECTING)
            _heed_cancellation()
            await self._reconnect.pause()

    async def _follow(self) -> None:
        """Read one stream to its end."""
        async with self._database.read() as connection:
            cursor = await inbox.load_cursor(connection, self._source)
        self._move(cursor.sequence if cursor else 0)
        async with EventStream.open(self._channel, self._source, cursor) as stream:
            if cursor is None:
                async with self._database.write() as connection:
                    cursor = await inbox.begin_log(connection, self._source, stream.log_id, self._clock.now())
            self._cursor = self._stored = cursor
            self._learn_head(stream.latest_sequence)
            self._enter(SubscriptionState.STREAMING)
            waiting: asyncio.Queue[Sequence[Envelope]] = asyncio.Queue(_PAGES)
            async with asyncio.TaskGroup() as tasks:
                applier = tasks.create_task(self._apply_for_ever(waiting))
                await self._receive(stream, waiting)
                await waiting.join()
                applier.cancel()

    async def _receive(self, stream: EventStream, waiting: asyncio.Queue[Sequence[Envelope]]) -> None:
        async for page in stream:
            self._learn_head(stream.latest_sequence)
            self._reconnect.reset()
            if page or self._cursor != self._stored:
                # A full queue stops the reading, and thereby the sender.
                await waiting.put(page)

    async def _apply_for_ever(self, waiting: asyncio.Queue[Sequence[Envelope]]) -> None:
        while True:
            pages = [await waiting.get()]
            while not waiting.empty():
                pages.append(waiting.get_nowait())
            events = [envelope for page in pages for envelope in page]
            if not events:
                await self._store_passed()
            for first in range(0, len(events), self._batch):
                await self._apply_all(events[first : first + self._batch])
            for _ in pages:
                waiting.task_done()

    async def _apply_all(self, batch: Sequence[Envelope]) -> None:
        """Apply together; where that fails, one by one, so that only the event at fault waits."""
        if len(batch) > 1:
            try:
                await self._commit(batch)
            except (LogDivergedError, StreamBrokenError):
                raise
            except Exception as error:  # noqa: BLE001 (whatever the effect raises)
                self._log.info("event_batch_split", events=len(batch), error=repr(error))
            else:
                return
        for envelope in batch:
            await self._apply_until_done(envelope)

    async def _apply_until_done(self, envelope: Envelope) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._commit([envelope])
            except (LogDivergedError, StreamBrokenError):
                raise
            except Exception as error:  # noqa: BLE001 (whatever the effect raises)
                self._report_failure(envelope, error)
                await backoff.pause()
            else:
                self._report_success(envelope)
                return

    async def _commit(self, batch: Sequence[Envelope]) -> None:
        """Apply events in one transaction; pass over what this or another instance has applied already."""
        loop = asyncio.get_running_loop()
        wanted = [envelope for envelope in batch if self._wants(envelope)]
        if not wanted and loop.time() < self._store_at and self._pass_over(batch):
            return
        now = self._clock.now()
        async with self._database.write() as connection:
            fresh, cursor = await self._admit(connection, batch, now)
            if fresh and wanted:
                async with self._unit(connection) as apply:
                    for envelope in wanted:
                        if envelope.sequence < fresh[0].sequence:
                            continue
                        with UnderCause(envelope):
                            await apply(envelope)
        self._cursor = self._stored = cursor
        self._store_at = loop.time() + _STORE_PASSED_S
        self._move(cursor.sequence)

    def _pass_over(self, batch: Sequence[Envelope]) -> bool:
        """Move the cursor in memory; answers whether the events are the next of its log."""
        last = batch[-1]
        if last.log_id != self._cursor.log_id or not self._after(self._cursor, batch):
            return False
        self._cursor = inbox.Cursor(last.log_id, last.sequence, last.event_id)
        self._move(last.sequence)
        return True

    async def _store_passed(self) -> None:
        """Store a cursor that has passed events without effect, unless another instance has moved it."""
        stored, now = self._cursor, self._clock.now()
        try:
            async with self._database.write() as connection:
                if not await inbox.move_cursor(connection, self._source, self._stored, stored, now):
                    stored = await inbox.load_cursor(connection, self._source) or self._stored
        except (StorageUnavailableError, StorageConflictError):
            return  # in the next silence
        self._stored = stored

    async def _admit(
        self, connection: AsyncConnection, batch: Sequence[Envelope], now: datetime
    ) -> tuple[Sequence[Envelope], inbox.Cursor]:
        """Move the cursor to the end of a batch. Gives the events that it passed, and where it is now."""
        last = batch[-1]
        reached = inbox.Cursor(last.log_id, last.sequence, last.event_id)
        fresh = self._after(self._cursor, batch)
        if fresh and await inbox.move_cursor(connection, self._source, self._stored, reached, now):
            return fresh, reached
        # Somebody has moved it: another instance, or we did, and never heard of the commit.
        present = await inbox.load_cursor(connection, self._source)
        if present is None or present.log_id != last.log_id:
            raise LogDivergedError(self._source, f"it is {last.log_id}, the cursor is of {present}")
        # Events up to our own cursor have been passed over: nobody needs to apply them.
        passed = present.log_id == self._cursor.log_id and present.sequence < self._cursor.sequence
        fresh = self._after(self._cursor if passed else present, batch)
        if not fresh:
            return (), present
        if not await inbox.move_cursor(connection, self._source, present, reached, now):
            raise StreamBrokenError("the cursor moved while nobody else could move it")
        return fresh, reached

    def _after(self, cursor: inbox.Cursor, batch: Sequence[Envelope]) -> Sequence[Envelope]:
        """The events of a batch that are not applied yet: the ones right after the cursor."""
        applied = cursor.sequence + 1 - batch[0].sequence
        if applied < 0:
            raise StreamBrokenError(f"sequence {batch[0].sequence} instead of {cursor.sequence + 1}")
        if 0 < applied <= len(batch) and batch[applied - 1].event_id != cursor.event_id:
            raise LogDivergedError(
                self._source,
                f"event {cursor.sequence} is {batch[applied - 1].event_id}, applied was {cursor.event_id}",
            )
        return batch[applied:]

    def _learn_head(self, latest_sequence: int) -> None:
        self._known_head = max(self._known_head or 0, latest_sequence)
        self._show_position()

    def _move(self, sequence: int) -> None:
        self._position = max(self._position, sequence)
        self._show_position()
        self._moves.publish(_MOVED)

    def _show_position(self) -> None:
        self._shown_position.set(self._position)
        self._shown_lag.set(max(0, (self._known_head or 0) - self._position))

    def _show_state(self) -> None:
        for state in SubscriptionState:
            metrics.STATE.labels(self._source, state.value).set(state is self._state)

    def _report_failure(self, envelope: Envelope, error: Exception) -> None:
        metrics.FAILURES.labels(self._source).inc()
        if self._failing != envelope.sequence:
            self._failing = envelope.sequence
            self._log.error(
                "event_apply_failed",
                sequence=envelope.sequence,
                event_id=envelope.event_id,
                type=envelope.type,
                subject=envelope.subject,
                correlation_id=envelope.correlation_id,
                exc_info=error,
            )
        self._state = SubscriptionState.BLOCKED
        self._show_state()

    def _report_success(self, envelope: Envelope) -> None:
        if self._failing is None:
            return
        self._failing = None
        self._log.info("event_applied_at_last", sequence=envelope.sequence)
        self._state = SubscriptionState.STREAMING
        self._show_state()

    def _enter(self, state: SubscriptionState, cause: BaseException | None = None) -> None:
        """Change the state; what is told is each change, not each attempt."""
        if state is self._state and self._told_state:
            return
        self._state = state
        self._told_state = True
        self._show_state()
        if state is SubscriptionState.STREAMING:
            self._log.info("event_stream_opened", position=self._position)
        elif state is SubscriptionState.HALTED:
            self._log.error("event_log_diverged", position=self._position, error=str(cause))
        else:
            self._log.warning("event_stream_lost", position=self._position, error=_told(cause))


def _heed_cancellation() -> None:
    """End where the task was cancelled in the very turn in which something broke.

    A task group of Python 3.11 and 3.12 then tells of what broke, and the cancellation is lost.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def _each_alone(apply: Apply, connection: AsyncConnection) -> AsyncIterator[ApplyHere]:
    """Effects that share nothing but the transaction."""
    yield partial(apply, connection)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain exception of a group: the others are its consequences."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _told(cause: BaseException | None) -> str:
    if cause is None:
        return "the source ended the stream"
    if isinstance(cause, grpc.aio.AioRpcError):
        return f"{cause.code().name}: {cause.details()}"
    return str(cause)
