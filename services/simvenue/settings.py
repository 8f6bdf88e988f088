"""Settings of the simulated venue."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.simvenue.binance.keys import Ed25519Seal, HmacSeal, Seal
from services.simvenue.domain.liquidation import INSURANCE_FUND
from services.simvenue.fault_script import read_script
from services.simvenue.latency import LEGS, LatencyError, read_delay

Id = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Amount = Annotated[Decimal, Field(gt=0)]


ApiKeyText = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class BinanceKey(BaseModel):
    """What belongs to an API key of the Binance door.

    Attributes:
        account: whose key it is.
        secret: what its owner signs with, of an HMAC key.
        public_key: in PEM, of an Ed25519 key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Id
    secret: SecretStr | None = None
    public_key: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.secret is None) == (self.public_key is None):
            raise ValueError("a key has either a secret or a public_key")
        self.seal()
        return self

    def seal(self) -> Seal:
        """What knows its owner's signatures."""
        if self.public_key is not None:
            return Ed25519Seal.of_pem(self.public_key)
        return HmacSeal(self.secret.get_secret_value() if self.secret is not None else "")


class SimvenueSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_SIMVENUE_``.

    Attributes:
        venue: id of the venue in the mesh.
        recording: file or folder to replay; a synthetic market where it is absent.
        seed: of the synthetic market; the same seed makes the same market.
        queue_model: who leaves where a recorded level shrinks without a trade: the youngest
            (``risk_averse``), or all in proportion (``proportional``).
        speed: seconds of exchange time in a second of real time.
        recording_warmup_seconds: part of a recording that is played at once before the venue opens.
        synthetic_warmup_seconds: length of the past that a synthetic market begins with.
        accounts: deposits that an account gets when it is opened, once: JSON such as
            ``{"paper": {"usdt": "100000"}}``.
        perpetuals: whether linear perpetuals are listed beside spot.
        liquidation: whether an account whose perpetuals are not covered any more is liquidated.
        self_trade_prevention: what happens where orders of one account meet, by account: JSON such as
            ``{"paper": "expire_maker"}``; expire_taker where an account is not named.
        faults: fault script: a line such as ``seed=7 lost_ack=0.05``, or the path of a TOML file; none
            where it is empty.
        latency: how long orders and cancels are on their way, by leg: JSON such as
            ``{"place_request": "lognormal 0.005 0.4", "cancel_request": "constant 0.002"}``; the legs
            are request, matching and answer; a leg that is not named takes no time.
        latency_seed: of the times drawn.
        heartbeat_seconds: silence on a stream after which a heartbeat is sent.
        buffered_events: public events per instrument that a slow reader may be behind before it is
            given a fresh book.
        keep_ended_days: how long orders that ended are kept, with their fills and the events of their
            account, in days of our time at the venue's present speed; balances, positions and transfers
            stay.
        crowd: whether a synthetic market has its participants; without them only accounts trade.
        binance_port: port on loopback of the door that speaks Binance's spot API; 0 takes a free one,
            and without a value there is no such door.
        binance_keys: who may come in by that door: JSON such as
            ``{"my-key": {"account": "paper", "secret": "..."}}``, or with a ``public_key`` in PEM (Ed25519)
            in place of the secret.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_SIMVENUE_", frozen=True)

    venue: Id = "sim"
    recording: Path | None = None
    seed: int = 1
    queue_model: Literal["risk_averse", "proportional"] = "risk_averse"
    speed: Amount = Decimal(1)
    recording_warmup_seconds: float = Field(default=60, ge=0)
    synthetic_warmup_seconds: float = Field(default=900, ge=0)
    accounts: dict[Id, dict[Id, Amount]] = Field(
        default_factory=lambda: {"paper": {"usdt": Decimal(100_000)}}
    )
    perpetuals: bool = False
    liquidation: bool = False
    self_trade_prevention: dict[Id, Literal["expire_taker", "expire_maker", "expire_both", "none"]] = Field(
        default_factory=dict
    )
    faults: str = ""
    latency: dict[str, str] = Field(default_factory=dict)
    latency_seed: int = 1
    heartbeat_seconds: float = Field(default=2.0, gt=0)
    buffered_events: int = Field(default=5_000, ge=1)
    keep_ended_days: float = Field(default=30.0, ge=8)
    crowd: bool = True
    binance_port: int | None = Field(default=None, ge=0, le=65535)
    binance_keys: dict[ApiKeyText, BinanceKey] = Field(default_factory=dict)

    @field_validator("accounts")
    @classmethod
    def _nobodys_fund(cls, accounts: dict[str, dict[str, Decimal]]) -> dict[str, dict[str, Decimal]]:
        if INSURANCE_FUND in accounts:
            raise ValueError(f"{INSURANCE_FUND} is the venue's own account")
        return accounts

    @field_validator("faults")
    @classmethod
    def _known_faults(cls, text: str) -> str:
        read_script(text)
        return text

    @field_validator("latency")
    @classmethod
    def _known_latency(cls, legs: dict[str, str]) -> dict[str, str]:
        for name, text in legs.items():
            if name not in LEGS:
                raise LatencyError(f"there is no leg {name}; known are {', '.join(LEGS)}")
            read_delay(text)
        return legs
