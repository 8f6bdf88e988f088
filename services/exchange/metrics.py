"""What Prometheus sees of orders that belong together."""

from typing import Final

from prometheus_client import Gauge

UNPROTECTED: Final = Gauge(
    "trademesh_exchange_unprotected_entries",
    "Entries of which more is filled than protecting orders are at work for.",
    ["account"],
)
