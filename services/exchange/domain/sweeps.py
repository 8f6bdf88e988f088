"""Cancelling all open orders: which are meant, and what became of them."""

from dataclasses import dataclass

from services.exchange.domain.order import Order


@dataclass(frozen=True, slots=True)
class CancelFilter:
    """Which open orders of an account are to be cancelled; empty attributes take in all.

    Attributes:
        account: id of the account.
        venue: id of the venue.
        instrument: id of the instrument at the venue.
        strategy: id of the strategy.
    """

    account: str
    venue: str = ""
    instrument: str = ""
    strategy: str = ""

    def takes(self, order: Order) -> bool:
        """Whether an order is meant."""
        return (
            order.account == self.account
            and self.venue in {"", order.venue}
            and self.instrument in {"", order.instrument}
            and self.strategy in {"", order.strategy}
        )

    def fingerprint(self) -> str:
        """Equal for two filters that mean the same."""
        return f"cancel_all\n{self.account}\n{self.venue}\n{self.instrument}\n{self.strategy}"


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of the open orders.

    Attributes:
        orders: as they are now, oldest first.
        complete: whether each is final by its venue's word.
        unreachable: ids of the venues that did not answer.
    """

    orders: tuple[Order, ...]
    complete: bool
    unreachable: tuple[str, ...]
