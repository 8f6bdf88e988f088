"""Locks: what must not be opened for a while."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.risk.domain.order import OrderTerms


@dataclass(frozen=True, slots=True)
class Lock:
    """Keeps new positions out until it expires.

    Attributes:
        lock_id: its id.
        account: id of the account.
        instrument: full name of the only instrument it is for; empty for all.
        strategy: id of the only strategy it is for; empty for all.
        source: what made it, as in ``cooldown``.
        reason: one sentence with the numbers.
        create_time: when it was made.
        expire_time: when it ends.
    """

    lock_id: str
    account: str
    instrument: str
    strategy: str
    source: str
    reason: str
    create_time: datetime
    expire_time: datetime

    def holds(self, order: OrderTerms) -> bool:
        """Whether it is for an order like this."""
        return self.instrument in {"", str(order.instrument)} and self.strategy in {"", order.strategy}


def standing(locks: Collection[Lock], order: OrderTerms) -> Lock | None:
    """The lock against an order that lasts longest."""
    against = [lock for lock in locks if lock.holds(order)]
    return max(against, key=lambda lock: lock.expire_time, default=None)
