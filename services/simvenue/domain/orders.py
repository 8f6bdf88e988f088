"""Orders, fills, transfers and balances of real accounts, as values."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from services.simvenue.domain.positions import Position
from services.simvenue.domain.terms import (
    CloseReason,
    Liquidity,
    OrderStatus,
    SelfTrade,
    Side,
    TimeInForce,
)


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """Takes the best prices; what finds none expires."""


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """Trades at its price or better.

    Attributes:
        price: worst price, in quote currency.
        time_in_force: how long it may rest.
        post_only: refused where any of it would trade at once; only where it may rest.
        expire_ns: exchange time at which it ends; with GTD, and only then.
        display: most of it that the book shows at a time, in base; only where it may rest. None
            shows all of it.
    """

    price: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    expire_ns: int | None = None
    display: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StopMarketTerms:
    """Becomes a market order when a trade comes to the trigger: up to it for a buy, down for a sell.

    Attributes:
        trigger: in quote currency.
        time_in_force: how long it may wait: GTC, GTD or DAY.
        expire_ns: exchange time at which it ends; with GTD, and only then.
    """

    trigger: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_ns: int | None = None


@dataclass(frozen=True, slots=True)
class StopLimitTerms:
    """Becomes a limit order when a trade comes to the trigger.

    Attributes:
        trigger: in quote currency.
        limit: what it becomes; its GTD or DAY counts for the waiting, too.
    """

    trigger: Decimal
    limit: LimitTerms


Terms = MarketTerms | LimitTerms | StopMarketTerms | StopLimitTerms


def working_terms(terms: Terms) -> MarketTerms | LimitTerms:
    """What the book is given: the terms themselves, or what a stop becomes."""
    match terms:
        case StopMarketTerms():
            return MarketTerms()
        case StopLimitTerms(_, limit):
            return limit
        case _:
            return terms


def trigger_of(terms: Terms) -> Decimal | None:
    """The price that sets a stop off; None for an order without one."""
    return terms.trigger if isinstance(terms, StopMarketTerms | StopLimitTerms) else None


def held_price(terms: Terms) -> Decimal | None:
    """The price at which money is held for a buy while it rests or waits; None where it does neither."""
    match terms:
        case LimitTerms(price):
            return price
        case StopLimitTerms(_, limit):
            return limit.price
        case StopMarketTerms(trigger):
            return trigger
        case MarketTerms():
            return None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What an owner asks for.

    Attributes:
        client_order_id: the owner's id of the order, never used before.
        symbol: instrument.
        side: which way.
        quantity: in base currency. Zero where ``quote_quantity`` is given, until the order is accepted.
        terms: kind of the order.
        quote_quantity: price times quantity to spend or to receive at most, in quote currency, fees
            left out; only of market orders. The quantity is worked out when the order is accepted.
        self_trade: what happens where it meets an order of the same account; None means what the
            account has as its default.
        reduce_only: whether it may only make a position of a perpetual smaller.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    terms: Terms
    quote_quantity: Decimal | None = None
    self_trade: SelfTrade | None = None
    reduce_only: bool = False


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
        expire_ns: exchange time at which it ends, if it does.
        trigger_ns: exchange time at which a stop went off; None before, and without a trigger.
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
    expire_ns: int | None = None
    trigger_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """One order's part in one trade.

    Attributes:
        trade_id: unique per account. Where an account trades with itself, the resting order's fill has
            an id of its own.
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
        profit: what it realised of a position, fees left out, in quote; zero for spot.
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
    profit: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has of one currency: ``free`` for new orders, ``locked`` by open ones."""

    currency: str
    free: Decimal
    locked: Decimal


class TransferKind(Enum):
    """Kind of a transfer."""

    DEPOSIT = auto()  # from outside the venue
    FUNDING = auto()  # between the holders of a perpetual
    INSURANCE = auto()  # between an account that was liquidated and the insurance fund


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that came into an account, or left it, other than by a trade.

    Attributes:
        transfer_id: unique at the venue; rises with time.
        account: where it came to.
        kind: kind of the transfer.
        currency: of the amount.
        amount: above zero came in, below zero went out.
        time_ns: exchange time.
        symbol: instrument of a payment of funding or of a liquidation; empty otherwise.
    """

    transfer_id: int
    account: str
    kind: TransferKind
    currency: str
    amount: Decimal
    time_ns: int
    symbol: str = ""


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
class PositionUpdate:
    """The new state of a position that changed."""

    position: Position


Body = ExecutionReport | BalanceUpdate | Transfer | PositionUpdate


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
    body: Body
