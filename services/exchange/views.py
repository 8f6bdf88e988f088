"""What callers see beyond orders and fills: venues, and the frames of WatchOrders."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.exchange.domain.capabilities import KindSupport
from services.exchange.domain.fills import Fill
from services.exchange.domain.order import Handling, Order
from services.exchange.domain.preview import Estimate


class Contact(StrEnum):
    """Whether a venue answers."""

    UNSPECIFIED = "UNSPECIFIED"
    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"
    THROTTLED = "THROTTLED"
    TRIPPED = "TRIPPED"


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How much of a rate limit is used.

    Attributes:
        name: what is counted.
        window_seconds: length of its window.
        limit: what the venue allows in a window.
        reserve: what is kept of that for cancels and questions about orders.
        used: in the present window, as far as this instance knows.
    """

    name: str
    window_seconds: int
    limit: int
    reserve: int
    used: int


@dataclass(frozen=True, slots=True)
class VenueCondition:
    """What the protection of a venue knows of it.

    Attributes:
        contact: THROTTLED, TRIPPED, or UNSPECIFIED where it has nothing against calls.
        retry_time: until when no call is made; None where calls are made.
        message: why, for a person.
        budgets: its rate limits.
        live: whether real money moves there, switched on by a setting.
        last_contact: when it last answered; None: never.
        latency: smoothed time of its answers, in seconds; None: it gave none yet.
    """

    contact: Contact
    retry_time: datetime | None
    message: str
    budgets: tuple[BudgetUse, ...]
    live: bool
    last_contact: datetime | None
    latency: float | None


@dataclass(frozen=True, slots=True)
class VenueView:
    """A venue as callers see it.

    Attributes:
        venue: id.
        display_name: for a person.
        simulated: whether no real money moves there.
        contact: whether it answers.
        last_contact: when it last answered; None: never.
        capabilities: what orders may ask for there, by kind.
        retry_time: until when no call is made; None where calls are made.
        message: why, for a person.
        budgets: its rate limits.
        live: whether real money moves there, switched on by a setting.
    """

    venue: str
    display_name: str
    simulated: bool
    contact: Contact
    last_contact: datetime | None
    capabilities: tuple[KindSupport, ...] = ()
    retry_time: datetime | None = None
    message: str = ""
    budgets: tuple[BudgetUse, ...] = ()
    live: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do.

    Attributes:
        reason: why it would not be sent; empty where it would.
        message: the reason for a person.
        handling: where it would be worked; None where it would not.
        estimate: price, fee and liquidity; None where the order cannot be judged at all.
        required: what would be set aside, in ``required_asset``; None where nothing would, or nobody
            can say.
        required_asset: lower-case; empty where nothing would be set aside.
    """

    reason: str = ""
    message: str = ""
    handling: Handling | None = None
    estimate: Estimate | None = None
    required: Decimal | None = None
    required_asset: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """The stream is alive.

    Attributes:
        moment: our clock.
    """

    moment: datetime


@dataclass(frozen=True, slots=True)
class End:
    """The stream ends here.

    Attributes:
        reason: SERVER_DRAINING or SLOW_CONSUMER.
        message: for a person.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        event: what happened.
        cursor: resumes after this frame; empty where it cannot.
    """

    event: Order | Fill | Beat | End
    cursor: str = ""
