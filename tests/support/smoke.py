"""pytest-grpc's fixtures around our own server, for one synchronous smoke test per service.

pytest-grpc starts gRPC's thread-pool server, which cannot run asynchronous servicers. Here its
``grpc_server`` and ``grpc_addr`` are overridden: the server is the one that every service is
(``build_server``, with every interceptor but identity), on an event loop in a thread of its own.
Everything else is the package's: the test is plain synchronous code against ``grpc_stub``.

A smoke module says what to serve, as pytest-grpc asks for it:

    @pytest.fixture(scope="module")
    def grpc_add_to_server():
        return market_service_pb2_grpc.add_MarketServiceServicer_to_server

    @pytest.fixture(scope="module")
    def grpc_servicer():
        return make_servicer          # see Servicing

    @pytest.fixture(scope="module")
    def grpc_stub_cls():
        return market_service_pb2_grpc.MarketServiceStub

    def test_answers(grpc_stub): ...

``grpc_servicer`` is the servicer itself, or, where it needs an event loop to be made or closed (a
database, a task), a function that returns an asynchronous context manager with the servicer in it;
it is entered and left on the server's loop.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeAlias

import pytest
from prometheus_client import CollectorRegistry

from services.chassis.rpc.server import Binding, build_server

Servicing: TypeAlias = Callable[[], AbstractAsyncContextManager[Any]]
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


class SmokeServer:
    """Our server on an event loop in a thread of its own.

    Args:
        servicer: the servicer, or what makes it on the loop.
        add_to_server: the generated ``add_<Service>Servicer_to_server``.
    """

    def __init__(self, servicer: Any, add_to_server: Callable[[Any, Any], None]) -> None:
        self._servicer = servicer
        self._add_to_server = add_to_server
        self._port: Future[int] = Future()
        self._stop: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="smoke-server", daemon=True)

    def start(self) -> str:
        """Serve; the address, as ``host:port``.

        Raises:
            Exception: what kept the server from starting.
        """
        self._thread.start()
        return f"127.0.0.1:{self._port.result(START_TIMEOUT_S)}"

    def stop(self) -> None:
        """Stop and wait until everything is closed."""
        self._stop()
        self._thread.join(STOP_TIMEOUT_S)
        assert not self._thread.is_alive(), "the smoke server did not stop"

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._port.done():
                raise
            self._port.set_exception(error)

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
        makes = callable(self._servicer)
        async with self._servicer() if makes else nullcontext(self._servicer) as servicer:
            binding = Binding(servicer, self._add_to_server)
            server = await build_server([binding], registry=CollectorRegistry())
            await server.start()
            await server.serving()
            self._port.set_result(server.port)
            await stopping.wait()
            await server.stop(0)


@pytest.fixture(scope="module")
def grpc_server(grpc_servicer: Any, grpc_add_to_server: Callable[[Any, Any], None]) -> Iterator[str]:
    """In place of pytest-grpc's thread-pool server; its value is the address."""
    server = SmokeServer(grpc_servicer, grpc_add_to_server)
    address = server.start()
    yield address
    server.stop()


@pytest.fixture(scope="module")
def grpc_addr(grpc_server: str) -> str:
    """In place of pytest-grpc's guessed port: where the server really listens."""
    return grpc_server
