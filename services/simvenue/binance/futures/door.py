"""The futures' side of the door: what is asked under ``/fapi``, and its streams."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from services.kernel.clock import IdSource
from services.simvenue.binance.channels import Channel
from services.simvenue.binance.desk import Desk
from services.simvenue.binance.faults import Faults
from services.simvenue.binance.futures.account import AccountEndpoints
from services.simvenue.binance.futures.channels import channel_of
from services.simvenue.binance.futures.errors import check_open_orders, of_domain
from services.simvenue.binance.futures.listen_keys import FuturesListenKeys
from services.simvenue.binance.futures.market import FuturesMarket
from services.simvenue.binance.futures.trading import TradingEndpoints
from services.simvenue.binance.futures.user_events import FuturesUserEvents
from services.simvenue.binance.gate import Gate
from services.simvenue.binance.keys import Keyring
from services.simvenue.binance.limits import Allowance, Limits
from services.simvenue.binance.rest import RestDoor
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.sockets import StreamDoor
from services.simvenue.binance.user_events import Sources, UserEvents
from services.simvenue.doors import Doors
from services.simvenue.floor import TradingFloor

ALLOWANCE: Final = Allowance(weight=2_400, orders_10s=300, orders_1m=1_200, messages=10)
"""What ``exchangeInfo`` of the futures allows."""
_WAYS: Final = ("public", "market", "private")
"""Binance parts the streams of the futures among three addresses; here each of them has all."""


class FuturesStreams(StreamDoor):
    """Answers requests for streams of perpetuals."""

    def channel(self, name: str) -> Channel | None:
        """The public stream of a name; None where there is none."""
        return channel_of(name, self._sources.floor, self._sources.symbols)

    def user_events(self, account: str, ended: Callable[[], Any]) -> UserEvents:
        """The events of an account, until ``ended`` answers the last one."""
        return FuturesUserEvents(self._sources, account, ended)


def open_futures(
    router: web.UrlDispatcher,
    floor: TradingFloor,
    doors: Doors,
    symbols: Symbols,
    keyring: Keyring,
    *,
    limits: Limits,
    faults: Faults,
    ids: IdSource,
    now_ms: Callable[[], int],
) -> None:
    """Add the futures' addresses to a server.

    Args:
        router: of the server; what comes to it first counts.
        floor: where the market and the accounts are.
        doors: the way there for accounts.
        symbols: all perpetuals.
        keyring: who may come in.
        limits: what may be asked; the futures count apart from spot.
        faults: what goes wrong.
        ids: for orders whose owners gave no id.
        now_ms: our own time.
    """
    desk = Desk(floor, doors, ids, of_domain, check_open_orders)
    keys = FuturesListenKeys(now_ms, ids)
    endpoints = [
        *FuturesMarket(floor, symbols, limits, now_ms).endpoints(),
        *TradingEndpoints(desk, symbols, limits).endpoints(),
        *AccountEndpoints(desk, symbols, limits).endpoints(),
        *keys.endpoints(),
    ]
    rest = RestDoor(Gate(keyring, limits, now_ms, of_domain), endpoints, faults, doors)
    streams = FuturesStreams(Sources(floor, doors, symbols, desk.cancels), keys, faults, limits)
    for way in _WAYS:
        router.add_get(f"/{way}/ws", streams.raw)
        router.add_get(f"/{way}/ws/{{streams:.*}}", streams.raw)
        router.add_get(f"/{way}/stream", streams.combined)
    router.add_route("*", "/fapi/{path:.*}", rest.handle)
