"""What the venue counts."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter


class SimvenueMetrics:
    """Counters of the simulated venue.

    Args:
        registry: where they are shown.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.faults = Counter(
            "trademesh_simvenue_faults_total",
            "Faults that the fault script made, by kind.",
            ["kind"],
            registry=registry,
        )
