"""How Binance writes numbers, times, assets and ids."""

import re
from decimal import Decimal
from typing import Final
from uuid import UUID

_DECIMALS: Final = 8
_MS_NS: Final = 1_000_000
CLIENT_ID_RANGE: Final = "^[a-zA-Z0-9-_.:/]{1,36}$"
_CLIENT_ID: Final = re.compile(r"[a-zA-Z0-9\-_.:/]{1,36}")
NO_LIST: Final = -1
"""The order list id of an order that is in none."""


def amount(value: Decimal) -> str:
    """An amount with eight decimals, as in ``0.10000000``; with more where the value has more.

    Binance cuts fees to eight decimals; the venue's ledger is exact, and is shown exactly.
    """
    whole, _, fraction = format(value, "f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(_DECIMALS, '0')}"


ZERO: Final = amount(Decimal(0))


def milliseconds(time_ns: int) -> int:
    """Exchange time in milliseconds since the Unix epoch."""
    return time_ns // _MS_NS


def nanoseconds(time_ms: int) -> int:
    """Milliseconds as exchange time."""
    return time_ms * _MS_NS


def asset(currency: str) -> str:
    """A currency in Binance's spelling: ``usdt`` is ``USDT``."""
    return currency.upper()


def currency(name: str) -> str:
    """An asset in the venue's spelling: ``USDT`` is ``usdt``."""
    return name.lower()


def is_client_id(text: str) -> bool:
    """Whether an owner may give an order this id."""
    return _CLIENT_ID.fullmatch(text) is not None


def client_id_of(source: UUID) -> str:
    """The id of an order or a cancel that its owner gave none."""
    return source.hex
