"""One open WebSocket: what it listens to, and how it ends."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from services.simvenue.binance.channels import HaltedError, OverrunError
from services.simvenue.binance.rest import dumps
from services.simvenue.doors import ConnectionLostError

_log = structlog.get_logger(__name__)

_PING_S: Final = 180.0
_LARGEST: Final = 65_536

Wrap = Callable[[Any], Any]


class Connection:
    """An open WebSocket.

    Args:
        socket: prepared.
        request: what opened it.
        often: most messages from the other side in a second; 0 for any number.
        seconds: any clock that does not run backwards.
    """

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, often: int, seconds: Callable[[], float]
    ) -> None:
        self._socket = socket
        self._request = request
        self._often = often
        self._seconds = seconds
        self._feeds: dict[str, asyncio.Task[None]] = {}
        self._guard: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._came: deque[float] = deque(maxlen=often or 1)

    @classmethod
    async def open(cls, request: web.Request, often: int) -> "Connection":
        """Take a request for a WebSocket."""
        socket = web.WebSocketResponse(heartbeat=_PING_S, compress=False, max_msg_size=_LARGEST)
        await socket.prepare(request)
        return cls(socket, request, often, asyncio.get_running_loop().time)

    @property
    def names(self) -> Sequence[str]:
        """Names of what it listens to."""
        return list(self._feeds)

    def listen(self, name: str, events: AsyncIterator[Any], wrap: Wrap) -> None:
        """Listen to something, unless a thing of that name is listened to already."""
        if name not in self._feeds:
            self._feeds[name] = asyncio.create_task(self._feed(events, wrap))

    def guard(self, breaks: Coroutine[Any, Any, None]) -> None:
        """Break it once something else has broken."""
        self._guard = asyncio.create_task(self._guarded(breaks))

    async def _guarded(self, breaks: Coroutine[Any, Any, None]) -> None:
        with suppress(ConnectionLostError):
            await breaks
        self.abort()

    def leave(self, name: str) -> bool:
        """Listen to something no more; answers whether it did."""
        feed = self._feeds.pop(name, None)
        if feed is not None:
            feed.cancel()
        return feed is not None

    async def send(self, message: Any) -> None:
        """Send a message; nothing where the socket is closed."""
        if not self._socket.closed:
            await self._socket.send_str(dumps(message))

    async def receive(self) -> Any:
        """The next message; None where there is no next one.

        Raises:
            ValueError: it is not JSON.
        """
        message = await self._socket.receive()
        if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
            return None
        if self._too_often():
            await self.close(WSCloseCode.POLICY_VIOLATION, "Too many requests")
            return None
        text = message.data if message.type is WSMsgType.TEXT else message.data.decode()
        return json.loads(text, parse_float=Decimal)

    async def close(self, code: int = WSCloseCode.OK, why: str = "") -> None:
        """Say goodbye. Whoever says it may be gone before the other side has answered."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._say(code, why))
        await asyncio.shield(self._closing)

    async def _say(self, code: int, why: str) -> None:
        await self._socket.close(code=code, message=why.encode())

    def abort(self) -> None:
        """Break it without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def end(self) -> None:
        """Listen to nothing any more, and wait for the goodbye if one was said."""
        if self._closing is not None:
            await self._closing
        feeds = [*self._feeds.values(), *([] if self._guard is None else [self._guard])]
        self._feeds.clear()
        for feed in feeds:
            feed.cancel()
        await asyncio.gather(*feeds, return_exceptions=True)

    @property
    def socket(self) -> web.WebSocketResponse:
        """The answer to the request that opened it."""
        return self._socket

    def _too_often(self) -> bool:
        now = self._seconds()
        full = self._often > 0 and len(self._came) == self._often
        too_often = full and now - self._came[0] < 1.0
        self._came.append(now)
        return too_often

    async def _feed(self, events: AsyncIterator[Any], wrap: Wrap) -> None:
        try:
            async for event in events:
                await self.send(wrap(event))
        except OverrunError:
            await self.close(WSCloseCode.TRY_AGAIN_LATER, "too slow")
        except HaltedError:
            await self.close(WSCloseCode.GOING_AWAY, "the venue halted")
        except ConnectionLostError:
            self.abort()
        except ConnectionError:
            return
        except Exception:  # noqa: BLE001 - one reader's stream, not the venue
            _log.exception("binance_stream_failed")
            await self.close(WSCloseCode.INTERNAL_ERROR)
