"""Settings of the simulated venue."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Id = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Amount = Annotated[Decimal, Field(gt=0)]


class SimvenueSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_SIMVENUE_``.

    Attributes:
        venue: id of the venue in the mesh.
        recording: file or folder to replay; a synthetic market where it is absent.
        seed: of the synthetic market; the same seed makes the same market.
        speed: seconds of exchange time in a second of real time.
        recording_warmup_seconds: part of a recording that is played at once before the venue opens.
        synthetic_warmup_seconds: length of the past that a synthetic market begins with.
        accounts: deposits that an account gets when it is opened, once: JSON such as
            ``{"paper": {"usdt": "100000"}}``.
        self_trade_prevention: what happens where orders of one account meet, by account: JSON such as
            ``{"paper": "expire_maker"}``; expire_taker where an account is not named.
        heartbeat_seconds: silence on a stream after which a heartbeat is sent.
        buffered_events: public events per instrument that a slow reader may be behind before it is
            given a fresh book.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_SIMVENUE_", frozen=True)

    venue: Id = "sim"
    recording: Path | None = None
    seed: int = 1
    speed: Amount = Decimal(1)
    recording_warmup_seconds: float = Field(default=60, ge=0)
    synthetic_warmup_seconds: float = Field(default=900, ge=0)
    accounts: dict[Id, dict[Id, Amount]] = Field(
        default_factory=lambda: {"paper": {"usdt": Decimal(100_000)}}
    )
    self_trade_prevention: dict[Id, Literal["expire_taker", "expire_maker", "expire_both", "none"]] = Field(
        default_factory=dict
    )
    heartbeat_seconds: float = Field(default=2.0, gt=0)
    buffered_events: int = Field(default=5_000, ge=1)
