"""Follows what a venue tells of an account, from where we were, for ever."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

import structlog

from services.chassis.telemetry.correlation import correlated
from services.exchange.domain.order import order_id_of
from services.exchange.handlers.booking import Booked
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.send_order import Outside, SendOrder
from services.exchange.ports import Transaction, VenueEvent

_log = structlog.get_logger(__name__)
_BATCH: Final = 256
_WAITING: Final = 2048
_SAVE_S: Final = 1.0
_ANSWER_S: Final = 1.0
"""Longest time that evidence waits for the answer which brings the same."""
_LOOK_S: Final = 0.02
_Waiting: TypeAlias = "asyncio.Queue[VenueEvent | Exception]"


@dataclass(frozen=True, slots=True)
class _KeptBack:
    """An event of an order that is being carried out here, and how long it waits for that to end."""

    event: VenueEvent
    order_id: UUID
    until: float


@dataclass(slots=True)
class _Place:
    """Where we are in a stream.

    Attributes:
        saved: the cursor that is committed.
        cursor: everything up to it is committed, too, or told nothing new.
        save_at: when it is saved at the latest, by the loop's clock.
        kept_back: events after it, of orders whose answer is due.
    """

    saved: str
    cursor: str
    save_at: float = 0.0
    kept_back: "list[_KeptBack]" = field(default_factory=list)

    def look_again(self) -> float | None:
        """When there is something to do at the latest; None where the next event says it."""
        if self.kept_back:
            return asyncio.get_running_loop().time() + _LOOK_S
        return None if self.cursor == self.saved else self.save_at


class Follower:
    """Books the events of an account's stream. Their cursor never passes what is committed of them.

    Most of what the stream tells of our own orders the venue's answer tells as well. What it has told is
    known, and takes no transaction; where the answer is due this moment, the stream's word waits for it
    for a moment. The cursor follows with the next booking, or at the latest a second after.

    Args:
        outside: what it stands on.
        sending: the orders being carried out here.
    """

    def __init__(self, outside: Outside, sending: SendOrder) -> None:
        self._outside = outside
        self._sending = sending

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
        place = _Place(cursor, cursor)
        try:
            ending: Exception | None = None
            while ending is None:
                batch, ending = await self._next(waiting, place.look_again())
                await self._book(desk, place, self._new(desk, place, batch))
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
    async def _next(waiting: _Waiting, until: float | None) -> tuple[list[VenueEvent], Exception | None]:
        """The next event and all that came with it, for one commit; or the end of the stream.

        Args:
            waiting: what was read.
            until: when to come back with nothing, by the loop's clock.
        """
        batch: list[VenueEvent] = []
        try:
            async with asyncio.timeout_at(until):
                item = await waiting.get()
        except TimeoutError:
            return batch, None
        while not isinstance(item, Exception):
            batch.append(item)
            if waiting.empty() or len(batch) == _BATCH:
                return batch, None
            item = waiting.get_nowait()
        return batch, item

    def _new(self, desk: Desk, place: _Place, batch: list[VenueEvent]) -> list[VenueEvent]:
        """What is to be booked now. Moves the place over what is known, up to what is kept back."""
        now = asyncio.get_running_loop().time()
        until = now + min(_ANSWER_S, self._outside.timing.send / 2)
        new: list[VenueEvent] = []
        still: list[_KeptBack] = []
        if place.cursor == place.saved:
            place.save_at = now + _SAVE_S
        waiting = [(each.event, each.order_id, each.until) for each in place.kept_back]
        for event, order_id, patience in [*waiting, *((each, self._due(each), until) for each in batch)]:
            if order_id is not None and patience > now and self._sending.under_way(order_id):
                still.append(_KeptBack(event, order_id, patience))
                continue
            if self._tells(desk, event):
                new.append(event)
            if not still:
                place.cursor = event.cursor
        place.kept_back = still
        return new

    def _tells(self, desk: Desk, event: VenueEvent) -> bool:
        """Whether an event may tell what is not committed."""
        if event.transfer is not None:
            return True
        heard = self._outside.booking.heard
        return event.order is not None and not heard.knows(desk.venue_id, desk.account, event.order)

    @staticmethod
    def _due(event: VenueEvent) -> UUID | None:
        """The order of an event that is ours: the answer to its sending may be about to tell the same."""
        return None if event.order is None else order_id_of(event.order.client_order_id)

    async def _book(self, desk: Desk, place: _Place, new: list[VenueEvent]) -> None:
        """Book what is new, with the cursor."""
        late = place.cursor != place.saved and asyncio.get_running_loop().time() >= place.save_at
        if not new and not late:
            return
        booked: list[Booked] = []
        async with self._outside.store.writing(desk.account) as transaction:
            for event in new:
                booked += await self._book_one(transaction, desk, event)
            await transaction.save_stream(desk.account, desk.venue_id, place.cursor)
        place.saved = place.cursor
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
