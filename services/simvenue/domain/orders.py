"""Orders, fills, transfers and balances of real accounts, as values."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from services.simvenue.domain.terms import CloseReason, Liquidity, OrderStatus, Side, TimeInForce


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """Takes the best prices; what finds none expires."""


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """Trades at its price or better.

    Attributes:
        price: worst price, in quote currency.
        time_in_force: how long it may rest.
        post_only: refused where any of it would trade at once; only with GTC.
    """

    price: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What an owner asks for.

    Attributes:
        client_order_id: the owner's id of the order, never used before.
        symbol: instrument.
        side: which way.
        quantity: in base currency.
        terms: kind of the order.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    terms: MarketTerms | LimitTerms


@dataclass(frozen=True, slots=True)
class Order:
    """An order that was accepted.

    Attributes:
        venue_order_id: the venue's id; rises with time.
        account: whose it is.
        request: what was asked for.
        status: state.
        close_reason: why it was closed before it was filled whole.
        filled: sum of the fills' quantities, in base.
        notional: sum of the fills' price times quantity, in quote.
        fees: sum of the fills' fees, in quote.
        create_ns: exchange time at which it was accepted.
        update_ns: exchange time of its last change.
    """

    venue_order_id: int
    account: str
    request: NewOrder
    status: OrderStatus
    close_reason: CloseReason | None
    filled: Decimal
    notional: Decimal
    fees: Decimal
    create_ns: int
    update_ns: int


@dataclass(frozen=True, slots=True)
class Fill:
    """One order's part in one trade.

    Attributes:
        trade_id: unique per account, since an account is never on both sides.
        venue_order_id: the venue's id of the order.
        client_order_id: the owner's id of the order.
        account: whose it is.
        symbol: instrument.
        side: side of the order.
        price: in quote.
        quantity: in base.
        fee: exact, in quote.
        fee_currency: the quote currency.
        liquidity: whether the order gave or took.
        time_ns: exchange time of the trade.
    """

    trade_id: int
    venue_order_id: int
    client_order_id: str
    account: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    time_ns: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has of one currency: ``free`` for new orders, ``locked`` by open ones."""

    currency: str
    free: Decimal
    locked: Decimal


class TransferKind(Enum):
    """Kind of a transfer."""

    DEPOSIT = auto()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that came into an account from outside the venue.

    Attributes:
        transfer_id: unique at the venue; rises with time.
        account: where it came to.
        kind: kind of the transfer.
        currency: of the amount.
        amount: above zero.
        time_ns: exchange time.
    """

    transfer_id: int
    account: str
    kind: TransferKind
    currency: str
    amount: Decimal
    time_ns: int


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """An order changed; ``fill`` is absent where it was accepted, cancelled or expired."""

    order: Order
    fill: Fill | None = None


@dataclass(frozen=True, slots=True)
class BalanceUpdate:
    """The new values of the balances that changed."""

    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """One thing that happened in an account.

    Attributes:
        account: where.
        sequence: gapless per account, from 1.
        time_ns: exchange time.
        body: what happened.
    """

    account: str
    sequence: int
    time_ns: int
    body: ExecutionReport | BalanceUpdate | Transfer
