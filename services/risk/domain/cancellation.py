"""The intent to cancel all open orders, kept until the venue has confirmed it."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Cancellation:
    """One intent to cancel all open orders of an account, or of all accounts.

    Attributes:
        cancellation_id: the id of the request that asked for it.
        account: id of the account, or that of all.
        create_time: when it was asked for.
        update_time: when the exchange last said something of it.
        confirmed: whether every order is final, by the venue's own word.
        ended: whether it is not wanted any more, since trading was resumed.
        open_orders: full names of the orders that were not final when the exchange was last asked.
        unreachable_venues: full names of the venues that did not answer then.
    """

    cancellation_id: str
    account: str
    create_time: datetime
    update_time: datetime
    confirmed: bool = False
    ended: bool = False
    open_orders: tuple[str, ...] = ()
    unreachable_venues: tuple[str, ...] = ()

    @property
    def wanted(self) -> bool:
        """Whether there is still something to do."""
        return not self.confirmed and not self.ended

    def answered(self, outcome: "CancelOutcome", now: datetime) -> "Cancellation":
        """After the exchange was asked. What was confirmed, or ended meanwhile, stays so."""
        if not self.wanted:
            return self
        return replace(
            self,
            confirmed=outcome.complete,
            open_orders=outcome.open_orders,
            unreachable_venues=outcome.unreachable_venues,
            update_time=now,
        )


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """What the exchange said of all open orders.

    Attributes:
        complete: whether every one is final by the venue's own word.
        open_orders: full names of those that are not.
        unreachable_venues: full names of venues that did not answer.
    """

    complete: bool
    open_orders: tuple[str, ...] = ()
    unreachable_venues: tuple[str, ...] = ()

    def and_also(self, other: "CancelOutcome") -> "CancelOutcome":
        """Both together."""
        venues = sorted({*self.unreachable_venues, *other.unreachable_venues})
        return CancelOutcome(
            self.complete and other.complete, (*self.open_orders, *other.open_orders), tuple(venues)
        )
