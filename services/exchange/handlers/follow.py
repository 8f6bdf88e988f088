"""Follows what a venue tells of an account, from where we were, for ever."""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import replace

import structlog

from services.chassis.telemetry.correlation import correlated
from services.exchange.handlers.booking import Booked
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.place_order import Outside
from services.exchange.ports import Transaction, VenueEvent

_log = structlog.get_logger(__name__)
_BATCH = 256
_WAITING = 2048


class Follower:
    """Books the events of an account's stream. Their cursor commits together with their effect.

    Args:
        outside: what it stands on.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def follow(self, desk: Desk) -> None:
        """Follow until the stream breaks.

        Raises:
            VenueUnreachableError: it broke; follow again.
            VenueHistoryLostError: the venue does not know us.
            DomainError: WRITER_FENCED.
        """
        async with self._outside.store.reading() as queries:
            cursor = (await queries.cursors(desk.account, desk.venue_id)).stream
        waiting: asyncio.Queue[VenueEvent] = asyncio.Queue(_WAITING)
        reader = asyncio.create_task(self._read(desk, cursor, waiting))
        try:
            while True:
                batch = await self._next(waiting, reader)
                await self._book(desk, batch)
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reader

    async def _read(self, desk: Desk, cursor: str, waiting: "asyncio.Queue[VenueEvent]") -> None:
        async with aclosing(desk.venue.events(desk.account, cursor)) as events:  # type: ignore[type-var]
            async for event in events:
                desk.venue_desk.heard()
                await waiting.put(event)

    @staticmethod
    async def _next(waiting: "asyncio.Queue[VenueEvent]", reader: "asyncio.Task[None]") -> list[VenueEvent]:
        """At least one event, and all that came with it: one commit for the lot."""
        if waiting.empty():
            getting = asyncio.create_task(waiting.get())
            await asyncio.wait({getting, reader}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
                # The stream is over. It ends by an error only.
                await reader
                return []
            batch = [getting.result()]
        else:
            batch = [waiting.get_nowait()]
        while not waiting.empty() and len(batch) < _BATCH:
            batch.append(waiting.get_nowait())
        return batch

    async def _book(self, desk: Desk, batch: list[VenueEvent]) -> None:
        telling = [event for event in batch if event.order is not None or event.transfer is not None]
        if not telling:
            return
        booked: list[Booked] = []
        async with self._outside.store.writing(desk.account) as transaction:
            for event in telling:
                booked += await self._book_one(transaction, desk, event)
            cursors = await transaction.cursors(desk.account, desk.venue_id)
            moved = replace(cursors, stream=batch[-1].cursor)
            await transaction.save_cursors(desk.account, desk.venue_id, moved)
        for each in booked:
            self._outside.booking.report(each)

    async def _book_one(self, transaction: Transaction, desk: Desk, event: VenueEvent) -> list[Booked]:
        if event.transfer is not None and await transaction.record_transfer(event.transfer):
            _log.info("transfer_booked", transfer=event.transfer.name, asset=event.transfer.asset)
        if event.order is None:
            return []
        with correlated(""):
            booked = await self._outside.booking.apply_or_adopt(
                transaction, desk.venue_id, desk.account, event.order
            )
        return [booked]
