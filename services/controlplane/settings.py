"""What the environment tells the control plane beside the chassis' settings."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ControlPlaneSettings(BaseSettings):
    """Settings of the control plane: environment variables with the prefix ``TRADEMESH_CONTROLPLANE_``.

    Attributes:
        registry: service registry to read instead of the installed one.
        grace: seconds that instances are kept after an outage of Consul, while they report again.
            Longer than a check's TTL, so that a service that lives has surely reported.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_CONTROLPLANE_", frozen=True, extra="ignore")

    registry: Path | None = None
    grace: float = Field(default=30.0, ge=0)
