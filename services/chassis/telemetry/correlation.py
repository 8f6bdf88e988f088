"""One id that ties together everything that one cause sets in motion.

It enters with a call (or is made for a signal), goes along with every outgoing call, log line and
event, and is restored where an event is consumed.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

METADATA_KEY = "x-correlation-id"
REQUEST_ID_KEY = "x-request-id"
MAX_LENGTH = 128

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The id of what the present task works for; empty outside of any."""


def new_correlation_id() -> str:
    """A fresh id: 32 hexadecimal digits."""
    return f"{random.getrandbits(128):032x}"


@contextmanager
def correlated(value: str) -> Iterator[None]:
    """Work inside the block under this id.

    Args:
        value: the id, as an event brought it; a fresh one is made where it is empty.
    """
    token = correlation_id.set(value or new_correlation_id())
    try:
        yield
    finally:
        correlation_id.reset(token)
