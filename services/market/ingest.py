"""Keeps a venue's board up with its feed, for ever."""

import asyncio
import random
from contextlib import aclosing
from time import perf_counter

import structlog

from services.market.board import VenueBoard
from services.market.domain.book import SequenceGapError
from services.market.metrics import MarketMetrics
from services.market.ports import Feed, FeedLostError

_log = structlog.get_logger(__name__)


class Ingest:
    """Reads a feed into a board; connects again with a growing, jittered pause.

    Args:
        feed: where the events come from.
        board: where they go.
        metrics: where to count.
        pause: first pause after a loss, in seconds.
        max_pause: longest pause, in seconds.
    """

    def __init__(
        self,
        feed: Feed,
        board: VenueBoard,
        metrics: MarketMetrics,
        *,
        pause: float = 0.1,
        max_pause: float = 5.0,
    ) -> None:
        self._feed = feed
        self._board = board
        self._metrics = metrics
        self._pauses = (pause, max_pause)
        self._connected = False
        self._reported = False

    async def run(self) -> None:
        """Never ends by itself; a fault in our own code passes out."""
        first, longest = self._pauses
        pause = first
        while True:
            self._connected = False
            try:
                await self._follow()
            except SequenceGapError as gap:
                # Not the connection's fault: open it again at once, for a whole book.
                self._count("gap")
                _log.warning("feed_gap_found", venue=self._feed.venue, error=str(gap))
                pause = first
            except FeedLostError as error:
                self._count("lost")
                self._report(error)
                pause = first if self._connected else min(pause * 2, longest)
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter

    async def _follow(self) -> None:
        venue = self._feed.venue
        handling = self._metrics.handling.labels(venue)
        async with aclosing(self._feed.connect()) as events:
            async for event in events:
                began = perf_counter()
                self._board.apply(event)
                handling.observe(perf_counter() - began)
                self._metrics.events.labels(venue, type(event).__name__).inc()
                if not self._connected:
                    self._connected = True
                    self._reported = False
                    _log.info("feed_connected", venue=venue)

    def _count(self, cause: str) -> None:
        self._metrics.reconnects.labels(self._feed.venue, cause).inc()

    def _report(self, error: FeedLostError) -> None:
        # Once per change: a venue that stays away fills no log.
        if not self._reported:
            self._reported = True
            _log.warning("feed_lost", venue=self._feed.venue, error=str(error))


class IngestGroup:
    """The ingests of all feeds as one: begun by ``prepare``, watched by a background task.

    Args:
        ingests: one for each feed.
    """

    def __init__(self, ingests: list[Ingest]) -> None:
        self._ingests = ingests
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to read."""
        self._tasks = [asyncio.create_task(ingest.run(), name="ingest") for ingest in self._ingests]

    async def started(self, ready: asyncio.Task[None]) -> None:
        """Wait for ``ready``, but not beyond the death of an ingest.

        Raises:
            Exception: what an ingest died of.
        """
        await asyncio.wait([ready, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            if task.done():
                ready.cancel()
                task.result()
        await ready

    async def run(self) -> None:
        """Wait for ever; ends with what an ingest died of."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Stop reading."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
