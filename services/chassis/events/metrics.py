"""What Prometheus sees of the event logs."""

from prometheus_client import Counter, Gauge

OUTBOX_STREAMS = Gauge("trademesh_outbox_streams", "Consumers that follow this service's event log.")
POSITION = Gauge(
    "trademesh_subscription_position", "Newest sequence applied from a source's event log.", ["source"]
)
LAG = Gauge(
    "trademesh_subscription_lag", "Events of a source that are known and not applied yet.", ["source"]
)
FAILURES = Counter(
    "trademesh_subscription_apply_failures", "Attempts to apply an event that failed.", ["source"]
)
STATE = Gauge(
    "trademesh_subscription_state",
    "1 for the state a subscription is in (connecting, streaming, blocked, halted), 0 for the others.",
    ["source", "state"],
)
