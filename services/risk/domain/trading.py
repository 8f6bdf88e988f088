"""Whether an account may trade."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

EVERYBODY = "-"
"""In place of an account's id: all accounts together."""


class TradingMode(Enum):
    """Which new orders pass. Cancels always do."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


_STRICTEST = (TradingMode.HALTED, TradingMode.REDUCING, TradingMode.ACTIVE)


@dataclass(frozen=True, slots=True)
class TradingState:
    """The mode of an account.

    Attributes:
        mode: which new orders pass.
        reason: why, in the words of who changed it; empty where nobody did.
        update_time: when it last changed.
        changed_by: the service that called; empty where nobody did.
    """

    mode: TradingMode
    reason: str
    update_time: datetime
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class TradingChange:
    """One change of a mode.

    Attributes:
        account: id of the account, or :data:`EVERYBODY`.
        before: the mode it was.
        after: the mode since then, with who, why and when.
        correlation_id: of the call.
    """

    account: str
    before: TradingMode
    after: TradingState
    correlation_id: str


def stricter(own: TradingState, everybody: TradingState) -> TradingState:
    """What counts of an account's own mode and that of everybody."""
    return min(own, everybody, key=lambda state: _STRICTEST.index(state.mode))
