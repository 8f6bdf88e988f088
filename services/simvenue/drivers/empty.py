"""A market without a crowd: only real accounts trade."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from services.simvenue.domain.market import Market
from services.simvenue.drivers.driver import Source, TimedActions

_NEVER_NS: Final = 100 * 365 * 86_400 * 1_000_000_000


class EmptyDriver:
    """Makes nothing happen."""

    @property
    def source(self) -> Source:
        """A synthetic market, of nobody."""
        return Source.SYNTHETIC

    def begin_ns(self) -> None:
        """Any time will do."""

    async def actions(self, begin_ns: int, markets: Mapping[str, Market]) -> AsyncIterator[TimedActions]:
        """One step a century away, which does nothing: a market has a next step, always."""
        while True:
            begin_ns += _NEVER_NS
            yield TimedActions(begin_ns, next(iter(markets)), ())
