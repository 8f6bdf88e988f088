"""The real clock."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the time of the machine."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, UTC."""
        return datetime.now(tz=UTC)
