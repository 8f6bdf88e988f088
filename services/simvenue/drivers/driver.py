"""The one interface of everything that moves the market."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from services.simvenue.domain.market import CrowdAction, Market


class Source(Enum):
    """What moves the market."""

    SYNTHETIC = auto()
    RECORDING = auto()


@dataclass(frozen=True, slots=True)
class TimedActions:
    """What the crowd does in one market at one moment, as one step.

    Attributes:
        time_ns: exchange time; never before the time of the actions before.
        symbol: the market.
        actions: in order.
    """

    time_ns: int
    symbol: str
    actions: Sequence[CrowdAction]


class MarketDriver(Protocol):
    """Makes the crowd's actions, for ever."""

    @property
    def source(self) -> Source:
        """What kind of driver this is."""
        ...

    def begin_ns(self) -> int | None:
        """The exchange time this market begins at by its own nature; None where any will do."""
        ...

    def actions(self, begin_ns: int, markets: Mapping[str, Market]) -> AsyncIterator[TimedActions]:
        """The crowd's actions from an exchange time on, in the order of time, without an end.

        Args:
            begin_ns: exchange time of the beginning.
            markets: the markets as they are when an action is made; only to look at.
        """
        ...
