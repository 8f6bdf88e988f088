"""A gate in a TCP connection: a test closes it, or lets requests through and keeps the answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_CHUNK = 65536


@dataclass
class TcpGate:
    """Stands before a server on loopback.

    Attributes:
        target: the server's port.
        port: the gate's own.
        deaf: answers of the server are thrown away; requests still arrive.
        passed: bytes that went to the server.
    """

    target: int
    port: int = 0
    deaf: bool = False
    passed: int = 0
    _server: asyncio.Server | None = None
    _pipes: set["asyncio.Task[None]"] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        """Let connections through, on the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._through, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Take no connection any more, and break those that stand."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """Break the connections that stand."""
        for writer in list(self._writers):
            writer.transport.abort()
        pipes = list(self._pipes)
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, to_writer}
        there = asyncio.create_task(self._pipe(reader, to_writer, back=False))
        back = asyncio.create_task(self._pipe(to_reader, writer, back=True))
        for pipe in (there, back):
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)
        await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
        for each in (writer, to_writer):
            self._writers.discard(each)
            each.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if back and self.deaf:
                    continue
                self.passed += 0 if back else len(data)
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def gate_before(target: int) -> AsyncIterator[TcpGate]:
    """An open gate before a port."""
    gate = TcpGate(target)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.shut()
