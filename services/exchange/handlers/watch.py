"""WatchOrders: the account's part of the outbox, as a stream that resumes anywhere.

The cursor is a place in the outbox, so a frame is neither lost nor repeated, whichever instance
answers and however often it was restarted. Frames are read from the database as the caller takes
them: a slow caller costs nothing but its place, and is let go after a while.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from services.exchange.domain.errors import invalid_cursor
from services.exchange.domain.fills import Fill
from services.exchange.domain.order import Order
from services.exchange.handlers.desks import Desks
from services.exchange.handlers.timing import Timing
from services.exchange.ports import LogEntry, Store
from services.exchange.views import Beat, End, Frame
from services.kernel.clock import Clock

_PAGE: Final = 200
_MAX_CURSOR_DIGITS: Final = 18


class WatchOrders:
    """The use case of WatchOrders.

    Args:
        store: the state and its log.
        desks: the accounts.
        clock: our clock.
        timing: heartbeat, and how slow a caller may be.
    """

    def __init__(self, store: Store, desks: Desks, clock: Clock, timing: Timing) -> None:
        self._store = store
        self._desks = desks
        self._clock = clock
        self._timing = timing
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """End the open streams with a frame that says so."""
        self._draining.set()

    async def watch(self, account: str, cursor: str) -> AsyncIterator[Frame]:
        """Everything after the cursor, then each change; the open orders first where it is empty.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND, INVALID_CURSOR.
        """
        self._desks.require_account(account)
        log_id, sequence, opening = await self._begin(account, cursor)
        loop = asyncio.get_running_loop()
        for order in opening:
            yield Frame(order)
        yield self._beat(log_id, sequence)
        spoke = loop.time()
        while not self._draining.is_set():
            seen = self._store.change_count()
            async with self._store.reading() as queries:
                entries, sequence = await queries.log_after(account, sequence, _PAGE)
            for entry in entries:
                yield Frame(_event(entry), _cursor(log_id, entry.sequence))
                if loop.time() - spoke > self._timing.slow_consumer + self._timing.heartbeat:
                    yield Frame(End("SLOW_CONSUMER", "the frames were not taken in time"))
                    return
                spoke = loop.time()
            if not entries and loop.time() - spoke >= self._timing.heartbeat:
                yield self._beat(log_id, sequence)
                spoke = loop.time()
            if not entries:
                await self._store.wait_for_change(seen, self._pause(loop.time() - spoke))
        yield Frame(End("SERVER_DRAINING", "the server is going down; resume with the last cursor"))

    async def _begin(self, account: str, cursor: str) -> tuple[str, int, list[Order]]:
        async with self._store.reading() as queries:
            log_id, head = await queries.log_head()
            start = await queries.log_start()
            if not cursor:
                # One snapshot: what it does not hold comes after its head.
                return log_id, head, list(await queries.live_orders(account))
        told_log, _, told_sequence = cursor.partition(".")
        if not (
            told_sequence.isascii() and told_sequence.isdigit() and len(told_sequence) <= _MAX_CURSOR_DIGITS
        ):
            raise invalid_cursor("it is not of the form this service gives")
        if told_log != log_id or int(told_sequence) > head:
            raise invalid_cursor("it belongs to another log")
        if int(told_sequence) < start - 1:
            raise invalid_cursor("it is older than what is kept; begin without one")
        return log_id, int(told_sequence), []

    def _beat(self, log_id: str, sequence: int) -> Frame:
        return Frame(Beat(self._clock.now()), _cursor(log_id, sequence))

    def _pause(self, silent: float) -> float:
        # Not longer than a moment, so that a drain is noticed.
        return max(0.01, min(0.5, self._timing.heartbeat - silent))


def _event(entry: LogEntry) -> Order | Fill:
    event = entry.order or entry.fill
    if event is None:
        raise AssertionError("the log shows orders and fills only")
    return event


def _cursor(log_id: str, sequence: int) -> str:
    return f"{log_id}.{sequence}"
