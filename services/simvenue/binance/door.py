"""Opens the door: one HTTP server on loopback for REST, streams and the WebSocket API."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from services.kernel.clock import Clock, IdSource
from services.simvenue.binance.account import AccountEndpoints
from services.simvenue.binance.desk import Desk
from services.simvenue.binance.faults import Faults
from services.simvenue.binance.futures.door import ALLOWANCE, open_futures
from services.simvenue.binance.gate import Gate
from services.simvenue.binance.keys import ApiKey, Keyring
from services.simvenue.binance.limits import Limits
from services.simvenue.binance.listen_keys import ListenKeys
from services.simvenue.binance.market import MarketEndpoints
from services.simvenue.binance.rest import RestDoor
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.sockets import StreamDoor
from services.simvenue.binance.trading import TradingEndpoints
from services.simvenue.binance.user_events import Sources
from services.simvenue.binance.wsapi import WebSocketApi
from services.simvenue.doors import Doors
from services.simvenue.floor import TradingFloor

_log = structlog.get_logger(__name__)

_HOST: Final = "127.0.0.1"
_CLOSING_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Behind:
    """The venue behind the door.

    Attributes:
        floor: where its market and accounts are.
        doors: the way there for accounts, with all that happens on it.
        clock: our own time.
        ids: for orders whose owners gave no id.
    """

    floor: TradingFloor
    doors: Doors
    clock: Clock
    ids: IdSource


class BinanceDoor:
    """Binance's spot API over the venue, and its USD-M futures API over the venue's perpetuals.

    Args:
        behind: the venue.
        keys: who may come in.
        port: on loopback; 0 takes a free one.
    """

    def __init__(self, behind: Behind, keys: Iterable[ApiKey], port: int) -> None:
        self._behind = behind
        self._keys = list(keys)
        self._open = asyncio.Event()
        self.port = port
        self.faults = Faults()
        self.limits = Limits(self.now_ms)
        self.futures_limits = Limits(self.now_ms, ALLOWANCE)
        self.floor = behind.floor
        self.doors = behind.doors

    def now_ms(self) -> int:
        """Our own time, in milliseconds: what the timestamps of requests are held against."""
        return int(self._behind.clock.now().timestamp() * 1000)

    async def run(self) -> None:
        """Serve, for ever.

        Raises:
            OSError: the port is taken.
        """
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_CLOSING_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, _HOST, self.port).start()
            self.port = int(runner.addresses[0][1])
            _log.info("binance_door_opened", port=self.port, keys=len(self._keys))
            self._open.set()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def opened(self) -> int:
        """The port, once it is open."""
        await self._open.wait()
        return self.port

    def _application(self) -> web.Application:
        behind = self._behind
        listed = [market.instrument for market in behind.floor.venue.markets.values()]
        symbols = Symbols(instrument for instrument in listed if instrument.perpetual is None)
        perpetuals = Symbols(instrument for instrument in listed if instrument.perpetual is not None)
        keyring = Keyring(self._keys)
        desk = Desk(behind.floor, behind.doors, behind.ids)
        keys = ListenKeys(self.now_ms, behind.ids)
        endpoints = [
            *MarketEndpoints(behind.floor, symbols, self.limits, self.now_ms).endpoints(),
            *TradingEndpoints(desk, symbols).endpoints(),
            *AccountEndpoints(desk, symbols, self.limits).endpoints(),
            *keys.endpoints(),
        ]
        gate = Gate(keyring, self.limits, self.now_ms)
        sources = Sources(behind.floor, behind.doors, symbols, desk.cancels)
        streams = StreamDoor(sources, keys, self.faults, self.limits)
        rest = RestDoor(gate, endpoints, self.faults, behind.doors)
        application = web.Application()
        application.on_shutdown.append(self._say_goodbye)
        router = application.router
        router.add_get("/ws", streams.raw)
        router.add_get("/ws/{streams:.*}", streams.raw)
        router.add_get("/stream", streams.combined)
        router.add_get("/ws-api/v3", WebSocketApi(gate, endpoints, sources, self.faults).serve)
        if perpetuals.all():
            open_futures(
                router,
                behind.floor,
                behind.doors,
                perpetuals,
                keyring,
                limits=self.futures_limits,
                faults=self.faults,
                ids=behind.ids,
                now_ms=self.now_ms,
            )
        router.add_route("*", "/{path:.*}", rest.handle)
        return application

    async def _say_goodbye(self, _: web.Application) -> None:
        self.faults.close()
        await self.faults.close_sockets()


Opened = Callable[[BinanceDoor], None]
