"""A market behind the exchange's price port, whose prices a test sets."""

import asyncio
from collections.abc import AsyncGenerator
from decimal import Decimal

from services.exchange.domain.triggers import Quote
from services.exchange.ports import PricesLostError
from services.kernel.names import InstrumentName


class FakePrices:
    """A market whose prices a test sets. Watchers see each price, in order.

    Attributes:
        reachable: whether anybody is answered.
        watchers: how many subscriptions there are now.
    """

    def __init__(self, price: str = "100") -> None:
        self.reachable = True
        self.watchers = 0
        self._now = Quote()
        self._queues: list[asyncio.Queue[Quote | None]] = []
        if price:
            self.set(price)

    def set(self, last: str, bid: str = "", ask: str = "") -> None:
        """The market comes to a price."""
        self._now = Quote(Decimal(last), Decimal(bid or last), Decimal(ask or last))
        for queue in self._queues:
            queue.put_nowait(self._now)

    def vanish(self) -> None:
        """Break every subscription and answer nobody."""
        self.reachable = False
        for queue in self._queues:
            queue.put_nowait(None)

    async def taken(self) -> None:
        """Wait until every watcher has dealt with all prices."""
        for queue in self._queues:
            await queue.join()

    async def quote(self, instrument: InstrumentName) -> Quote:
        return self._now if self.reachable else Quote()

    async def watch(self, instrument: InstrumentName) -> AsyncGenerator[Quote, None]:
        if not self.reachable:
            raise PricesLostError("UNAVAILABLE")
        queue: asyncio.Queue[Quote | None] = asyncio.Queue()
        self._queues.append(queue)
        self.watchers += 1
        try:
            yield self._now
            while (quote := await queue.get()) is not None:
                yield quote
                queue.task_done()
            raise PricesLostError("UNAVAILABLE: connection reset")
        finally:
            self._queues.remove(queue)
            self.watchers -= 1
