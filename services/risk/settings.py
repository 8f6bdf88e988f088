"""Settings of the risk service."""

from decimal import Decimal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RiskSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_RISK_``.

    The limits here are the first limits of an account that has none yet; later ones are set by
    UpdateLimits.

    Attributes:
        accounts: ids of the accounts that may trade.
        fee_rate: highest fee rate of a venue, as a fraction; a buy reserves its fee, too.
        max_order_notional: first limit, in quote asset.
        max_position_notional: first limit, in quote asset.
        max_gross_notional: first limit, in quote asset.
        price_collar: first limit, as a fraction.
        max_open_orders: first limit.
        valuation_asset: the asset that limits, exposure and equity are in, lower-case.
        price_age_seconds: how long one price of the market may be shared by checks.
        max_event_lag_seconds: how far risk may be behind the exchange's events; beyond it, it does not
            approve.
        cancel_retry_seconds: pause between two attempts to cancel what the kill switch could not yet.
        equity_interval_seconds: how often the equity of accounts with a limit on losses is looked at.
        keep_decisions_days: how long decisions, orders that ended without one, closed trades and expired
            locks are kept.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_RISK_", frozen=True)

    accounts: tuple[str, ...] = ("paper",)
    fee_rate: Decimal = Field(default=Decimal("0.002"), ge=0, lt=1)
    max_order_notional: Decimal = Field(default=Decimal(10_000), gt=0)
    max_position_notional: Decimal = Field(default=Decimal(50_000), gt=0)
    max_gross_notional: Decimal = Field(default=Decimal(80_000), gt=0)
    price_collar: Decimal = Field(default=Decimal("0.05"), gt=0)
    max_open_orders: int = Field(default=100, ge=0, le=10_000)
    valuation_asset: str = Field(default="usdt", pattern="^[a-z0-9]+$")
    price_age_seconds: float = Field(default=0.2, ge=0, le=5)
    max_event_lag_seconds: float = Field(default=30.0, gt=0)
    cancel_retry_seconds: float = Field(default=2.0, gt=0)
    equity_interval_seconds: float = Field(default=5.0, gt=0)
    keep_decisions_days: int = Field(default=30, ge=8)
