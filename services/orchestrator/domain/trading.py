"""Whether signals become orders."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class TradingMode(Enum):
    """Whether signals become orders."""

    RUNNING = "running"
    STOPPED = "stopped"
    EMERGENCY_STOPPED = "emergency_stopped"


@dataclass(frozen=True, slots=True)
class Trading:
    """The mode, and why.

    Attributes:
        mode: the mode.
        reason: in the words of who changed it.
        update_time: when it last changed.
    """

    mode: TradingMode
    reason: str
    update_time: datetime
