"""Keeps this instance the one writer of its accounts, or waits to become it."""

import asyncio

import structlog

from services.exchange.handlers.desks import Desks
from services.exchange.handlers.timing import Timing
from services.exchange.ports import Store

_POLL_S = 0.1
_log = structlog.get_logger(__name__)


class Writers:
    """The leases of all accounts.

    Args:
        store: keeps the leases.
        desks: the accounts.
        timing: how long a lease runs.
    """

    def __init__(self, store: Store, desks: Desks, timing: Timing) -> None:
        self._store = store
        self._desks = desks
        self._timing = timing
        self._held: dict[str, asyncio.Event] = {account: asyncio.Event() for account in desks.accounts}

    async def take_all(self) -> None:
        """Become the writer of each account, or see that another instance is at work there.

        A dead writer's lease runs out, a living one's is prolonged: either way this ends.
        """
        for account in self._desks.accounts:
            seen = await self._store.lease_end(account)
            while not await self._take(account):
                end = await self._store.lease_end(account)
                # A lease that was given up ends earlier, and is taken in the next round.
                if seen is not None and end is not None and end > seen:
                    break
                await asyncio.sleep(_POLL_S)

    async def held(self, account: str) -> None:
        """Wait until this instance is the writer of an account."""
        await self._held[account].wait()

    async def keep(self) -> None:
        """One round: prolong what we hold, try for what we do not, and wait."""
        for account in self._desks.accounts:
            if self._store.is_writer(account) and await self._store.renew_writer(account, self._timing.lease):
                continue
            self._lost(account)
            await self._take(account)
        # Whoever waits for a lease looks often: callers wait for the next writer.
        waiting = any(not self._store.is_writer(account) for account in self._desks.accounts)
        await asyncio.sleep(self._timing.lease / (10 if waiting else 3))

    async def release_all(self) -> None:
        """Let other instances take over at once."""
        for account in self._desks.accounts:
            if self._store.is_writer(account):
                await self._store.release_writer(account)
                _log.info("writer_released", account=account)

    async def _take(self, account: str) -> bool:
        if self._store.is_writer(account):
            return True
        if not await self._store.take_writer(account, self._timing.lease):
            return False
        # Whoever wrote before us may have left something half-way.
        for desk in self._desks.of_account(account):
            desk.recovered = False
        self._held[account].set()
        _log.info("writer_taken", account=account)
        return True

    def _lost(self, account: str) -> None:
        if self._held[account].is_set():
            self._held[account].clear()
            _log.warning("writer_lost", account=account)
        for desk in self._desks.of_account(account):
            desk.recovered = False
