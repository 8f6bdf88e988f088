"""What Prometheus sees of orders that belong together, and of those that wait here."""

from typing import Final

from prometheus_client import Counter, Gauge

UNPROTECTED: Final = Gauge(
    "trademesh_exchange_unprotected_entries",
    "Entries of which more is filled than protecting orders are at work for.",
    ["account"],
)
HELD: Final = Gauge("trademesh_exchange_held_orders", "Orders held here for a trigger.", ["instrument"])
SILENCE: Final = Gauge(
    "trademesh_exchange_price_silence_seconds",
    "Time since the last price of an instrument that orders wait for.",
    ["instrument"],
)
LOSSES: Final = Counter(
    "trademesh_exchange_price_losses_total", "Subscriptions of prices that broke.", ["instrument"]
)
GONE_OFF: Final = Counter("trademesh_exchange_triggers_total", "Triggers that went off here.", ["kind"])
