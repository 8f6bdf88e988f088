"""What the market says of an instrument's price, for the triggers that wait here."""

from collections.abc import AsyncGenerator
from typing import Protocol

from services.exchange.domain.triggers import Quote
from services.kernel.names import InstrumentName


class PricesLostError(Exception):
    """The prices of an instrument stopped. Orders that wait for them stay as they are."""


class Prices(Protocol):
    """Prices of the market, from outside this service."""

    async def quote(self, instrument: InstrumentName) -> Quote:
        """The prices now; what nobody knows now is None."""
        ...

    def watch(self, instrument: InstrumentName) -> AsyncGenerator[Quote, None]:
        """The prices now, then each change and each trade, in order. What did not change may be None.

        Raises:
            PricesLostError: they stopped; watch again.
        """
        ...
