"""Follows what a venue tells of an account, from where we were, for ever."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias

import structlog

from services.chassis.telemetry.correlation import correlated
from services.exchange.handlers.booking import Booked
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.send_order import Outside
from services.exchange.ports import Transaction, VenueEvent

_log = structlog.get_logger(__name__)
_BATCH = 256
_WAITING = 2048
_Waiting: TypeAlias = "asyncio.Queue[VenueEvent | Exception]"


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
        waiting: _Waiting = asyncio.Queue(_WAITING)
        reader = asyncio.create_task(self._read(desk, cursor, waiting))
        try:
            ending: Exception | None = None
            while ending is None:
                batch, ending = await self._next(waiting)
                await self._book(desk, batch)
            raise ending
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, desk: Desk, cursor: str, waiting: _Waiting) -> None:
        try:
            async with aclosing(desk.venue.events(desk.account, cursor)) as events:  # type: ignore[type-var]
                async for event in events:
                    desk.venue_desk.heard()
                    await waiting.put(event)
        except Exception as error:  # noqa: BLE001 - whoever books the events raises it, after them
            await waiting.put(error)

    @staticmethod
    async def _next(waiting: _Waiting) -> tuple[list[VenueEvent], Exception | None]:
        """At least one event and all that came with it, for one commit; or the end of the stream."""
        batch: list[VenueEvent] = []
        while not batch or (not waiting.empty() and len(batch) < _BATCH):
            item = await waiting.get()
            if isinstance(item, Exception):
                return batch, item
            batch.append(item)
        return batch, None

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
