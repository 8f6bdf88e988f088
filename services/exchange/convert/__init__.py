"""Between the contract's messages and the domain's values, both ways."""

from services.exchange.convert.facts import (
    balance_to_proto,
    fill_of,
    fill_to_proto,
    transfer_of,
    transfer_to_proto,
)
from services.exchange.convert.orders import (
    asked_for,
    change_of,
    contingency_of,
    intent_of,
    order_id_of,
    order_list_name,
    order_of,
    order_to_proto,
    request_id_of,
    states_of,
)
from services.exchange.convert.sweeps import (
    cancel_filter_of,
    swept_of,
    swept_to_proto,
)
from services.exchange.convert.terms import (
    contract_to_proto,
    invalid,
    liquidity_of,
    optional_amount,
    optional_contract,
    side_of,
    side_to_proto,
    terms_of,
    time_in_force_of,
    time_in_force_to_proto,
    write_terms,
)
from services.exchange.convert.views import (
    frame_to_proto,
    kind_support_to_proto,
    venue_to_proto,
)

__all__ = [
    "asked_for",
    "balance_to_proto",
    "cancel_filter_of",
    "change_of",
    "contingency_of",
    "contract_to_proto",
    "fill_of",
    "fill_to_proto",
    "frame_to_proto",
    "intent_of",
    "invalid",
    "kind_support_to_proto",
    "liquidity_of",
    "optional_amount",
    "optional_contract",
    "order_id_of",
    "order_list_name",
    "order_of",
    "order_to_proto",
    "request_id_of",
    "side_of",
    "side_to_proto",
    "states_of",
    "swept_of",
    "swept_to_proto",
    "terms_of",
    "time_in_force_of",
    "time_in_force_to_proto",
    "transfer_of",
    "transfer_to_proto",
    "venue_to_proto",
    "write_terms",
]
