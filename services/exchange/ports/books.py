"""The order books of the market, for previews."""

from typing import Protocol

from services.exchange.domain.preview import Book
from services.kernel.names import InstrumentName


class Books(Protocol):
    """Order books as the market service tells them."""

    async def book(self, instrument: InstrumentName, within: float) -> Book | None:
        """The book as it stands; None where the market has none now, or does not answer."""
        ...


class NoBooks:
    """``Books`` where there is no market service."""

    async def book(self, instrument: InstrumentName, within: float) -> Book | None:
        """None."""
        del instrument, within
        return None
