"""How much may be asked: request weight of an address, orders of an account, bans.

Binance counts in fixed windows: a minute's count is zero again when the next minute begins. An
address that goes on after a 429 is banned, at first for two minutes, twice as long each time after.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from services.simvenue.binance.errors import BinanceError

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_TEN_SECONDS_MS: Final = 10_000
_FIRST_BAN_MS: Final = 120_000
_LONGEST_BAN_MS: Final = 3 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is allowed.

    Attributes:
        weight: request weight of one address in a minute.
        orders_10s: orders of one account in ten seconds.
        orders_1d: orders of one account in a day; counts where ``orders_1m`` does not.
        orders_1m: orders of one account in a minute, as the futures count them; None for spot.
        ignored: refused requests after which an address is banned.
        messages: messages on one WebSocket of streams in a second; 0 for any number.
    """

    weight: int = 6_000
    orders_10s: int = 100
    orders_1d: int = 200_000
    ignored: int = 10
    messages: int = 5
    orders_1m: int | None = None

    @property
    def long(self) -> tuple[str, int]:
        """Interval of the longer limit of orders, and the limit."""
        return ("DAY", self.orders_1d) if self.orders_1m is None else ("MINUTE", self.orders_1m)


@dataclass(slots=True)
class _Window:
    """A count that begins anew with each window."""

    length_ms: int
    number: int = -1
    count: int = 0

    def at(self, now_ms: int) -> int:
        number = now_ms // self.length_ms
        if number != self.number:
            self.number, self.count = number, 0
        return self.count

    def left_ms(self, now_ms: int) -> int:
        return self.length_ms - now_ms % self.length_ms


@dataclass(slots=True)
class _Address:
    weight: _Window = field(default_factory=lambda: _Window(_MINUTE_MS))
    ignored: _Window = field(default_factory=lambda: _Window(_MINUTE_MS))
    bans: int = 0
    banned_until_ms: int = 0


@dataclass(slots=True)
class _Orders:
    long: _Window
    short: _Window = field(default_factory=lambda: _Window(_TEN_SECONDS_MS))


class Limits:
    """Counts and refuses.

    Args:
        now_ms: our own time.
        allowance: what is allowed.
    """

    def __init__(self, now_ms: Callable[[], int], allowance: Allowance | None = None) -> None:
        self._now_ms = now_ms
        self._addresses: dict[str, _Address] = {}
        self._accounts: dict[str, _Orders] = {}
        self.allowance = allowance or Allowance()

    def charge(self, address: str, weight: int) -> None:
        """Count a request.

        Raises:
            BinanceError: -1003 with status 429 or 418, and how long to wait.
        """
        now_ms = self._now_ms()
        state = self._addresses.setdefault(address, _Address())
        if now_ms < state.banned_until_ms:
            raise _banned(state.banned_until_ms, now_ms)
        used = state.weight.at(now_ms)
        state.weight.count = used + weight
        if used + weight <= self.allowance.weight:
            return
        state.ignored.at(now_ms)
        state.ignored.count += 1
        if state.ignored.count > self.allowance.ignored:
            self.ban(address)
            raise _banned(state.banned_until_ms, now_ms)
        raise _too_much(self.allowance.weight, state.weight.left_ms(now_ms))

    def ban(self, address: str) -> None:
        """Ban an address, longer each time."""
        state = self._addresses.setdefault(address, _Address())
        state.banned_until_ms = self._now_ms() + min(_FIRST_BAN_MS * 2**state.bans, _LONGEST_BAN_MS)
        state.bans += 1
        state.ignored.count = 0

    def exhaust(self, address: str) -> None:
        """Use up what an address may ask for in this minute."""
        state = self._addresses.setdefault(address, _Address())
        state.weight.at(self._now_ms())
        state.weight.count = self.allowance.weight

    def pardon(self) -> None:
        """Forget every count and every ban."""
        self._addresses.clear()
        self._accounts.clear()

    def used(self, address: str) -> int:
        """Weight that an address used in this minute."""
        state = self._addresses.get(address)
        return 0 if state is None else state.weight.at(self._now_ms())

    def count_order(self, account: str) -> None:
        """Count an order.

        Raises:
            BinanceError: -1015 with status 429; it does not say how long to wait.
        """
        now_ms = self._now_ms()
        state = self._orders(account)
        if state.short.at(now_ms) >= self.allowance.orders_10s:
            raise _too_many(self.allowance.orders_10s, "10 SECOND")
        interval, most = self.allowance.long
        if state.long.at(now_ms) >= most:
            raise _too_many(most, f"1 {interval}")
        state.short.count += 1
        state.long.count += 1

    def orders(self, account: str) -> tuple[int, int]:
        """Orders of an account in these ten seconds, and on this day or in this minute."""
        now_ms = self._now_ms()
        state = self._orders(account)
        return state.short.at(now_ms), state.long.at(now_ms)

    def order_headers(self, account: str) -> dict[str, str]:
        """The same, as the answer to an order tells it."""
        short, long = self.orders(account)
        name = f"X-MBX-ORDER-COUNT-1{self.allowance.long[0][0]}"
        return {"X-MBX-ORDER-COUNT-10S": str(short), name: str(long)}

    def weight_limit(self) -> dict[str, Any]:
        """The limit of request weight, as it is told."""
        return _limit("REQUEST_WEIGHT", "MINUTE", 1, self.allowance.weight)

    def order_limits(self) -> list[dict[str, Any]]:
        """The limits of orders, as they are told."""
        return [
            _limit("ORDERS", "SECOND", 10, self.allowance.orders_10s),
            _limit("ORDERS", self.allowance.long[0], 1, self.allowance.long[1]),
        ]

    def weight_state(self, address: str) -> list[dict[str, Any]]:
        """The limit of request weight, and how much of it an address used."""
        return [{**self.weight_limit(), "count": self.used(address)}]

    def order_state(self, account: str) -> list[dict[str, Any]]:
        """The limits of orders, and how much of them an account used."""
        counts = self.orders(account)
        return [{**limit, "count": count} for limit, count in zip(self.order_limits(), counts, strict=True)]

    def _orders(self, account: str) -> _Orders:
        length_ms = _DAY_MS if self.allowance.orders_1m is None else _MINUTE_MS
        return self._accounts.setdefault(account, _Orders(_Window(length_ms)))


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _seconds(wait_ms: int) -> str:
    return str(-(-wait_ms // 1000))


def _too_much(limit: int, wait_ms: int) -> BinanceError:
    return BinanceError(
        -1003,
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        HTTPStatus.TOO_MANY_REQUESTS,
        headers={"Retry-After": _seconds(wait_ms)},
    )


def _banned(until_ms: int, now_ms: int) -> BinanceError:
    return BinanceError(
        -1003,
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        418,
        headers={"Retry-After": _seconds(until_ms - now_ms)},
    )


def _too_many(limit: int, interval: str) -> BinanceError:
    return BinanceError(
        -1015,
        f"Too many new orders; current limit is {limit} orders per {interval}.",
        HTTPStatus.TOO_MANY_REQUESTS,
    )
