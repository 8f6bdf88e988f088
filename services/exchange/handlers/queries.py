"""Reads: orders and fills from our store, balances from the venues."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from services.exchange.domain.errors import venue_unavailable
from services.exchange.domain.fills import Balance, Fill
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition
from services.exchange.handlers.desks import Desk, Desks
from services.exchange.ports import FillFilter, OrderFilter, Store, VenueUnreachableError
from services.exchange.views import VenueView
from services.kernel.names import OrderName


class Reads:
    """The use cases that change nothing.

    Args:
        store: our state.
        desks: the accounts and venues.
    """

    def __init__(self, store: Store, desks: Desks) -> None:
        self._store = store
        self._desks = desks

    def venues(self) -> Sequence[VenueView]:
        """All venues, by id."""
        return [desk.view() for desk in self._desks.venues()]

    def venue(self, venue: str) -> VenueView:
        """One venue.

        Raises:
            DomainError: VENUE_NOT_FOUND.
        """
        return self._desks.venue(venue).view()

    async def order(self, name: OrderName, order_id: UUID | None) -> Order:
        """One order.

        Raises:
            DomainError: ORDER_NOT_FOUND.
        """
        if order_id is None:
            raise name.not_found()
        async with self._store.reading() as queries:
            order = await queries.order(order_id)
        if order is None or order.account != name.account:
            raise name.not_found()
        return order

    async def orders(self, wanted: OrderFilter, limit: int) -> tuple[Sequence[Order], bool]:
        """A page of orders, newest first, and whether there are more.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND.
        """
        self._desks.require_account(wanted.account)
        async with self._store.reading() as queries:
            found = await queries.orders(wanted, limit + 1)
        return found[:limit], len(found) > limit

    async def fills(self, wanted: FillFilter, limit: int) -> tuple[Sequence[Fill], bool]:
        """A page of fills, newest first, and whether there are more.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND.
        """
        self._desks.require_account(wanted.account)
        async with self._store.reading() as queries:
            found = await queries.fills(wanted, limit + 1)
        return found[:limit], len(found) > limit

    async def balances(self, account: str) -> Sequence[Balance]:
        """What an account holds, as all its venues say now.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND; VENUE_UNAVAILABLE where one of them does not answer,
                since half of a balance sheet looks like a loss.
        """
        desks = self._desks.of_account(account)
        answers = await asyncio.gather(*(self._balances(desk) for desk in desks))
        return [balance for answer in answers for balance in answer]

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """The contracts that an account holds, as all its venues say now, by instrument.

        Raises:
            DomainError: as for :meth:`balances`.
        """
        desks = self._desks.of_account(account)
        answers = await asyncio.gather(*(self._positions(desk) for desk in desks))
        found = [position for answer in answers for position in answer]
        return sorted(found, key=lambda position: (position.venue, position.instrument))

    @staticmethod
    async def _positions(desk: Desk) -> Sequence[VenuePosition]:
        try:
            found = await desk.venue.positions(desk.account)
        except VenueUnreachableError as error:
            desk.venue_desk.unanswered(error)
            raise venue_unavailable(desk.venue_id, "it does not answer", error.retry_after) from error
        desk.venue_desk.heard()
        return found

    @staticmethod
    async def _balances(desk: Desk) -> Sequence[Balance]:
        try:
            found = await desk.venue.balances(desk.account)
        except VenueUnreachableError as error:
            desk.venue_desk.unanswered(error)
            raise venue_unavailable(desk.venue_id, "it does not answer") from error
        desk.venue_desk.heard()
        return sorted(found, key=lambda balance: balance.asset)
