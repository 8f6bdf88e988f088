"""Time and identity as the domain sees them: injected, so that a run can be repeated."""

from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, UTC."""
        ...


class IdSource(Protocol):
    """Makes identifiers."""

    def new(self) -> UUID:
        """A fresh identifier; no two are equal."""
        ...
