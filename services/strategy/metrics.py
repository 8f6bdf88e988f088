"""What the strategy service measures."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge


class StrategyMetrics:
    """``trademesh_strategy_*``.

    Args:
        registry: where the metrics are registered.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.candles = Counter(
            "trademesh_strategy_candles_total", "Closed candles processed.", ["strategy"], registry=registry
        )
        self.signals = Counter(
            "trademesh_strategy_signals_total", "Signals sent.", ["strategy", "side"], registry=registry
        )
        self.late_signals = Counter(
            "trademesh_strategy_late_signals_total",
            "Crossings too far behind the market to become signals.",
            ["strategy"],
            registry=registry,
        )
        self.runners = Gauge("trademesh_strategy_runners", "Strategies that run here.", registry=registry)
