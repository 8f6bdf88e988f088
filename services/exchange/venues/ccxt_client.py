"""A ccxt exchange made fit for our purpose: exact, quiet about secrets, telling what it saw.

ccxt is imported here, when the first such venue is configured, and nowhere else: it costs a second and
100 MB. What is changed, each in one method of a subclass made on the fly:

- Numbers. ``number = str``, and JSON read with its numbers as text, over HTTP and WebSocket alike, so
  that no amount ever is a float. Amounts and prices are sent as they are given: ccxt would cut them off
  at the venue's step, and we refuse rather than round.
- Errors. The venue's HTTP status, code and Retry-After hang on the exception (``ccxt_errors.Reply``).
- Departure. ``Sending.departed`` says whether a request had begun to leave when something went wrong.
- Secrets. ccxt logs headers and signed addresses on debug level; its logger is closed.
"""

import importlib
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from services.exchange.venues.ccxt_errors import REPLY, reply_of

_DEMO: Final = frozenset({"binanceusdm"})
"""Binance's perpetuals have demo trading in place of a testnet."""

Watch = Callable[[Mapping[str, str]], None]


@dataclass(slots=True)
class Sending:
    """One mutation on its way.

    Attributes:
        departed: whether its HTTP request had begun to leave.
    """

    departed: bool = False


sending: ContextVar[Sending | None] = ContextVar("sending", default=None)
"""The mutation that the present task carries out."""


@dataclass(frozen=True, slots=True)
class Door:
    """Which exchange, and how to get in.

    Attributes:
        exchange: ccxt's id of it.
        market: ``spot`` or ``swap``.
        sandbox: whether it is the venue's sandbox.
        key: API key; empty for public data only.
        secret: its secret.
        rest_url: origin to use in place of the venue's own for HTTP; empty for its own.
        ws_url: the same for WebSockets.
        timeout: longest wait for an HTTP answer, in seconds.
        options: ccxt's own options of the exchange.
    """

    exchange: str
    market: str
    sandbox: bool
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    rest_url: str = ""
    ws_url: str = ""
    timeout: float = 10.0
    options: Mapping[str, Any] = field(default_factory=dict)


def open_door(door: Door, watch: Watch | None = None) -> Any:
    """A ccxt.pro exchange that speaks through this door.

    Args:
        door: where it leads.
        watch: hears the headers of every HTTP answer, with lower-case names.

    Raises:
        ValueError: ccxt has no such exchange.
    """
    exchange_type = exact_type(door.exchange)
    client = exchange_type(
        {
            "apiKey": door.key,
            "secret": door.secret,
            "timeout": int(door.timeout * 1000),
            # Limits are kept by the exchange service, over all its instances; ccxt's own waiting would
            # eat deadlines that it does not know.
            "enableRateLimit": False,
            "options": {"defaultType": door.market, **door.options},
        }
    )
    if door.sandbox and door.exchange in _DEMO:
        client.enable_demo_trading(True)
    elif door.sandbox:
        client.set_sandbox_mode(True)
    client.urls["api"] = redirected(client.urls["api"], door.rest_url, door.ws_url)
    client.watch_headers = watch
    client.timeout_on_exit = 0
    return client


def exact_type(exchange: str) -> Any:
    """The subclass of a ccxt.pro exchange that is described above.

    Raises:
        ValueError: ccxt has no such exchange.
    """
    library = importlib.import_module("ccxt.pro")
    for name in ("ccxt", "ccxt.base.exchange"):
        logging.getLogger(name).setLevel(logging.ERROR)
    base = getattr(library, exchange, None)
    if base is None or exchange not in library.exchanges:
        raise ValueError(f"ccxt has no exchange {exchange!r}")
    return type(f"Exact{exchange.capitalize()}", (_Exact, base), {})


def redirected(urls: Any, rest_url: str, ws_url: str) -> Any:
    """All addresses with another origin: ``wss://`` ones with ``ws_url``, the others with ``rest_url``."""
    if isinstance(urls, dict):
        return {name: redirected(value, rest_url, ws_url) for name, value in urls.items()}
    if not isinstance(urls, str):
        return urls
    origin = ws_url if urls.startswith("ws") else rest_url
    if not origin:
        return urls
    to, parts = urlsplit(origin), urlsplit(urls)
    return urlunsplit((to.scheme, to.netloc, parts.path, parts.query, parts.fragment))


class _Exact:
    """Goes before a ccxt exchange in the order of methods; the names and arguments are ccxt's."""

    number = str
    quoteJsonNumbers = True  # noqa: N815 - ccxt's name
    watch_headers: Watch | None = None

    def on_json_response(self, response_body: str) -> Any:
        """Numbers stay text."""
        return json.loads(response_body, parse_float=str, parse_int=str)

    @staticmethod
    def decimal_to_precision(n: Any, *_: Any, **__: Any) -> str:
        """As it was given: text in, the same text out."""
        return _text(n)

    def amount_to_precision(self, symbol: str, amount: Any) -> str | None:
        """As it was given: text in, the same text out."""
        return None if amount is None else _text(amount)

    def price_to_precision(self, symbol: str, price: Any) -> str | None:
        """As it was given: text in, the same text out."""
        return None if price is None else _text(price)

    def cost_to_precision(self, symbol: str, cost: Any) -> str | None:
        """As it was given: text in, the same text out."""
        return None if cost is None else _text(cost)

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """One HTTP request; from here on it may have left."""
        on_its_way = sending.get()
        if on_its_way is not None:
            on_its_way.departed = True
        return await super().fetch(url, method, headers, body)  # type: ignore[misc]

    def handle_errors(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Any,
        body: str,
        response: Any,
        *more: Any,
    ) -> Any:
        """As ccxt does, with the reply on what it raises."""
        if self.watch_headers is not None:
            self.watch_headers({str(name).lower(): str(value) for name, value in headers.items()})
        try:
            return super().handle_errors(  # type: ignore[misc]
                code, reason, url, method, headers, body, response, *more
            )
        except Exception as error:
            setattr(error, REPLY, reply_of(code, headers, response))
            raise

    def handle_http_status_code(self, code: int, reason: str, url: str, method: str, body: str) -> None:
        """As ccxt does, with the reply on what it raises."""
        try:
            super().handle_http_status_code(code, reason, url, method, body)  # type: ignore[misc]
        except Exception as error:
            setattr(error, REPLY, reply_of(code, {}, None))
            raise

    def handle_my_trade(self, client: Any, message: Any, *more: Any) -> None:
        """As ccxt does; a trade of a liquidation, which Binance calls CALCULATED, is one, too."""
        if message.get("x") == "CALCULATED":
            message = {**message, "x": "TRADE"}
        super().handle_my_trade(client, message, *more)  # type: ignore[misc]

    def client(self, url: str) -> Any:
        """A WebSocket client that reads numbers as text."""
        client = super().client(url)  # type: ignore[misc]
        client.handle_text_or_binary_message = partial(_read_exactly, client)
        return client

    def __del__(self) -> None:
        """Nothing: ccxt would log a warning about a session that its owner closes."""


def _read_exactly(client: Any, data: Any) -> None:
    if isinstance(data, bytes) and client.decompressBinary:
        data = data.decode()
    decoded = data
    with suppress(ValueError, TypeError):
        decoded = json.loads(data, parse_float=str)
    client.on_message_callback(client, decoded)


def _text(amount: Any) -> str:
    if not isinstance(amount, str):
        raise TypeError(f"an amount must be text, not {type(amount).__name__}")
    return amount
