"""Between the contract's messages and the domain's values, both ways."""

from services.simvenue.convert.faults import script_from_proto, script_to_proto, struck_to_proto
from services.simvenue.convert.market import (
    book_to_proto,
    candle_to_proto,
    candles_to_proto,
    instrument_to_proto,
    interval_from_proto,
    market_frame_to_proto,
    speed_to_proto,
    trade_to_proto,
    venue_to_proto,
)
from services.simvenue.convert.orders import (
    account_event_to_proto,
    account_frame_to_proto,
    balance_to_proto,
    encode_account_event,
    fill_to_proto,
    holdings_to_proto,
    new_order_from_proto,
    order_id_from_proto,
    order_to_proto,
    order_with_fills_to_proto,
    tells_fill,
    transfer_to_proto,
    valued_position_to_proto,
)
from services.simvenue.convert.words import (
    time_from,
    time_to,
)

__all__ = [
    "account_event_to_proto",
    "account_frame_to_proto",
    "balance_to_proto",
    "book_to_proto",
    "candle_to_proto",
    "candles_to_proto",
    "encode_account_event",
    "fill_to_proto",
    "holdings_to_proto",
    "instrument_to_proto",
    "interval_from_proto",
    "market_frame_to_proto",
    "new_order_from_proto",
    "order_id_from_proto",
    "order_to_proto",
    "order_with_fills_to_proto",
    "script_from_proto",
    "script_to_proto",
    "speed_to_proto",
    "struck_to_proto",
    "tells_fill",
    "time_from",
    "time_to",
    "trade_to_proto",
    "transfer_to_proto",
    "valued_position_to_proto",
    "venue_to_proto",
]
