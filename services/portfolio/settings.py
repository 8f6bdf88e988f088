"""Settings of the portfolio service."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.portfolio.domain.lots import LotMethod


class PortfolioSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_PORTFOLIO_``.

    Attributes:
        valuation_asset: the asset that an account's worth is told in, lower-case.
        lot_method: which tax lot a closing takes from first, of accounts that were not set to another:
            ``fifo``, ``lifo`` or ``hifo``.
        equity_interval_seconds: longest time between two points of an account's equity curve.
        keep_equity_days: how long points of the equity curve are kept. Nothing else is ever removed.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_PORTFOLIO_", frozen=True)

    valuation_asset: str = "usdt"
    lot_method: LotMethod = LotMethod.FIFO
    equity_interval_seconds: float = Field(default=60, ge=1)
    keep_equity_days: float = Field(default=400.0, ge=1)
