"""What the use cases need from outside."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol, TypedDict

from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState
from services.risk.domain.cancellation import Cancellation, CancelOutcome
from services.risk.domain.checks import Check
from services.risk.domain.equity import Day
from services.risk.domain.limits import InstrumentLimit, Limits
from services.risk.domain.locks import Lock
from services.risk.domain.order import OrderTerms
from services.risk.domain.protections import Protections
from services.risk.domain.question import Market, Recent
from services.risk.domain.reservation import Holding, Reservation
from services.risk.domain.traded import Traded
from services.risk.domain.trades import ClosedTrade, OpenTrade
from services.risk.domain.trading import TradingChange, TradingState


class LimitsChange(TypedDict, total=False):
    """New values of the limits that change."""

    max_order_notional: Decimal | None
    max_position_notional: Decimal | None
    max_gross_notional: Decimal | None
    price_collar: Decimal
    max_open_orders: int
    max_venue_notional: Decimal | None
    max_net_notional: Decimal | None
    instruments: Mapping[InstrumentName, InstrumentLimit]
    max_concentration: Decimal | None
    max_leverage: Decimal | None
    max_daily_loss: Decimal | None
    max_daily_drawdown: Decimal | None
    max_order_rate: int
    order_rate_window: timedelta
    duplicate_window: timedelta
    initial_margin: Decimal


@dataclass(frozen=True, slots=True)
class Decision:
    """What was said of one order.

    Attributes:
        checks: in the order they ran; all but perhaps the last have passed.
        reservation: what was set aside; None where the order was not approved or only asked about.
        limits_version: version of the limits it was checked against.
        decide_time: when.
        inputs: the numbers it was made of, by name.
    """

    checks: tuple[Check, ...]
    reservation: Reservation | None
    limits_version: int
    decide_time: datetime
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def approved(self) -> bool:
        """Whether the order may leave."""
        return not self.checks or self.checks[-1].passed


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision and what it was about.

    Attributes:
        order_id: id of the order.
        order: the order.
        decision: what was said of it.
        correlation_id: of the call.
    """

    order_id: str
    order: OrderTerms
    decision: Decision
    correlation_id: str


@dataclass(frozen=True, slots=True)
class KnownOrders:
    """What is known of some order ids.

    Attributes:
        decided: the decisions that there are, by order id.
        ended: those that ended without one.
    """

    decided: Mapping[str, StoredDecision]
    ended: Collection[str]


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """All that risk knows of an account at one moment.

    Attributes:
        account: its id.
        limits: None for an account that nobody opened here.
        trading: its own mode.
        everybody: the mode of all accounts together.
        state: holdings, positions and reservations.
        day: how its day goes; None before it was ever looked at.
        locks: those stored; some may have expired.
        protections: the rules that make locks.
    """

    account: str
    limits: Limits | None
    trading: TradingState
    everybody: TradingState
    state: AccountState
    day: Day | None
    locks: tuple[Lock, ...] = ()
    protections: Protections = field(default_factory=Protections)

    def after(self, state: AccountState) -> "AccountFacts":
        """With another state; the rest as it was."""
        return AccountFacts(
            self.account,
            self.limits,
            self.trading,
            self.everybody,
            state,
            self.day,
            self.locks,
            self.protections,
        )


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions are wanted.

    Attributes:
        account: id of the account.
        denied_only: only those that did not approve.
        instrument: full name of the only instrument; empty for all.
        start_time: only those at this time or later; None for all.
        end_time: only those before this time; None for all.
    """

    account: str
    denied_only: bool = False
    instrument: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None


class RiskReader(Protocol):
    """One snapshot of what risk knows."""

    async def facts(self, account: str) -> AccountFacts:
        """All about an account; empty for one that nobody knows."""
        ...

    async def accounts(self) -> Sequence[str]:
        """Ids of the accounts that have limits."""
        ...

    async def trading(self, account: str) -> TradingState:
        """Mode of an account, or of all together."""
        ...

    async def trading_changes(
        self, account: str, after: tuple[str, ...] | None, size: int
    ) -> Sequence[tuple[str, TradingChange]]:
        """Changes of a mode, newest first, each with its id; those after an id, at most so many."""
        ...

    async def cancellation(self, cancellation_id: str) -> Cancellation | None:
        """One intent to cancel."""
        ...

    async def newest_cancellation(self, account: str) -> Cancellation | None:
        """The newest intent to cancel of an account, or of all together."""
        ...

    async def wanted_cancellations(self) -> Sequence[Cancellation]:
        """The intents that are neither confirmed nor ended, oldest first."""
        ...

    async def decision(self, order_id: str) -> StoredDecision | None:
        """The decision on an order, if there is one."""
        ...

    async def decisions(
        self, wanted: DecisionFilter, after: tuple[str, ...] | None, size: int
    ) -> Sequence[StoredDecision]:
        """Decisions, newest first.

        Args:
            wanted: which.
            after: time and order id of the last one already seen.
            size: most of them.
        """
        ...

    async def open_trade(self, account: str, traded: Traded, strategy: str) -> OpenTrade | None:
        """The trade of a strategy in an instrument that goes on."""
        ...

    async def closed_trades(self, account: str, since: datetime) -> Sequence[ClosedTrade]:
        """Trades of an account that closed at that time or later, oldest first."""
        ...

    async def recent(self, order: OrderTerms, limits: Limits, now: datetime) -> Recent:
        """What the account did shortly before, as far as the limits ask."""
        ...


class RiskWriter(RiskReader, Protocol):
    """What risk knows, inside one write transaction; what is put is written at once."""

    async def put_limits(self, account: str, limits: Limits) -> None:
        """Store a version of the limits of an account."""
        ...

    async def put_trading(self, change_id: str, change: TradingChange) -> None:
        """Store the mode of an account, with the change in its history."""
        ...

    async def put_cancellation(self, cancellation: Cancellation) -> None:
        """Store an intent to cancel."""
        ...

    async def end_cancellations(self, account: str) -> None:
        """Want no intent of an account any more."""
        ...

    async def put_protections(self, account: str, protections: Protections) -> None:
        """Store a version of the protections of an account."""
        ...

    async def put_lock(self, lock: Lock) -> None:
        """Store a lock; one that is there already stays."""
        ...

    async def delete_lock(self, account: str, lock_id: str) -> bool:
        """Remove a lock; whether it was there."""
        ...

    async def forget(self, before: datetime, size: int) -> int:
        """Remove decisions, orders that ended without one, trades and locks that are older than that.

        The decision on an order that something is set aside for stays.

        Returns:
            How many decisions and ended orders were removed, at most ``size`` of an account and in all.
        """
        ...


class RiskBook(RiskWriter, Protocol):
    """What accounts hold and set aside, inside one write transaction; written when it ends."""

    async def known_orders(self, order_ids: Collection[str]) -> KnownOrders:
        """What is known of order ids."""
        ...

    async def put_decisions(self, facts: AccountFacts, made: Sequence[StoredDecision]) -> None:
        """Store decisions on orders of one account, with their reservations.

        Args:
            facts: the account after them.
            made: the decisions, in their order.
        """
        ...

    async def put_day(self, account: str, day: Day) -> None:
        """Store how an account's day goes."""
        ...

    async def reserve(self, reservation: Reservation) -> None:
        """Set aside for an order that nothing is set aside for."""
        ...

    async def report(
        self, account: str, order_id: str, filled: Decimal, *, ended: bool, now: datetime
    ) -> None:
        """Take in how much of an order is filled and whether it is final. Final is for good."""
        ...

    async def add_holdings(self, account: str, changes: Mapping[Holding, Decimal]) -> None:
        """Change what an account holds."""
        ...

    async def add_flow(self, account: str, today: date, held: Holding, change: Decimal) -> None:
        """Note what came in or went out today."""
        ...

    async def add_position(self, account: str, traded: Traded, change: Decimal, price: Decimal) -> None:
        """Change what an account has traded of an instrument."""
        ...

    async def put_open_trade(
        self, account: str, traded: Traded, strategy: str, trade: OpenTrade | None
    ) -> None:
        """Store the trade that goes on, or that none does."""
        ...

    async def add_closed_trade(self, trade: ClosedTrade) -> None:
        """Store a trade that is over."""
        ...


class RiskStore(Protocol):
    """Where risk keeps what it knows."""

    def known(self, account: str) -> AccountFacts | None:
        """What was known last, without asking the database; None where nothing is remembered."""
        ...

    def read(self) -> AbstractAsyncContextManager[RiskReader]:
        """Open a snapshot."""
        ...

    def write(self) -> AbstractAsyncContextManager[RiskBook]:
        """Open a write transaction; it commits at the end of the block."""
        ...


class MarketData(Protocol):
    """What the market service knows."""

    async def look(
        self,
        instruments: Collection[InstrumentName],
        assets: Collection[Holding],
    ) -> Market:
        """Rules and fresh prices of instruments, and what assets are worth. What is not known is left out.

        Args:
            instruments: what to look at; the assets that their prices are in are valued, too.
            assets: what to value, each with a venue where it is traded.
        """
        ...


class Exchange(Protocol):
    """What the exchange service does for risk."""

    async def cancel_all(self, account: str, request_id: str, within: float) -> CancelOutcome:
        """Cancel every open order of an account.

        Args:
            account: its id.
            request_id: of this attempt.
            within: longest wait, in seconds.

        Raises:
            DomainError: UPSTREAM_UNAVAILABLE where the exchange does not say how it ended.
        """
        ...


class History(Protocol):
    """Past prices of the market service."""

    async def closes(
        self, instrument: InstrumentName, interval: str, count: int
    ) -> Mapping[datetime, Decimal]:
        """Closing prices of the latest closed candles, by the time each began; none where it is silent."""
        ...


class ExchangeEvents(Protocol):
    """How far the exchange's events have been applied."""

    def ready(self) -> bool:
        """Whether what is stored is new enough to decide on."""
        ...
