"""What an account holds of contracts, as a venue says."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.exchange.domain.assets import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePosition:
    """What an account holds of one instrument at one venue. Spot has balances, and no positions.

    Attributes:
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument at the venue.
        quantity: number of contracts; below zero is short.
        contract: what one of them stands for.
        receive_time: our clock when the venue said so.
        entry_price: average price of the entry, in quote asset; None where the venue does not say.
        mark_price: the venue's mark price, in quote asset; None where it does not say.
        liquidation_price: where the venue would close it, in quote asset; None where there is none.
        unrealized_pnl: profit at the mark price, in settle asset; None where it does not say.
        margin: held for it, in settle asset; None where it does not say.
    """

    account: str
    venue: str
    instrument: str
    quantity: Decimal
    contract: Contract | None
    receive_time: datetime
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    liquidation_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    margin: Decimal | None = None
