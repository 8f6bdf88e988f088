"""What the venue needs from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.simvenue.domain.account import AccountState
from services.simvenue.domain.orders import AccountEvent, Fill, Transfer


@dataclass(frozen=True, slots=True)
class Marks:
    """Bounds of what may be used before the next bounds are on disk.

    A venue that starts again goes on from them, so that no time and no id comes twice.

    Attributes:
        time_ns: exchange time.
        trade_id: trade ids.
        order_id: venue order ids.
        transfer_id: transfer ids.
    """

    time_ns: int
    trade_id: int
    order_id: int
    transfer_id: int


@dataclass(frozen=True, slots=True)
class StoredVenue:
    """What a venue finds when it starts.

    Attributes:
        marks: of the run before; None on the first run.
        accounts: all real accounts.
        run: how many runs there were before; 0 on the first run.
    """

    marks: Marks | None
    accounts: Sequence[AccountState]
    run: int = 0


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An account event as it is sent and stored."""

    account: str
    sequence: int
    payload: bytes


class VenueFencedError(Exception):
    """Another process has taken the ledger over; this one must stop."""


class Ledger(Protocol):
    """Keeps what real accounts have, asked for and got."""

    async def claim(self) -> StoredVenue:
        """Take the ledger over from any other process, and read it."""
        ...

    async def save(
        self, facts: Sequence[AccountEvent], events: Sequence[EncodedEvent], marks: Marks | None
    ) -> None:
        """Make facts durable, all or none.

        Args:
            facts: what happened, in order.
            events: the same, as it is sent.
            marks: new bounds, if they move.

        Raises:
            VenueFencedError: another process has taken the ledger over.
        """
        ...

    async def fills(self, account: str, after_trade_id: int, limit: int) -> Sequence[Fill]:
        """Fills of an account, by trade id."""
        ...

    async def transfers(self, account: str, after_transfer_id: int, limit: int) -> Sequence[Transfer]:
        """Transfers of an account, by transfer id."""
        ...

    async def events(self, account: str, after_sequence: int, limit: int) -> Sequence[EncodedEvent]:
        """Events of an account, by sequence."""
        ...

    async def first_event(self, account: str) -> int:
        """Sequence of an account's oldest event that is kept; 0 where it has none."""
        ...

    async def forget(self, account: str, orders: Sequence[int], before_ns: int, events: int) -> None:
        """Remove what is old, all or nothing.

        Args:
            account: whose.
            orders: venue ids of orders that ended.
            before_ns: fills older than this go, where their order is not kept.
            events: events up to this sequence go.

        Raises:
            VenueFencedError: another process has taken the ledger over.
        """
        ...
