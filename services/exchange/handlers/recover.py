"""Start is recovery: load, compare with the venue, finish what is half-way, only then take orders."""

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from services.exchange.handlers.desks import Desk, Desks, VenueDesk
from services.exchange.handlers.follow import Follower
from services.exchange.handlers.loops import pause_after
from services.exchange.handlers.reconcile import Reconciler
from services.exchange.handlers.resolve import Resolver
from services.exchange.handlers.resume_orders import ResumeOrders
from services.exchange.handlers.send_order import Outside
from services.exchange.handlers.writer import Writers
from services.exchange.ports import VenueHistoryLostError, VenueUnreachableError
from services.kernel.errors import DomainError

_log = structlog.get_logger(__name__)
_SHORT_S: Final = 2.0


class Operation:
    """Brings every desk into step with its venue, and keeps it there.

    Args:
        outside: what it stands on.
        writers: which accounts are ours to write.
        reconciler: compares a desk with its venue.
        resuming: finishes half-way orders.
        resolver: settles unknown outcomes.
        follower: books what the venues' streams tell.
    """

    def __init__(
        self,
        outside: Outside,
        writers: Writers,
        reconciler: Reconciler,
        resuming: ResumeOrders,
        resolver: Resolver,
        follower: Follower,
    ) -> None:
        self._outside = outside
        self._writers = writers
        self._reconciler = reconciler
        self._resuming = resuming
        self._resolver = resolver
        self._follower = follower
        self._recovering: dict[Desk, asyncio.Lock] = {desk: asyncio.Lock() for desk in outside.desks.all()}

    @property
    def desks(self) -> Desks:
        """All desks."""
        return self._outside.desks

    async def prepare(self) -> None:
        """Recover every desk that is ours, before the service says SERVING.

        A venue that does not answer holds the start up for a while only, and for a short one where
        another venue is there to trade at: then the service serves without it (reads work, new orders
        there are refused) and goes on trying.
        """
        await self._writers.take_all()
        await asyncio.gather(*(self._prepare(desk) for desk in self.desks.all()))

    async def recover(self, desk: Desk) -> None:
        """Compare a desk with its venue and finish what is half-way; once for each writer's term.

        Raises:
            VenueUnreachableError: the venue does not answer; call it again.
            VenueHistoryLostError: the venue is not the one that we know.
            DomainError: WRITER_FENCED.
        """
        async with self._recovering[desk]:
            if desk.recovered:
                return
            await self._reconciler.reconcile(desk)
            await self._resuming.resume(desk)
            desk.recovered = True
            desk.unsettled.set()
        _log.info("desk_recovered", account=desk.account, venue=desk.venue_id)

    async def follow(self, desk: Desk) -> None:
        """One life of a desk: become the writer, recover, follow the venue until that breaks."""
        await self._writers.held(desk.account)
        try:
            await self.recover(desk)
            await self._follower.follow(desk)
        except VenueUnreachableError as error:
            desk.venue_desk.unanswered(error)
            raise
        except VenueHistoryLostError:
            # No order goes to a venue whose word we cannot match with our books.
            desk.recovered = False
            raise

    async def reconcile(self, desk: Desk) -> None:
        """One pause and one comparison, beside all the rest."""
        await asyncio.sleep(self._outside.timing.reconcile)
        if not desk.recovered or not self._outside.store.is_writer(desk.account):
            return
        try:
            await self._reconciler.reconcile(desk)
        except VenueHistoryLostError:
            desk.recovered = False
            raise

    async def resolve(self, desk: Desk) -> None:
        """One pause and one look at unsettled orders, and at those whose run here came to nothing.

        A writer that lost its account and got it back recovers here, should the venue's stream have
        been quiet meanwhile.
        """
        await self._resolver.wait(desk)
        if self._outside.store.is_writer(desk.account):
            await self.recover(desk)
        await self._resolver.sweep(desk)
        if desk.recovered and self._outside.store.is_writer(desk.account):
            await self._resuming.resume_idle(desk)

    async def check_venues(self) -> None:
        """One pause and one sign of life from each venue."""
        await asyncio.sleep(self._outside.timing.health)
        # Together: one that is away keeps no other from being asked.
        await asyncio.gather(*(_sign_of_life(venue) for venue in self.desks.venues()))

    async def _prepare(self, desk: Desk) -> None:
        if not self._outside.store.is_writer(desk.account):
            _log.info("standing_by", account=desk.account)
            return
        begun = asyncio.get_running_loop().time()
        failures = 0
        while True:
            try:
                await self.recover(desk)
            except (VenueUnreachableError, VenueHistoryLostError, DomainError) as error:
                failures += 1
                if asyncio.get_running_loop().time() - begun > self._patience(desk):
                    _log.error("serving_without_venue", venue=desk.venue_id, error=str(error))
                    return
                if failures == 1:
                    _log.info("recovery_delayed", venue=desk.venue_id, error=str(error))
                await asyncio.sleep(pause_after(failures, error))
            else:
                return

    def _patience(self, desk: Desk) -> float:
        """How long the start waits for a desk's venue."""
        whole = self._outside.timing.recovery
        others = any(each.recovered and each.venue_id != desk.venue_id for each in self.desks.all())
        return min(whole, _SHORT_S) if others else whole


async def _sign_of_life(venue: VenueDesk) -> None:
    with suppress(VenueUnreachableError):
        # Its desk has noted it.
        await venue.refresh()
    venue.show_state()
