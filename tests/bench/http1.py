"""An HTTP/1.1 client that is no bottleneck: one GET, connections that stay open, no parsing to speak of.

It is as fair to both REST contenders as it is simple: answers have a content-length and status 200.
"""

import asyncio
from typing import cast

_END = b"\r\n\r\n"


class HttpPool:
    """Connections to one server, as many as are needed at once.

    Args:
        host: of the server.
        port: of the server.
        path: what is asked for.
    """

    def __init__(self, host: str, port: int, path: str) -> None:
        self._address = host, port
        self._request = f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n".encode()
        self._free: list[_Connection] = []

    async def get(self) -> bytes:
        """The body of one answer.

        Raises:
            ConnectionError: the answer is not 200, or none came.
        """
        # uvicorn hangs up after some idle seconds, as between two rounds.
        while self._free and self._free[-1].closed:
            self._free.pop()
        connection = self._free.pop() if self._free else await self._connect()
        body = await connection.ask(self._request)
        self._free.append(connection)
        return body

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, *self._address)
        return connection


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._data = b""
        self._waiting: asyncio.Future[bytes] | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        self._data = b""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, body = self._data.partition(_END)
        if not end or self._waiting is None:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._waiting.set_exception(ConnectionError(self._data.decode(errors="replace")))
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
        if len(body) >= int(length):
            self._waiting.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("the server closed the connection"))
