"""What the use cases of the market service need from outside."""

from collections.abc import AsyncGenerator
from typing import Protocol

from services.market.domain.feed_events import FeedEvent


class FeedLostError(Exception):
    """The feed's connection broke, or the venue said something that makes no sense."""


class Feed(Protocol):
    """Market data of one venue."""

    @property
    def venue(self) -> str:
        """Id of the venue, as in ``sim``."""
        ...

    def connect(self) -> AsyncGenerator[FeedEvent, None]:
        """Open the feed and tell what happens.

        ``InstrumentsListed`` comes first, then ``Resynced`` of each instrument before anything else
        of it. What happened since the last connection of this object is told again only as far as it
        was not told. It never ends by itself.

        Raises:
            FeedLostError: the connection broke or the feed went silent; connect again.
        """
        ...
