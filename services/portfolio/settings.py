"""Settings of the portfolio service."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class PortfolioSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_PORTFOLIO_``.

    Attributes:
        valuation_asset: the asset that an account's worth is told in, lower-case.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_PORTFOLIO_", frozen=True)

    valuation_asset: str = "usdt"
