"""Settings of the exchange service."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.exchange.handlers.timing import Timing

Id = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Seconds = Annotated[float, Field(gt=0)]
_LEAST_KEEP_DAYS = 7


class VenueSettings(BaseModel):
    """One venue.

    Attributes:
        name: its id in the mesh.
        adapter: how it is spoken to; ``simvenue`` is the mesh's simulated venue.
        display_name: for a person.
        simulated: whether no real money moves there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Id
    adapter: Literal["simvenue"] = "simvenue"
    display_name: str = ""
    simulated: bool = True


class AccountSettings(BaseModel):
    """One account.

    Attributes:
        name: its id.
        venues: where it trades.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Id
    venues: tuple[Id, ...] = Field(min_length=1)


class ExchangeSettings(BaseSettings):
    """Environment variables with the prefix ``TRADEMESH_EXCHANGE_``; lists as JSON.

    Attributes:
        venues: the venues.
        accounts: the accounts, each at some of the venues.
        live_trading: without it a venue where real money moves is refused.
        risk_timeout: longest wait for risk, in seconds.
        send_timeout: longest wait for a venue's answer to an order or a cancel, in seconds.
        reconcile_interval: seconds between two full comparisons with a venue.
        lease: seconds a writer's lease runs without being renewed; where the writer dies, mutations
            wait about so long for the next one, so keep it well below their deadline.
        stale_after: seconds after which an order that could not be sent, since we were down, is not
            sent any more.
        recovery_patience: seconds the start waits for a venue before it serves without it.
        keep_requests_days: how long a request_id is remembered; 7 at least.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_EXCHANGE_", frozen=True)

    venues: tuple[VenueSettings, ...] = (VenueSettings(name="sim", display_name="Simulated venue"),)
    accounts: tuple[AccountSettings, ...] = (AccountSettings(name="paper", venues=("sim",)),)
    live_trading: bool = False
    risk_timeout: Seconds = 2.0
    send_timeout: Seconds = 4.0
    reconcile_interval: Seconds = 30.0
    lease: Seconds = 4.0
    stale_after: Seconds = 60.0
    recovery_patience: Seconds = 30.0
    keep_requests_days: float = Field(default=8.0, ge=_LEAST_KEEP_DAYS)

    @model_validator(mode="after")
    def _meant(self) -> Self:
        """Refuse what cannot be meant, above all real money without a word about it."""
        names = [venue.name for venue in self.venues]
        if len(set(names)) != len(names):
            raise ValueError("two venues have one name")
        accounts = [account.name for account in self.accounts]
        if len(set(accounts)) != len(accounts):
            raise ValueError("two accounts have one name")
        for account in self.accounts:
            if unknown := set(account.venues) - set(names):
                raise ValueError(f"account {account.name} trades at unknown venues: {sorted(unknown)}")
        live = [venue.name for venue in self.venues if not venue.simulated]
        if live and not self.live_trading:
            raise ValueError(f"venues {live} are not simulated: set TRADEMESH_EXCHANGE_LIVE_TRADING=true")
        if any(venue.adapter == "simvenue" for venue in self.venues if not venue.simulated):
            raise ValueError("the adapter simvenue trades at a simulated venue only")
        return self

    def timing(self) -> Timing:
        """The bounds that the use cases keep."""
        return Timing(
            risk=self.risk_timeout,
            send=self.send_timeout,
            quiet=self.send_timeout * 1.5,
            reconcile=self.reconcile_interval,
            lease=self.lease,
            stale=self.stale_after,
            recovery=self.recovery_patience,
            keep_requests=self.keep_requests_days * 24 * 3600,
        )
