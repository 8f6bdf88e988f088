"""Compares us with a venue: fills, transfers, open orders, and what each side has alone."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from services.chassis.telemetry.correlation import correlated
from services.exchange.domain.evidence import VenueFill, VenueOrder, VenueStatus
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.handlers.booking import Booked
from services.exchange.handlers.desks import Desk
from services.exchange.handlers.send_order import Outside, SendOrder
from services.exchange.ports import Cursors, Step, Transaction

_log = structlog.get_logger(__name__)
_AT_VENUE = frozenset({OrderState.OPEN, OrderState.PARTIALLY_FILLED})


class Reconciler:
    """One full comparison with a venue, at start and then again and again.

    All of it is evidence, booked as any other, so that it may run beside everything else.

    Args:
        outside: what it stands on.
        sending: the orders being carried out here.
    """

    def __init__(self, outside: Outside, sending: SendOrder) -> None:
        self._outside = outside
        self._sending = sending

    async def reconcile(self, desk: Desk) -> None:
        """Compare once.

        Raises:
            VenueUnreachableError: the venue does not answer; nothing is lost, do it again.
            VenueHistoryLostError: it is another venue, or a reset one: its ids may stand for other
                trades than ours do, so nothing of it is booked.
            DomainError: WRITER_FENCED.
        """
        await desk.venue_desk.refresh()
        await desk.venue.verify(desk.account, (await self._cursors(desk)).stream)
        await self._fills(desk)
        await self._transfers(desk)
        await self._open_orders(desk)

    async def _fills(self, desk: Desk) -> None:
        while True:
            cursors = await self._cursors(desk)
            page = await desk.venue.fills_after(desk.account, cursors.fills)
            missing = await self._unknown_orders(desk, page.fills)
            async with self._outside.store.writing(desk.account) as transaction:
                booked = [
                    await self._outside.booking.apply_or_adopt(transaction, desk.venue_id, desk.account, told)
                    for told in missing
                ]
                for fill in page.fills:
                    booked += await self._book_fill(transaction, desk, fill)
                if page.cursor != cursors.fills:
                    await self._save(transaction, desk, fills=page.cursor)
            for each in booked:
                self._outside.booking.report(each)
            if not page.more:
                return

    async def _unknown_orders(self, desk: Desk, fills: Sequence[VenueFill]) -> list[VenueOrder]:
        """The venue's word on the orders of these fills that we do not have."""
        unknown: dict[str, VenueFill] = {}
        async with self._outside.store.reading() as queries:
            for fill in fills:
                if await queries.order_at(desk.venue_id, desk.account, fill.client_order_id) is None:
                    unknown[fill.client_order_id] = fill
        found = [await desk.venue.find(desk.account, client_id) for client_id in unknown]
        return [told for told in found if told is not None]

    async def _book_fill(self, transaction: Transaction, desk: Desk, fill: VenueFill) -> list[Booked]:
        order = await transaction.order_at(desk.venue_id, desk.account, fill.client_order_id)
        if order is None:
            # Logged and left for the next comparison would lose it, since the cursor moves on.
            raise AssertionError(f"the venue has a fill {fill.venue_trade_id} of an order it does not have")
        told = _evidence(order, fill)
        return [await self._outside.booking.apply(transaction, order, told)]

    async def _transfers(self, desk: Desk) -> None:
        while True:
            cursors = await self._cursors(desk)
            page = await desk.venue.transfers_after(desk.account, cursors.transfers)
            # A venue that lists by time may have an empty page before others: that, too, was read.
            if page.transfers or page.more:
                async with self._outside.store.writing(desk.account) as transaction:
                    fresh = [each for each in page.transfers if await transaction.record_transfer(each)]
                    await self._save(transaction, desk, transfers=page.cursor)
                for transfer in fresh:
                    _log.info("transfer_booked", transfer=transfer.name, asset=transfer.asset)
            if not page.more:
                return

    async def _open_orders(self, desk: Desk) -> None:
        async with self._outside.store.reading() as queries:
            ours = await queries.live_orders(desk.account, desk.venue_id, _AT_VENUE)
        listed = await desk.venue.open_orders(desk.account)
        at_venue = {told.known_as for told in listed}
        for told in listed:
            await self.open_order(desk, told)
        for order in ours:
            if order.client_order_id not in at_venue:
                with correlated(order.correlation_id):
                    await self._no_longer_open(desk, order)

    async def open_order(self, desk: Desk, told: VenueOrder) -> None:
        """Book an order that the venue lists as open; one that is not ours so far is adopted.

        Raises:
            VenueUnreachableError: the venue does not answer the questions that this takes.
        """
        async with self._outside.store.reading() as queries:
            order = await queries.order_at(desk.venue_id, desk.account, told.known_as)
        if order is not None and order.final:
            await self._resurfaced(desk, order)
            return
        if order is None:
            # With its fills, so that its sum is right from the first.
            told = await desk.venue.find(desk.account, told.client_order_id) or told
        await self._book(desk, told)

    async def _resurfaced(self, desk: Desk, order: Order) -> None:
        """Final for us, open for the venue: an old listing, or an order that should not live."""
        told = await desk.venue.find(desk.account, order.client_order_id)
        if told is None or told.status is not VenueStatus.OPEN:
            return
        self._outside.journal.reached(Step.RESURFACED, order)
        await desk.venue.cancel(order, self._outside.timing.send)
        left = await desk.venue.find(desk.account, order.client_order_id)
        await self._book(desk, left or told)

    async def _no_longer_open(self, desk: Desk, order: Order) -> None:
        if self._sending.under_way(order.order_id):
            return
        told = await desk.venue.find(desk.account, order.client_order_id)
        if told is None:
            _log.error("order_missing_at_venue", order=order.name, venue_order_id=order.venue_order_id)
            return
        await self._book(desk, told)

    async def _book(self, desk: Desk, told: VenueOrder) -> None:
        async with self._outside.store.writing(desk.account) as transaction:
            booked = await self._outside.booking.apply_or_adopt(
                transaction, desk.venue_id, desk.account, told
            )
        self._outside.booking.report(booked)

    async def _cursors(self, desk: Desk) -> Cursors:
        async with self._outside.store.reading() as queries:
            return await queries.cursors(desk.account, desk.venue_id)

    @staticmethod
    async def _save(transaction: Transaction, desk: Desk, **changed: str) -> None:
        cursors = await transaction.cursors(desk.account, desk.venue_id)
        await transaction.save_cursors(desk.account, desk.venue_id, replace(cursors, **changed))


def _evidence(order: Order, fill: VenueFill) -> VenueOrder:
    """A lone fill as evidence: it says that the order traded, and nothing about its end."""
    return VenueOrder(
        client_order_id=order.client_order_id,
        venue_order_id=fill.venue_order_id,
        instrument=order.instrument,
        assets=order.assets,
        side=order.side,
        quantity=order.quantity,
        terms=order.terms,
        status=VenueStatus.OPEN,
        fills=(fill,),
    )
