"""One id that ties together everything that one cause sets in motion.

It enters with a call (or is made for a signal), goes along with every outgoing call, log line and
event, and is restored where an event is consumed.
"""

import random
from contextvars import ContextVar, Token

METADATA_KEY = "x-correlation-id"
REQUEST_ID_KEY = "x-request-id"
MAX_LENGTH = 128

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The id of what the present task works for; empty outside of any."""


def new_correlation_id() -> str:
    """A fresh id: 32 hexadecimal digits."""
    return f"{random.getrandbits(128):032x}"


class correlated:  # noqa: N801 - reads as the block it opens
    """Work inside the block under this id.

    Args:
        value: the id, as an event brought it; a fresh one is made where it is empty.
    """

    __slots__ = ("_token", "_value")

    _token: Token[str]

    def __init__(self, value: str) -> None:
        self._value = value

    def __enter__(self) -> None:
        self._token = correlation_id.set(self._value or new_correlation_id())

    def __exit__(self, *_: object) -> None:
        correlation_id.reset(self._token)
