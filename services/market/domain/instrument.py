"""What can be traded on a venue, and by which rules."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from services.kernel.names import InstrumentName


class InstrumentState(Enum):
    """Whether a venue takes orders for an instrument."""

    UNKNOWN = auto()
    TRADING = auto()
    HALTED = auto()


@dataclass(frozen=True, slots=True)
class Instrument:
    """A tradable pair on one venue.

    Attributes:
        name: its name in the mesh.
        venue_symbol: the venue's own symbol, as in ``BTCUSDT``.
        base_asset: the asset bought and sold, lower-case.
        quote_asset: the asset that prices are in, lower-case.
        tick_size: smallest price step, in quote asset.
        lot_size: smallest quantity step, in base asset.
        min_quantity: least quantity of an order, in base asset.
        max_quantity: greatest quantity of an order, in base asset.
        min_notional: least price times quantity of an order, in quote asset.
        state: whether orders are taken now.
    """

    name: InstrumentName
    venue_symbol: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    state: InstrumentState
