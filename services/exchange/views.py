"""What callers see beyond orders and fills: venues, and the frames of WatchOrders."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.exchange.domain.capabilities import KindSupport
from services.exchange.domain.fills import Fill
from services.exchange.domain.order import Order


class Contact(StrEnum):
    """Whether a venue answers."""

    UNSPECIFIED = "UNSPECIFIED"
    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"


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
    """

    venue: str
    display_name: str
    simulated: bool
    contact: Contact
    last_contact: datetime | None
    capabilities: tuple[KindSupport, ...] = ()


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
