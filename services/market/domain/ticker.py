"""The top of an instrument's market."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.kernel.names import InstrumentName
from services.market.domain.book import Level


@dataclass(frozen=True, slots=True)
class Ticker:
    """Best prices and last trade.

    Attributes:
        instrument: whose market it is.
        bid: best bid; None while nobody bids.
        ask: best ask; None while nobody asks.
        last_price: price of the last trade, in quote asset; None before the first.
        last_quantity: quantity of the last trade, in base asset; None before the first.
        exchange_time: the venue's clock at the change it shows.
        receive_time: our clock when that change arrived.
    """

    instrument: InstrumentName
    bid: Level | None
    ask: Level | None
    last_price: Decimal | None
    last_quantity: Decimal | None
    exchange_time: datetime
    receive_time: datetime
