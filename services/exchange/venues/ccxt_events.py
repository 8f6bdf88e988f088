"""From what a venue behind ccxt tells of an account to the events of our port."""

from collections.abc import AsyncIterator
from dataclasses import replace

from services.exchange.ports import VenueEvent, VenueHistoryLostError, VenueUnreachableError
from services.exchange.venues import ccxt_convert as convert
from services.exchange.venues.ccxt_convert import Raw
from services.exchange.venues.ccxt_history import History, read_cursor, write_cursor
from services.exchange.venues.ccxt_reader import Reader
from services.exchange.venues.ccxt_session import Listed, Session


class EventReader:
    """Makes events. ``marks``, the last trade told of each instrument, go along with them.

    Args:
        reader: reads orders and fills.
        history: reads trades of the past, and knows what was told.
    """

    def __init__(self, reader: Reader, history: History) -> None:
        self._reader = reader
        self._history = history

    async def missed(
        self, session: Session, listed: Listed, marks: dict[str, str]
    ) -> AsyncIterator[VenueEvent]:
        """The fills of an instrument since its mark, over HTTP."""
        more = True
        while more:
            mark = marks.get(listed.rules.instrument, "")
            page = await self._history.trades(session.client, listed.symbol, mark)
            for trade in page.trades:
                yield await self._traded(session, trade, marks)
            if page.mark:
                marks[listed.rules.instrument] = page.mark
            more = page.more and page.mark != mark

    async def event(self, session: Session, kind: str, told: Raw, marks: dict[str, str]) -> VenueEvent | None:
        """What the stream told as an event; None where it is not ours, or was told before."""
        instrument = self._reader.ours(told)
        if instrument is None:
            return None
        if kind == "order":
            return VenueEvent(write_cursor(marks), order=self._reader.learned(session, told))
        if self._history.told_before(told, marks.get(instrument, "")):
            return None
        return await self._traded(session, told, marks)

    async def _traded(self, session: Session, trade: Raw, marks: dict[str, str]) -> VenueEvent:
        fill = await self._reader.fill(session, trade)
        order = session.known.order(fill.venue_order_id) or await self._reader.by_venue_id(session, trade)
        if order is None:
            raise VenueUnreachableError(
                f"the venue has a trade of order {fill.venue_order_id}, not the order"
            )
        instrument = order.instrument
        marks[instrument] = self._history.mark_of(trade, marks.get(instrument, ""))
        # What it says is that the order traded; whether that was its end, its own event says.
        told = replace(convert.still_open(order), fills=(fill,))
        return VenueEvent(write_cursor(marks), order=told)


def marks_of(cursor: str) -> dict[str, str]:
    """The last trade of each instrument that a cursor of ``events`` names.

    Raises:
        VenueHistoryLostError: it is no such cursor.
    """
    try:
        return read_cursor(cursor)
    except ValueError as error:
        raise VenueHistoryLostError(f"this is no cursor of the venue: {error}") from error
