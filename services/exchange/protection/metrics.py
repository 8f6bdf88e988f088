"""What Prometheus sees of the venues."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

CALLS: Final = Counter(
    "trademesh_venue_calls",
    "Calls to a venue by what they are for and how they ended (answered, failed, not_made).",
    ["venue", "call", "outcome"],
)
SECONDS: Final = Histogram(
    "trademesh_venue_call_seconds",
    "Time that a venue took to answer.",
    ["venue", "call"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STATE: Final = Gauge(
    "trademesh_venue_state",
    "1 for the state a venue is in (CONNECTED, DISCONNECTED, THROTTLED, TRIPPED), 0 for the others.",
    ["venue", "state"],
)
TRIPS: Final = Counter(
    "trademesh_venue_breaker_trips", "How often a venue's circuit breaker opened.", ["venue"]
)
PAUSES: Final = Counter(
    "trademesh_venue_pauses",
    "How often a venue asked for a pause (429) or banned us (418).",
    ["venue", "kind"],
)
USED: Final = Gauge(
    "trademesh_venue_rate_used",
    "Units used of a venue's rate limit, all instances together.",
    ["venue", "budget"],
)
LIMIT: Final = Gauge("trademesh_venue_rate_limit", "Units a venue allows in a window.", ["venue", "budget"])
LAST_CONTACT: Final = Gauge(
    "trademesh_venue_last_contact_seconds", "When a venue last answered, in seconds since 1970.", ["venue"]
)
