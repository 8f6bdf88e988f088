"""A simulated venue behind its Binance door: no crowd, so that only the test moves the market."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
from pydantic import SecretStr
from yarl import URL

from services.chassis.clock import SystemClock
from services.chassis.persistence import Database
from services.kernel.clock import Clock
from services.simvenue.app import assemble
from services.simvenue.binance.door import BinanceDoor
from services.simvenue.domain.orders import LimitTerms, NewOrder
from services.simvenue.domain.terms import Side, TimeInForce
from services.simvenue.domain.venue import Venue
from services.simvenue.settings import BinanceKey, SimvenueSettings
from tests.support.application import runtime_of
from tests.support.simvenue import MIGRATIONS, sqlite_url

_WITHIN_S = 10.0
MAKERS: Final = "makers"
TAKERS: Final = "takers"
FUNDS: Final = {"usdt": Decimal(1_000_000_000), "btc": Decimal(20_000), "eth": Decimal(1_000)}
BTC: Final = "btc-usdt"


def trader_accounts(number: int) -> dict[str, Mapping[str, Decimal]]:
    """So many funded accounts."""
    return {f"trader-{each}": FUNDS for each in range(1, number + 1)}


def key_of(account: str) -> str:
    """The API key of an account."""
    return f"key-of-{account}"


def secret_of(account: str) -> str:
    """What an account signs with."""
    return f"secret-of-{account}"


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> int | None:
        """Binance's error code, if it is an error."""
        return self.body.get("code") if isinstance(self.body, dict) else None


class SettableClock:
    """Our time, standing at the begin of a minute until a test moves it."""

    def __init__(self) -> None:
        self._time = datetime.now(UTC).replace(second=0, microsecond=0)

    def now(self) -> datetime:
        """Where it stands."""
        return self._time

    def move(self, **by: float) -> None:
        """Let time pass, as in ``move(minutes=1)``."""
        self._time += timedelta(**by)


class RawClient:
    """Speaks HTTP to the door without any library of ours.

    Args:
        session: to send with.
        url: of the door.
        account: whose key and secret are used.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, account: str) -> None:
        self.session = session
        self.url = url
        self.account = account
        self.key: str | None = key_of(account)
        self.secret = secret_of(account)

    async def public(self, method: str, path: str, /, **params: object) -> Reply:
        """A request that nobody signs."""
        return await self.send(method, path, urlencode(params))

    async def signed(self, method: str, path: str, /, **params: object) -> Reply:
        """A request that is signed as it stands."""
        query = urlencode({"timestamp": now_ms(), **params})
        return await self.send(method, path, f"{query}&signature={self.sign(query)}")

    async def send(self, method: str, path: str, query: str = "", body: str = "") -> Reply:
        """A request as it is given."""
        headers = {} if self.key is None else {"X-MBX-APIKEY": self.key}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        target = f"{self.url}{path}" + (f"?{query}" if query else "")
        async with self.session.request(
            method, URL(target, encoded=True), data=body or None, headers=headers
        ) as response:
            return Reply(response.status, await response.json(), response.headers.copy())

    def sign(self, payload: str) -> str:
        """The signature of a payload."""
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    async def limit(self, side: str, quantity: str, price: str, **more: object) -> Reply:
        """A limit order on BTCUSDT."""
        order = {
            "symbol": "BTCUSDT",
            "side": side,
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": quantity,
            "price": price,
        }
        return await self.signed("POST", "/api/v3/order", **{**order, **more})


class BinanceVenue:
    """A running venue, seen from its Binance door and from behind it.

    Args:
        door: the door.
        session: for raw requests.
        tasks: background work of the venue, by name.
    """

    def __init__(
        self,
        door: BinanceDoor,
        session: aiohttp.ClientSession,
        tasks: Mapping[str, "asyncio.Task[None]"],
    ) -> None:
        self.door = door
        self._tasks = tasks
        self._unused = count(1)
        self._session = session

    @property
    def url(self) -> str:
        """Where REST is."""
        return f"http://127.0.0.1:{self.door.port}"

    @property
    def ws_url(self) -> str:
        """Where WebSockets are."""
        return f"ws://127.0.0.1:{self.door.port}"

    def account(self) -> str:
        """An account that nobody asked for before; ``trader_accounts`` opened it."""
        return f"trader-{next(self._unused)}"

    def raw(self, account: str) -> RawClient:
        """Speaks plain HTTP as an account."""
        return RawClient(self._session, self.url, account)

    @asynccontextmanager
    async def listening(self, path: str) -> AsyncIterator["Listener"]:
        """Open a WebSocket, as in ``/ws/btcusdt@trade``."""
        async with self._session.ws_connect(URL(f"{self.ws_url}{path}", encoded=True)) as socket:
            yield Listener(socket)

    async def stop_crowd(self) -> None:
        """Let nobody but accounts trade from now on."""
        self._tasks["market"].cancel()
        await asyncio.wait([self._tasks["market"]])

    async def deposit(self, account: str, currency: str, amount: str) -> None:
        """Money comes in from outside."""
        await self.door.floor.execute(
            lambda venue, now_ns: venue.deposit(account, currency, Decimal(amount), now_ns)
        )

    async def rest(self, side: Side, quantity: str, price: str, symbol: str = BTC) -> None:
        """Somebody else puts a limit order into the book."""
        await self._other(MAKERS, side, quantity, price, symbol, TimeInForce.GTC)

    async def hit(self, side: Side, quantity: str, price: str, symbol: str = BTC) -> None:
        """Somebody else trades at once; nothing of it rests."""
        await self._other(TAKERS, side, quantity, price, symbol, TimeInForce.IOC)

    async def clean(self) -> None:
        """Take every order of everybody out of the book."""

        def command(venue: Venue, now_ns: int) -> None:
            for account in list(venue.accounts()):
                for order in account.open_orders():
                    venue.cancel(account.name, order.venue_order_id, now_ns)

        await self.door.floor.execute(command)

    async def fill_up(self, account: str, orders: int) -> None:
        """Let an account have so many open orders, in one step."""

        def command(venue: Venue, now_ns: int) -> None:
            for _ in range(orders):
                request = NewOrder(uuid4().hex, BTC, Side.BUY, Decimal(1), LimitTerms(Decimal(50)))
                venue.place(account, request, now_ns)

        await self.door.floor.execute(command)

    async def _other(
        self, who: str, side: Side, quantity: str, price: str, symbol: str, force: TimeInForce
    ) -> None:
        terms = LimitTerms(Decimal(price), force)
        request = NewOrder(uuid4().hex, symbol, side, Decimal(quantity), terms)
        await self.door.floor.execute(lambda venue, now_ns: venue.place(who, request, now_ns))


@asynccontextmanager
async def binance_venue(
    folder: Path,
    accounts: Mapping[str, Mapping[str, Decimal]],
    *,
    clock: Clock | None = None,
    **settings: Any,
) -> AsyncIterator[BinanceVenue]:
    """Run a venue with these accounts, each with its API key, and two of the others.

    Args:
        folder: for its database.
        accounts: their deposits.
        clock: our time; the real one where it is absent.
        settings: more of them.
    """
    chosen = SimvenueSettings(
        **{
            "accounts": {MAKERS: FUNDS, TAKERS: FUNDS, **accounts},
            "crowd": False,
            "synthetic_warmup_seconds": 0,
            "binance_port": 0,
            "binance_keys": {
                key_of(each): BinanceKey(account=each, secret=SecretStr(secret_of(each))) for each in accounts
            },
            **settings,
        }
    )
    database = await Database.open(sqlite_url(folder), migrations=MIGRATIONS)
    doors: list[BinanceDoor] = []
    runtime = runtime_of("simvenue", database=database, clock=clock or SystemClock())
    application = await assemble(runtime, chosen, door_made=doors.append)
    assert application.prepare is not None
    await application.prepare()
    tasks = {each.name: asyncio.ensure_future(each.run()) for each in application.background}
    try:
        async with asyncio.timeout(10):
            await doors[0].opened()
        async with aiohttp.ClientSession() as session:
            yield BinanceVenue(doors[0], session, tasks)
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await database.close()


def now_ms() -> int:
    """Our time in milliseconds."""
    return int(SystemClock().now().timestamp() * 1000)


def ccxt_config(account: str) -> dict[str, Any]:
    """What ccxt's Binance is made with, to trade as an account."""
    return {
        "apiKey": key_of(account),
        "secret": secret_of(account),
        "enableRateLimit": False,
        "options": {"fetchMarkets": {"types": ["spot"]}},
    }


def point_at(exchange: Any, venue: BinanceVenue) -> None:
    """Let ccxt's Binance speak to a venue here, and to nobody else.

    ccxt knows which of Binance's errors are those of the spot market by the address it calls, so they
    are named here.
    """
    exchange.exceptions["exact"] |= exchange.exceptions["spot"]["exact"]
    api = exchange.urls["api"]
    api.update(dict.fromkeys(("public", "private", "v1"), f"{venue.url}/api/v3"))
    api["sapi"] = f"{venue.url}/sapi/v1"
    if "ws" in api:
        api["ws"]["spot"] = f"{venue.ws_url}/ws/stream"
        api["ws"]["ws-api"]["spot"] = f"{venue.ws_url}/ws-api/v3"


class Listener:
    """An open WebSocket, read message by message.

    Args:
        socket: as aiohttp opened it.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._number = 0

    async def next(self) -> Any:
        """The next message."""
        async with asyncio.timeout(_WITHIN_S):
            return json.loads(await self.socket.receive_str())

    async def until(self, wanted: Callable[[Any], object]) -> Any:
        """The next message of which this is true."""
        while not wanted(message := await self.next()):
            pass
        return message

    async def closed(self) -> int | None:
        """The code it is closed with, after whatever comes before; None where it breaks."""
        quiet = {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.PING}
        async with asyncio.timeout(_WITHIN_S):
            while (message := await self.socket.receive()).type in quiet:
                pass
        return int(message.data) if message.type is aiohttp.WSMsgType.CLOSE else None

    async def ask(self, method: str, params: object = None) -> Any:
        """Send a request and give its answer, leaving out what comes between."""
        self._number += 1
        number = self._number
        await self.socket.send_json({"method": method, "params": params or [], "id": number})
        return await self.until(lambda message: isinstance(message, dict) and message.get("id") == number)

    async def signed(self, account: str, method: str, **params: object) -> Any:
        """Ask the WebSocket API for something that must be signed."""
        values = {"timestamp": now_ms(), "apiKey": key_of(account), **params}
        payload = "&".join(f"{name}={value}" for name, value in sorted(values.items()))
        signature = hmac.new(secret_of(account).encode(), payload.encode(), hashlib.sha256).hexdigest()
        return await self.ask(method, {**values, "signature": signature})
