"""Settings of the strategy service."""

from decimal import Decimal
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class StrategySettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_STRATEGY_``.

    Attributes:
        default_id: id of the strategy that a new database begins with; empty for none.
        default_instrument: its instrument.
        default_interval: length of its candles.
        default_fast_period: candles in its fast average.
        default_slow_period: candles in its slow average.
        default_quantity: what each of its signals asks to trade, in base asset.
        max_signal_age_seconds: how far, in exchange time, a candle may be behind the market's newest
            and still make a signal. Older ones only move the averages: what was missed while the
            service was down is not traded after the fact.
        clock_reset_grace_seconds: seconds for which the venue's clock must stand behind the last
            processed candle before the strategy begins anew. Keep it above the market service's
            ``stale_after_seconds``.
        lease_seconds: how long a runner's lease lasts without being renewed (PostgreSQL).
        poll_seconds: seconds between two looks at strategies and leases.
        stream_heartbeat_seconds: longest silence of a WatchSignals stream.
        keep_signals_days: how long signals are kept; 7 at least.
        keep_events_days: how long events are kept for the services that follow them; 7 at least.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_STRATEGY_", frozen=True)

    default_id: str = "sma-cross"
    default_instrument: str = "venues/sim/instruments/btc-usdt"
    default_interval: Literal["1s", "1m", "5m", "15m", "1h"] = "1s"
    default_fast_period: int = Field(default=5, ge=1, le=500)
    default_slow_period: int = Field(default=20, ge=2, le=1000)
    default_quantity: Decimal = Field(default=Decimal("0.01"), gt=0)
    max_signal_age_seconds: float = Field(default=30.0, ge=0)
    clock_reset_grace_seconds: float = Field(default=6.0, gt=0)
    lease_seconds: float = Field(default=10.0, gt=1)
    poll_seconds: float = Field(default=1.0, gt=0)
    stream_heartbeat_seconds: float = Field(default=5.0, gt=0, le=10)
    keep_signals_days: float = Field(default=90.0, ge=7)
    keep_events_days: float = Field(default=30.0, ge=7)
