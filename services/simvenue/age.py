"""Ended orders, their fills and the events of accounts go by age."""

import asyncio
from collections.abc import Callable

import structlog

from services.simvenue.domain.account import Account
from services.simvenue.floor import TradingFloor
from services.simvenue.ports import EncodedEvent, Ledger

_log = structlog.get_logger(__name__)

_EVERY_S = 3600.0
_AT_ONCE = 500
"""Orders of an account that one transaction removes."""
_NEWEST = 1_000


class AgeLimit:
    """Forgets what ended long ago. Balances, positions, transfers and open orders with their fills stay.

    The disk goes first, then the memory: what is forgotten is not told again after a crash.

    Args:
        floor: whose accounts.
        ledger: where they are stored.
        time_of: exchange time of an event, in nanoseconds.
        keep_ns: exchange time for which an ended order is kept.
        newest: events of an account that stay, however old: who follows it a little behind must not lose
            its place.
    """

    def __init__(
        self,
        floor: TradingFloor,
        ledger: Ledger,
        time_of: Callable[[EncodedEvent], int],
        keep_ns: int,
        newest: int = _NEWEST,
    ) -> None:
        self._floor = floor
        self._ledger = ledger
        self._time_of = time_of
        self._keep_ns = keep_ns
        self._newest = newest

    async def run(self) -> None:
        """Look once an hour, for ever."""
        while True:
            gone = await self.once()
            _log.info("orders_forgotten", count=gone)
            await asyncio.sleep(_EVERY_S)

    async def once(self) -> int:
        """Forget what is old now, a part in each transaction; how many orders."""
        before_ns = self._floor.now_ns - self._keep_ns
        gone = 0
        for account in list(self._floor.venue.accounts()):
            part = _AT_ONCE
            while part == _AT_ONCE:
                part = await self._forget(account, before_ns)
                gone += part
        return gone

    async def _forget(self, account: Account, before_ns: int) -> int:
        orders = account.ended_before(before_ns, _AT_ONCE)
        events = await self._last_event(account.name, before_ns)
        await self._ledger.forget(account.name, orders, before_ns, events)
        account.forget(orders)
        return len(orders)

    async def _last_event(self, account: str, before_ns: int) -> int:
        """The last event older than a time that may go; 0 where there is none. Times rise with sequences."""
        first = await self._ledger.first_event(account)
        low, high = first - 1, self._floor.account_events(account).last - self._newest
        while low < high:
            middle = (low + high + 1) // 2
            (event,) = await self._ledger.events(account, middle - 1, 1)
            if self._time_of(event) < before_ns:
                low = middle
            else:
                high = middle - 1
        return max(low, 0)
