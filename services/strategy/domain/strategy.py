"""A strategy as a resource: what it says, and when it may change."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Self

from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import InstrumentName, StrategyName
from services.strategy.domain.sma import SmaCross


class StrategyState(Enum):
    """Whether a strategy sends signals."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a strategy says.

    Attributes:
        instrument: the instrument it watches.
        candle_interval: length of the candles it reads, as in ``1m``.
        quantity: what each of its signals asks to trade, in base asset.
        rule: how it decides.
    """

    instrument: InstrumentName
    candle_interval: str
    quantity: Decimal
    rule: SmaCross


@dataclass(frozen=True, slots=True)
class Strategy:
    """A rule that turns the closed candles of one instrument into signals.

    Attributes:
        name: its name.
        definition: what it says.
        state: whether it sends signals.
        etag: another one after each change.
        create_time: when it was created.
        update_time: when it last changed.
    """

    name: StrategyName
    definition: Definition
    state: StrategyState
    etag: str
    create_time: datetime
    update_time: datetime

    def in_state(self, state: StrategyState, etag: str, now: datetime) -> Self:
        """The strategy enabled or disabled; itself where it is so already."""
        if state is self.state:
            return self
        return replace(self, state=state, etag=etag, update_time=now)

    def redefined(self, definition: Definition, etag: str, now: datetime) -> Self:
        """The strategy with another definition.

        Raises:
            DomainError: PRECONDITION with reason STRATEGY_ENABLED.
        """
        self.check_disabled()
        return replace(self, definition=definition, etag=etag, update_time=now)

    def check_disabled(self) -> None:
        """Hold it to be at rest.

        Raises:
            DomainError: PRECONDITION with reason STRATEGY_ENABLED.
        """
        if self.state is StrategyState.ENABLED:
            raise DomainError(
                "STRATEGY_ENABLED",
                f"{self.name} is enabled; disable it first",
                kind=ErrorKind.PRECONDITION,
                metadata={"strategy": str(self.name)},
                resource=self.name.resource,
            )

    def check_etag(self, etag: str) -> None:
        """Hold it to be the version that the caller has seen; an empty etag asks for nothing.

        Raises:
            DomainError: ABORTED with reason ETAG_MISMATCH.
        """
        if etag and etag != self.etag:
            raise DomainError(
                "ETAG_MISMATCH",
                f"{self.name} was changed by somebody else",
                kind=ErrorKind.ABORTED,
                metadata={"strategy": str(self.name)},
                resource=self.name.resource,
            )


def exists(name: StrategyName) -> DomainError:
    """The error that says that the name is taken."""
    return DomainError(
        "STRATEGY_EXISTS",
        f"{name} exists already",
        kind=ErrorKind.ALREADY_EXISTS,
        metadata={"strategy": str(name)},
        resource=name.resource,
    )
