"""What ccxt.pro hears of an account, event by event.

ccxt.pro keeps caches: ``watch_orders`` and ``watch_my_trades`` wake their caller when something changed,
and two changes between two calls become one. Nothing may be lost here, so the caches are replaced with
taps: each order and each trade that ccxt parses from the venue's messages goes into one queue, in the
order in which the messages came.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from services.exchange.ports import VenueUnreachableError
from services.exchange.venues.ccxt_convert import Raw
from services.exchange.venues.ccxt_dialects import Dialect
from services.exchange.venues.ccxt_errors import text_of

Told = tuple[str, Raw]

_OPEN_S: Final = 10.0
_STEP_S: Final = 0.02
_AGAIN_S: Final = 3.0
_KEEP_ALIVE_MS: Final = 10_000
"""Pause between two pings; two that nobody answers end the stream."""


class Tap(list[Any]):
    """In place of one of ccxt's caches: keeps nothing, passes everything on.

    Args:
        kind: what it carries.
        queue: where it goes.
    """

    def __init__(self, kind: str, queue: "asyncio.Queue[Told]") -> None:
        super().__init__()
        self.hashmap: dict[str, Any] = {}
        self._kind = kind
        self._queue = queue

    def append(self, item: Any) -> None:
        """Called by ccxt for each order or trade that it has parsed."""
        self._queue.put_nowait((self._kind, item))

    def getLimit(self, symbol: Any, limit: Any) -> Any:  # noqa: N802 - ccxt's name
        """Called by ccxt before it hands the cache to a caller."""
        return limit


class _EveryTrade(dict[str, Any]):
    """In place of ccxt's caches of trades by symbol: Crypto.com's own trades go there, too.

    Args:
        tap: of all symbols.
    """

    def __init__(self, tap: Tap) -> None:
        super().__init__()
        self._tap = tap

    def __missing__(self, symbol: str) -> Tap:
        return self._tap


class Stream:
    """One standing stream of one account.

    Args:
        dialect: of the venue.
        market: spot or swap.
        client: a ccxt client that nobody else uses; closed with the stream.
    """

    def __init__(self, dialect: Dialect, market: str, client: Any) -> None:
        self._dialect = dialect
        self._market = market
        self._client = client
        self._queue: asyncio.Queue[Told] = asyncio.Queue()
        self._watching: list[asyncio.Task[None]] = []
        self._caught_up_twice = False
        client.orders = Tap("order", self._queue)
        client.myTrades = Tap("trade", self._queue)
        client.trades = _EveryTrade(client.myTrades)
        client.streaming = {**client.streaming, "keepAlive": _KEEP_ALIVE_MS}

    async def open(self) -> None:
        """Subscribe.

        Raises:
            VenueUnreachableError: it cannot be done.
        """
        try:
            async with asyncio.timeout(_OPEN_S):
                await self._dialect.subscribe(self._client, self._market)
                self._watching = [
                    asyncio.create_task(_for_ever(self._client.watch_orders)),
                    asyncio.create_task(_for_ever(self._client.watch_my_trades)),
                ]
                while not self._connected():
                    self._check()
                    await asyncio.sleep(_STEP_S)
        except TimeoutError as error:
            raise VenueUnreachableError("the venue's stream could not be opened in time") from error
        except VenueUnreachableError:
            raise
        except Exception as error:  # noqa: BLE001 - not chained: its text quotes a signed address
            raise VenueUnreachableError(text_of(error)) from None

    async def until_catching_up(self) -> AsyncIterator[Told]:
        """Orders and trades as they come, until it is time to look for what fell into the gap.

        A subscription stands a moment after it was asked for, and no venue says when. So the lists are
        read once more a little later; from then on this never ends by itself.

        Raises:
            VenueUnreachableError: the stream broke.
        """
        loop = asyncio.get_running_loop()
        end = None if self._caught_up_twice else loop.time() + _AGAIN_S
        self._caught_up_twice = True
        while end is None or loop.time() < end:
            getting = asyncio.ensure_future(self._queue.get())
            left = None if end is None else max(0.0, end - loop.time())
            try:
                await asyncio.wait(
                    {getting, *self._watching}, timeout=left, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                if not getting.done():
                    getting.cancel()
            if getting.done() and not getting.cancelled():
                yield getting.result()
            else:
                self._check()

    async def close(self) -> None:
        """Leave."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await self._client.close()

    def _connected(self) -> bool:
        clients = list((self._client.clients or {}).values())
        return bool(clients) and all(client.isConnected for client in clients)

    def _check(self) -> None:
        for task in self._watching:
            if not task.done():
                continue
            error = None if task.cancelled() else task.exception()
            raise VenueUnreachableError("the venue's stream ended" if error is None else text_of(error))


async def _for_ever(watch: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await watch()
