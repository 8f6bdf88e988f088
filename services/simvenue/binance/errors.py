"""Binance's errors: a code, a text and an HTTP status."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from services.kernel.errors import DomainError


class BinanceError(Exception):
    """An answer that is an error.

    Args:
        code: Binance's code, below zero.
        text: Binance's text.
        status: HTTP status.
        data: what the answer carries besides.
        headers: HTTP headers of the answer.
    """

    def __init__(
        self,
        code: int,
        text: str,
        status: int = HTTPStatus.BAD_REQUEST,
        *,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.status = int(status)
        self.data = data
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error as it is sent."""
        body: dict[str, Any] = {"code": self.code, "msg": self.text}
        if self.data is not None:
            body["data"] = self.data
        return body


def mandatory(name: str) -> BinanceError:
    """A parameter that must be there is not, or says nothing."""
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def one_of(first: str, second: str) -> BinanceError:
    """One of two parameters must be there."""
    return BinanceError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def illegal(name: str, legal: str) -> BinanceError:
    """A parameter has characters it may not have."""
    return BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def not_required(name: str) -> BinanceError:
    """A parameter does not belong to this kind of order."""
    return BinanceError(-1106, f"Parameter '{name}' sent when not required.")


def not_valid(name: str) -> BinanceError:
    """A parameter says something that makes no sense."""
    return BinanceError(-1130, f"Data sent for parameter '{name}' is not valid.")


def filter_failure(name: str) -> BinanceError:
    """An order breaks one of the symbol's filters."""
    return BinanceError(-1013, f"Filter failure: {name}")


def rejected(text: str) -> BinanceError:
    """The matching engine refuses a new order."""
    return BinanceError(-2010, text)


def bad_symbol() -> BinanceError:
    """There is no such symbol."""
    return BinanceError(-1121, "Invalid symbol.")


def unknown_order_sent() -> BinanceError:
    """There is no such open order to cancel."""
    return BinanceError(-2011, "Unknown order sent.")


def no_such_order() -> BinanceError:
    """There is no such order to look at."""
    return BinanceError(-2013, "Order does not exist.")


def outcome_unknown() -> BinanceError:
    """Whether it was done is not known."""
    return BinanceError(
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        HTTPStatus.SERVICE_UNAVAILABLE,
    )


_REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "PRICE_OFF_TICK": (-1013, "Filter failure: PRICE_FILTER"),
    "QUANTITY_OFF_LOT": (-1013, "Filter failure: LOT_SIZE"),
    "QUANTITY_TOO_SMALL": (-1013, "Filter failure: LOT_SIZE"),
    "QUANTITY_TOO_LARGE": (-1013, "Filter failure: LOT_SIZE"),
    "NOTIONAL_TOO_SMALL": (-1013, "Filter failure: NOTIONAL"),
    "INSUFFICIENT_BALANCE": (-2010, "Account has insufficient balance for requested action."),
    "DISPLAY_QUANTITY_INVALID": (-1013, "Filter failure: ICEBERG_PARTS"),
    "STOP_WOULD_TRIGGER": (-2010, "Order would trigger immediately."),
    "NO_LIQUIDITY": (-2010, "Order book liquidity is less than `LOT_SIZE` filter minimum quantity."),
    "POST_ONLY_WOULD_TRADE": (-2010, "Order would immediately match and take."),
    "DUPLICATE_CLIENT_ORDER_ID": (-2010, "Duplicate order sent."),
    "UNKNOWN_SYMBOL": (-1121, "Invalid symbol."),
    "UNKNOWN_ACCOUNT": (-2015, "Invalid API-key, IP, or permissions for action."),
    "ORDER_NOT_FOUND": (-2013, "Order does not exist."),
    "ORDER_NOT_OPEN": (-2011, "Unknown order sent."),
}


def of_domain(error: DomainError) -> BinanceError:
    """What Binance would say where the venue says this."""
    known = _REFUSALS.get(error.reason)
    if known is not None:
        return BinanceError(*known)
    if error.reason == "RATE_LIMITED" and error.retry_after is not None:
        wait = {"Retry-After": str(ceil(error.retry_after.total_seconds()))}
        return BinanceError(-1003, "Too many requests queued.", HTTPStatus.TOO_MANY_REQUESTS, headers=wait)
    if error.reason == "VENUE_HALTED":
        return BinanceError(
            -1008,
            "Server is currently overloaded with other requests. Please try again in a few minutes.",
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
    return rejected(error.message)
