"""Settings of the market service."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.market.feeds.ccxt_feed import CcxtFeedSettings


class MarketSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_MARKET_``.

    Attributes:
        feeds: real venues whose market data is read through ccxt.
        stale_after_seconds: age of the feed's last event above which GetTicker and GetOrderBook
            answer MARKET_DATA_STALE, and the self test fails.
        history_candles: past candles of each interval that are read from the venue at the start.
        kept_candles: closed candles of each interval that are kept.
        kept_trades: trades of each instrument that are kept.
        feed_silence_seconds: silence after which a feed's connection counts as dead.
        stream_queue: trades and candles that wait for a slow caller of WatchMarket.
        stream_heartbeat_seconds: longest silence of a WatchMarket stream.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_MARKET_", frozen=True)

    feeds: tuple[CcxtFeedSettings, ...] = ()
    stale_after_seconds: float = Field(default=5.0, gt=0)
    history_candles: int = Field(default=1000, ge=1, le=100_000)
    kept_candles: int = Field(default=3600, ge=1000)
    kept_trades: int = Field(default=5000, ge=1000)
    feed_silence_seconds: float = Field(default=30.0, gt=0)
    stream_queue: int = Field(default=10_000, ge=1)
    stream_heartbeat_seconds: float = Field(default=5.0, gt=0, le=10)

    @model_validator(mode="after")
    def _meant(self) -> Self:
        """Refuse two feeds of one name, and one that is called as the simulated venue."""
        names = [each.name for each in self.feeds]
        if len({"sim", *names}) <= len(names):
            raise ValueError("two feeds have one name, or one has that of the simulated venue")
        return self

    @property
    def stale_after(self) -> timedelta:
        """As a duration."""
        return timedelta(seconds=self.stale_after_seconds)
