"""A ccxt.pro exchange that keeps market data exact and tells every change.

ccxt.pro keeps order books of floats and wakes its caller when a book changed; what changed, and whether
that was one message or five, it does not say. So the books are replaced with ones that note each level
that is set, in decimals. Everything else, above all the venue's own sequence of updates and the joining of
snapshot and stream, is ccxt's code.

ccxt is imported here, when the first such feed is opened: it costs a second and 100 MB.
"""

import importlib
import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

Row = tuple[Decimal, Decimal]
"""Price and new quantity of a level."""

Wake = Callable[[], None]

_TIMEOUT_MS: Final = 10_000


class BookTap(dict[str, Any]):
    """In place of ccxt's ``OrderBook``: keeps no levels, notes what happens to them.

    Args:
        wake: called when something was noted. ccxt wakes nobody who is not waiting at that moment.

    Attributes:
        cache: ccxt's: messages that came before the snapshot.
        whole: whether the noted levels are a whole book.
    """

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._rows: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}
        self.cache: list[Any] = []
        self.whole = False
        sides = {name: _SideTap(rows, wake) for name, rows in self._rows.items()}
        super().__init__(timestamp=None, datetime=None, nonce=None, symbol=None, **sides)

    def limit(self) -> "BookTap":
        """Ccxt cuts books to a depth here."""
        return self

    def reset(self, snapshot: Any) -> None:
        """A whole book: what was noted before is void."""
        for name, rows in self._rows.items():
            rows.clear()
            for row in snapshot.get(name, ()):
                rows[row[0]] = row[1]
        self.whole = True
        for key in ("nonce", "timestamp", "datetime", "symbol"):
            self[key] = snapshot.get(key)
        self._wake()

    def take(self) -> tuple[bool, list[Row], list[Row]]:
        """Whether it is a whole book, and the bids and asks that were set since the last call."""
        bids, asks = (list(self._rows[name].items()) for name in ("bids", "asks"))
        whole, self.whole = self.whole, False
        for rows in self._rows.values():
            rows.clear()
        return whole, bids, asks

    @property
    def noted(self) -> bool:
        """Whether anything was set since the last ``take``."""
        return self.whole or any(self._rows.values())


class _SideTap:
    """One side of a book, as far as ccxt writes to it."""

    def __init__(self, rows: dict[Decimal, Decimal], wake: Wake) -> None:
        self._rows = rows
        self._wake = wake

    def store(self, price: Decimal, size: Decimal, *_: Any) -> None:
        self._rows[price] = size
        self._wake()

    def storeArray(self, row: Any) -> None:  # noqa: N802 - ccxt's name
        self.store(row[0], row[1])


class TradeTap(list[Any]):
    """In place of ccxt's cache of trades: keeps them until they are taken.

    Args:
        wake: called for each trade.
    """

    def __init__(self, wake: Wake) -> None:
        super().__init__()
        self._wake = wake

    def append(self, item: Any) -> None:
        """Called by ccxt for each trade that it has parsed."""
        super().append(item)
        self._wake()

    def getLimit(self, symbol: Any, limit: Any) -> Any:  # noqa: N802 - ccxt's name
        """Called by ccxt before it hands the cache to a caller."""
        return limit

    def take(self) -> list[Any]:
        """The trades since the last call."""
        taken = list(self)
        self.clear()
        return taken


class _Exact:
    """Goes before a ccxt exchange in the order of methods; the names and arguments are ccxt's."""

    number = Decimal
    id: str
    options: dict[str, Any]
    orderbooks: dict[str, Any]
    safe_symbol: Callable[..., str]
    wake: Wake

    def on_json_response(self, response_body: str) -> Any:
        """Numbers stay text."""
        return json.loads(response_body, parse_float=str, parse_int=str)

    def client(self, url: str) -> Any:
        """A WebSocket client that reads numbers as text."""
        client = super().client(url)  # type: ignore[misc]
        client.handle_text_or_binary_message = partial(_read_exactly, client)
        return client

    def order_book(self, snapshot: Any = None, depth: Any = None) -> BookTap:
        """Binance's and Bybit's kind of book."""
        return BookTap(self.wake)

    counted_order_book = order_book

    def handle_delta(self, bookside: _SideTap, delta: Any) -> None:
        """Ccxt reads the two through a float."""
        bookside.store(_decimal(delta[0]), _decimal(delta[1]))

    def parse_order_book_bid_ask(
        self,
        bidask: Any,
        priceKey: Any = 0,  # noqa: N803 - ccxt's names
        amountKey: Any = 1,  # noqa: N803
        countOrIdKey: Any = 2,  # noqa: N803
    ) -> list[Decimal]:
        """Ccxt reads the two through a float."""
        return [_decimal(bidask[priceKey]), _decimal(bidask[amountKey])]

    def handle_order_book(self, client: Any, message: Any, *more: Any) -> None:
        """Ccxt leaves Crypto.com's books at the time of their snapshot."""
        super().handle_order_book(client, message, *more)  # type: ignore[misc]
        if self.id == "cryptocom":
            book = self.orderbooks.get(self.safe_symbol(message.get("instrument_name")))
            if book is not None:
                book["timestamp"] = message["data"][0]["t"]

    def is_spot_url(self, client: Any) -> bool:
        """Ccxt looks for a word in Binance's address, which a local venue does not have."""
        return bool(self.options.get("defaultType") == "spot")

    def __del__(self) -> None:
        """Nothing: ccxt would log a warning about a session that its owner closes."""


def open_exchange(
    exchange: str,
    market: str,
    *,
    sandbox: bool,
    rest_url: str,
    ws_url: str,
    options: dict[str, Any],
    wake: Wake,
) -> Any:
    """A ccxt.pro exchange for public data.

    Args:
        exchange: ccxt's id of it.
        market: ``spot`` or ``swap``.
        sandbox: whether the venue's sandbox is meant.
        rest_url: origin in place of the venue's own for HTTP; empty for its own.
        ws_url: the same for WebSockets.
        options: ccxt's own options of the exchange.
        wake: called when a book or the trades have changed.

    Raises:
        ValueError: ccxt has no such exchange.
    """
    library = importlib.import_module("ccxt.pro")
    base = getattr(library, exchange, None)
    if base is None or exchange not in library.exchanges:
        raise ValueError(f"ccxt has no exchange {exchange!r}")
    made = type(f"Exact{exchange.capitalize()}", (_Exact, base), {})
    client: Any = made(
        {
            "timeout": _TIMEOUT_MS,
            "enableRateLimit": True,
            "options": {"defaultType": market, **options},
        }
    )
    if sandbox and exchange != "binanceusdm":
        client.set_sandbox_mode(True)
    client.urls["api"] = _redirected(client.urls["api"], rest_url, ws_url)
    client.timeout_on_exit = 0
    client.wake = wake
    return client


def _redirected(urls: Any, rest_url: str, ws_url: str) -> Any:
    if isinstance(urls, dict):
        return {name: _redirected(value, rest_url, ws_url) for name, value in urls.items()}
    origin = (ws_url if urls.startswith("ws") else rest_url) if isinstance(urls, str) else ""
    if not origin:
        return urls
    to, parts = urlsplit(origin), urlsplit(urls)
    return urlunsplit((to.scheme, to.netloc, parts.path, parts.query, parts.fragment))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, float):
        raise TypeError("an amount came as a float")
    return Decimal(value)


def _read_exactly(client: Any, data: Any) -> None:
    if isinstance(data, bytes) and client.decompressBinary:
        data = data.decode()
    decoded = data
    with suppress(ValueError, TypeError):
        decoded = json.loads(data, parse_float=str)
    client.on_message_callback(client, decoded)
