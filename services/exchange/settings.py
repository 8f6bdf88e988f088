"""Settings of the exchange service."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.exchange.domain.breaker import BreakerRules
from services.exchange.domain.budgets import Budget, CallKind
from services.exchange.handlers.timing import Timing
from services.exchange.protection.guarded import Protection
from services.exchange.venues.ccxt_settings import CcxtSettings

Id = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Seconds = Annotated[float, Field(gt=0)]
_LEAST_KEEP_DAYS = 7


class BudgetSettings(BaseModel):
    """One rate limit of a venue.

    Attributes:
        name: what is counted, as in ``weight``.
        window_seconds: length of its window.
        limit: what the venue allows in a window.
        reserve: how much of that is kept for cancels and questions about orders.
        default_weight: what a call counts whose kind is not in ``weights``.
        weights: what a call of a kind counts, as in ``{"place": 1, "open_orders": 6}``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Id
    window_seconds: int = Field(gt=0)
    limit: int = Field(gt=0)
    reserve: int = Field(default=0, ge=0)
    default_weight: int = Field(default=1, ge=0)
    weights: dict[CallKind, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keepable(self) -> Self:
        self.budget()
        return self

    def budget(self) -> Budget:
        """The limit as the domain knows it."""
        return Budget(
            name=self.name,
            window_seconds=self.window_seconds,
            limit=self.limit,
            reserve=self.reserve,
            default_weight=self.default_weight,
            weights=self.weights,
        )


class VenueSettings(BaseModel):
    """One venue.

    Attributes:
        name: its id in the mesh.
        adapter: how it is spoken to; ``simvenue`` is the mesh's simulated venue, ``ccxt`` a real exchange.
        ccxt: with the adapter ``ccxt``: which exchange, which instruments, and where the keys are.
        display_name: for a person.
        simulated: whether no real money moves there.
        sandbox: whether it is the sandbox of a venue, where no real money moves either.
        live: lets orders leave although real money moves there. Without it every order for such a
            venue is refused with LIVE_TRADING_OFF.
        rate_budgets: its rate limits; those that its adapter knows where it is absent.
        breaker_failures: calls in a row without an answer that open the circuit breaker.
        breaker_first_pause: bound of the first pause of an open breaker, in seconds; it doubles with
            each attempt that fails.
        breaker_longest_pause: bound of all pauses of an open breaker, in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Id
    adapter: Literal["simvenue", "ccxt"] = "simvenue"
    ccxt: CcxtSettings | None = None
    display_name: str = ""
    simulated: bool = True
    sandbox: bool = False
    live: bool = False
    rate_budgets: tuple[BudgetSettings, ...] | None = None
    breaker_failures: int = Field(default=5, ge=1)
    breaker_first_pause: Seconds = 0.5
    breaker_longest_pause: Seconds = 10.0

    @model_validator(mode="after")
    def _meant(self) -> Self:
        """Refuse what cannot be meant, above all real money without a word about it."""
        if (self.ccxt is not None) != (self.adapter == "ccxt"):
            raise ValueError(f"venue {self.name}: the adapter ccxt and its part of the settings go together")
        if self.ccxt is not None and self.simulated and self.ccxt.real_money(sandbox=self.sandbox):
            raise ValueError(
                f"real money moves at venue {self.name}: set sandbox, or simulated to false and live to true"
            )
        return self

    def protection(self) -> Protection:
        """How it is protected."""
        budgets = None if self.rate_budgets is None else [each.budget() for each in self.rate_budgets]
        return Protection(
            budgets,
            BreakerRules(self.breaker_failures, self.breaker_first_pause, self.breaker_longest_pause),
            sandbox=self.sandbox,
            live=self.live,
        )


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
        risk_timeout: longest wait for risk, in seconds.
        send_timeout: longest wait for a venue's answer to an order or a cancel, in seconds.
        reconcile_interval: seconds between two full comparisons with a venue.
        lease: seconds a writer's lease runs without being renewed; where the writer dies, mutations
            wait about so long for the next one, so keep it well below their deadline.
        stale_after: seconds after which an order that could not be sent, since we were down, is not
            sent any more.
        recovery_patience: seconds the start waits for a venue before it serves without it.
        keep_requests_days: how long a request_id is remembered; 7 at least.
        keep_events_days: how long events are kept for the services that follow them, and for cursors of
            WatchOrders; 7 at least.
    """

    model_config = SettingsConfigDict(env_prefix="TRADEMESH_EXCHANGE_", frozen=True)

    venues: tuple[VenueSettings, ...] = (VenueSettings(name="sim", display_name="Simulated venue"),)
    accounts: tuple[AccountSettings, ...] = (AccountSettings(name="paper", venues=("sim",)),)
    risk_timeout: Seconds = 2.0
    send_timeout: Seconds = 4.0
    reconcile_interval: Seconds = 30.0
    lease: Seconds = 4.0
    stale_after: Seconds = 60.0
    recovery_patience: Seconds = 30.0
    keep_requests_days: float = Field(default=8.0, ge=_LEAST_KEEP_DAYS)
    keep_events_days: float = Field(default=30.0, ge=_LEAST_KEEP_DAYS)

    @model_validator(mode="after")
    def _meant(self) -> Self:
        """Refuse what cannot be meant."""
        names = [venue.name for venue in self.venues]
        if len(set(names)) != len(names):
            raise ValueError("two venues have one name")
        accounts = [account.name for account in self.accounts]
        if len(set(accounts)) != len(accounts):
            raise ValueError("two accounts have one name")
        for account in self.accounts:
            if unknown := set(account.venues) - set(names):
                raise ValueError(f"account {account.name} trades at unknown venues: {sorted(unknown)}")
        for venue in self.venues:
            budgets = [budget.name for budget in venue.rate_budgets or ()]
            if len(set(budgets)) != len(budgets):
                raise ValueError(f"two rate budgets of venue {venue.name} have one name")
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
