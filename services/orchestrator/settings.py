"""Settings of the orchestrator service."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class OrchestratorSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_ORCHESTRATOR_``.

    Attributes:
        account: id of the account that is traded.
        start_trading: whether the very first start begins to trade; later starts keep the mode.
        max_signal_age: seconds after which a signal is not traded any more.
        retry_pause: seconds between two attempts where a service does not answer.
        keep_cycles_days: how long cycles are kept that are final.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_ORCHESTRATOR_", frozen=True)

    account: str = "paper"
    start_trading: bool = True
    max_signal_age: float = Field(default=30.0, gt=0)
    retry_pause: float = Field(default=0.5, gt=0)
    keep_cycles_days: float = Field(default=90.0, ge=1)
