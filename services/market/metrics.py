"""What the market service measures of its feeds and its subscribers."""

from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_HANDLING_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)


class MarketMetrics:
    """``trademesh_market_*``.

    The time between the venue's clock and ours is not among them: the simulated venue's clock runs
    at a speed of its own, so the difference means nothing. How long a feed has been silent, and how
    long an event takes from its arrival until every subscriber has it queued, mean the same always.

    Args:
        registry: where the metrics are registered.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._silence = Gauge(
            "trademesh_market_feed_silence_seconds",
            "Time since the feed's last event.",
            ["venue"],
            registry=registry,
        )
        self.events = Counter(
            "trademesh_market_feed_events_total",
            "Events from the feed.",
            ["venue", "kind"],
            registry=registry,
        )
        self.handling = Histogram(
            "trademesh_market_feed_handling_seconds",
            "Time from an event's arrival until every subscriber has it queued.",
            ["venue"],
            buckets=_HANDLING_BUCKETS,
            registry=registry,
        )
        self.resyncs = Counter(
            "trademesh_market_resyncs_total",
            "Whole books taken over after the first one.",
            ["venue"],
            registry=registry,
        )
        self.reconnects = Counter(
            "trademesh_market_feed_losses_total", "Connections lost.", ["venue", "cause"], registry=registry
        )
        self.subscribers = Gauge(
            "trademesh_market_subscribers", "Open WatchMarket streams.", registry=registry
        )
        self.slow_consumers = Counter(
            "trademesh_market_slow_consumers_total",
            "WatchMarket streams ended because the caller read too slowly.",
            registry=registry,
        )

    def watch_silence(self, venue: str, seconds: Callable[[], float]) -> None:
        """Measure a feed's silence whenever the metrics are read."""
        self._silence.labels(venue).set_function(seconds)
