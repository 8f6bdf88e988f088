"""One real account: its balances with what orders hold of them, its orders, its numbered events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from services.kernel.decimals import EXACT, render
from services.kernel.errors import DomainError, ErrorKind, Resource
from services.simvenue.domain.orders import (
    AccountEvent,
    Balance,
    Body,
    Fill,
    Order,
)
from services.simvenue.domain.positions import Position
from services.simvenue.domain.terms import Side

_ZERO = Decimal(0)


@dataclass(slots=True)
class _Purse:
    free: Decimal = _ZERO
    locked: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class AccountState:
    """Everything an account consists of, as it is stored.

    Attributes:
        account: its id.
        sequence: of its last event.
        balances: one per currency it ever had.
        orders: open and closed.
        fills: of all orders, by trade id.
        positions: of perpetuals it ever traded.
    """

    account: str
    sequence: int = 0
    balances: tuple[Balance, ...] = ()
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: tuple[Position, ...] = ()


@dataclass(slots=True)
class _Dossier:
    order: Order
    fills: list[Fill] = field(default_factory=list)


class Account:
    """One real account.

    Args:
        number: how the book knows it; above zero.
        state: what is known of it.
    """

    def __init__(self, number: int, state: AccountState) -> None:
        self.number = number
        self.name = state.account
        self.sequence = state.sequence
        self._purses = {entry.currency: _Purse(entry.free, entry.locked) for entry in state.balances}
        self._changed: set[str] = set()
        self._dossiers: dict[int, _Dossier] = {}
        self._client_ids: dict[str, int] = {}
        self._open: dict[int, None] = {}
        self.reducing: dict[int, None] = {}
        """Open orders that are reduce-only, oldest first."""
        self.positions = {each.symbol: each for each in state.positions}
        for order in sorted(state.orders, key=lambda order: order.venue_order_id):
            self.put(order)
        for fill in state.fills:
            self._dossiers[fill.venue_order_id].fills.append(fill)

    def put(self, order: Order) -> None:
        """Keep an order, new or changed."""
        dossier = self._dossiers.get(order.venue_order_id)
        if dossier is None:
            self._dossiers[order.venue_order_id] = _Dossier(order)
            self._client_ids[order.request.client_order_id] = order.venue_order_id
        else:
            dossier.order = order
        if order.status.is_open:
            self._open[order.venue_order_id] = None
            if order.request.reduce_only:
                self.reducing[order.venue_order_id] = None
        else:
            self._open.pop(order.venue_order_id, None)
            self.reducing.pop(order.venue_order_id, None)

    def add_fill(self, fill: Fill) -> None:
        """Keep a fill of an order."""
        self._dossiers[fill.venue_order_id].fills.append(fill)

    def order(self, venue_order_id: int) -> Order:
        """An order that is known to exist."""
        return self._dossiers[venue_order_id].order

    def is_open(self, venue_order_id: int) -> bool:
        """Whether an order is open; one that was forgotten is not."""
        return venue_order_id in self._open

    def find(self, order_id: str | int) -> Order:
        """An order by its owner's id (text) or the venue's (number).

        Raises:
            DomainError: NOT_FOUND, ORDER_NOT_FOUND.
        """
        venue_order_id = self._client_ids.get(order_id) if isinstance(order_id, str) else order_id
        dossier = self._dossiers.get(venue_order_id) if venue_order_id is not None else None
        if dossier is None:
            raise order_not_found(self.name, order_id)
        return dossier.order

    def fills(self, venue_order_id: int) -> tuple[Fill, ...]:
        """All fills of an order, oldest first."""
        return tuple(self._dossiers[venue_order_id].fills)

    def orders(self) -> list[Order]:
        """All orders, open and closed, by venue order id."""
        return [self._dossiers[venue_order_id].order for venue_order_id in sorted(self._dossiers)]

    def ended_before(self, time_ns: int, most: int) -> list[int]:
        """The oldest orders that ended before a time, up to so many of them."""
        found: list[int] = []
        for venue_order_id, dossier in self._dossiers.items():
            if len(found) == most or dossier.order.create_ns >= time_ns:
                break
            if not dossier.order.status.is_open and dossier.order.update_ns < time_ns:
                found.append(venue_order_id)
        return found

    def forget(self, venue_order_ids: Iterable[int]) -> None:
        """Know these ended orders and their fills no more; their owner's ids are unused again."""
        for venue_order_id in venue_order_ids:
            dossier = self._dossiers.pop(venue_order_id)
            self._client_ids.pop(dossier.order.request.client_order_id, None)

    def open_orders(self) -> list[Order]:
        """All orders in the book, by venue order id."""
        return [self._dossiers[venue_order_id].order for venue_order_id in sorted(self._open)]

    def closable(self, symbol: str, side: Side) -> Decimal:
        """How many contracts of a perpetual an order of this side can close."""
        position = self.positions.get(symbol)
        return _ZERO if position is None else position.closable(side)

    def refuse_known(self, client_order_id: str) -> None:
        """Refuse an id that an order has already.

        Raises:
            DomainError: ALREADY_EXISTS, DUPLICATE_CLIENT_ORDER_ID.
        """
        if client_order_id in self._client_ids:
            raise DomainError(
                "DUPLICATE_CLIENT_ORDER_ID",
                f"account {self.name} has an order {client_order_id} already",
                kind=ErrorKind.ALREADY_EXISTS,
                metadata={"clientOrderId": client_order_id},
            )

    def free(self, currency: str) -> Decimal:
        """What new orders may use of a currency."""
        return self._purses[currency].free if currency in self._purses else _ZERO

    def total(self, currency: str) -> Decimal:
        """All it has of a currency, free and locked."""
        purse = self._purses.get(currency)
        return _ZERO if purse is None else EXACT.add(purse.free, purse.locked)

    def require(self, currency: str, amount: Decimal) -> None:
        """Check that this much is free.

        Raises:
            DomainError: PRECONDITION, INSUFFICIENT_BALANCE.
        """
        free = self.free(currency)
        if free < amount:
            raise DomainError(
                "INSUFFICIENT_BALANCE",
                f"needs {render(amount)} {currency}, {render(free)} is free",
                kind=ErrorKind.PRECONDITION,
                metadata={"currency": currency, "required": render(amount), "free": render(free)},
            )

    def add(self, currency: str, amount: Decimal) -> None:
        """Put money in, or take it out of what is free where the amount is below zero."""
        purse = self._purse(currency)
        purse.free = EXACT.add(purse.free, amount)
        self._changed.add(currency)

    def lock(self, currency: str, amount: Decimal) -> None:
        """Let an order hold money; give it back where the amount is below zero."""
        purse = self._purse(currency)
        purse.free = EXACT.subtract(purse.free, amount)
        purse.locked = EXACT.add(purse.locked, amount)
        self._changed.add(currency)

    def balances(self) -> tuple[Balance, ...]:
        """What the account has, by currency."""
        return tuple(self._balance(currency) for currency in sorted(self._purses))

    def event(self, time_ns: int, body: Body) -> AccountEvent:
        """Number something that happened."""
        self.sequence += 1
        return AccountEvent(self.name, self.sequence, time_ns, body)

    def take_changes(self) -> tuple[Balance, ...]:
        """The balances that changed since the last call."""
        changed = tuple(self._balance(currency) for currency in sorted(self._changed))
        self._changed.clear()
        return changed

    def _purse(self, currency: str) -> _Purse:
        return self._purses.setdefault(currency, _Purse())

    def _balance(self, currency: str) -> Balance:
        purse = self._purses[currency]
        return Balance(currency, purse.free, purse.locked)


def order_not_found(account: str, order_id: str | int) -> DomainError:
    """The error that says that an account has no such order."""
    return DomainError(
        "ORDER_NOT_FOUND",
        f"account {account} has no order {order_id}",
        kind=ErrorKind.NOT_FOUND,
        resource=Resource("simvenue.trademesh/Order", f"{account}/{order_id}"),
    )
