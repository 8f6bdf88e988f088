"""What a discovery request turned out to be."""

from enum import Enum, auto
from typing import Final

WILDCARD: Final = "*"
"""Name that subscribes to every resource of a type."""


class Outcome(Enum):
    """What a discovery request turned out to be."""

    SUBSCRIBED = auto()  # a first request, or a change of the subscription alone
    ACKED = auto()  # the latest response was accepted
    NACKED = auto()  # the latest response was rejected; the client keeps what it had
    STALE = auto()  # it answers an older response and says nothing of the latest
