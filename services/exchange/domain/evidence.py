"""What a venue says of an order, and what follows from it.

Evidence may come late, twice and in any order. So it never overwrites: fills are added up, a final
state stays, and only the sum of fills makes an order filled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from typing import Any, Final
from uuid import UUID, uuid5

from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.fills import Fill, Liquidity, fill_id
from services.exchange.domain.order import Order, OrderIntent, order_id_of
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import Terms
from services.kernel.decimals import EXACT

TIME_IN_FORCE: Final = "TIME_IN_FORCE"
"""Reason of an order whose time was up."""

_EXTERNAL: Final = UUID("c2b7c4f2-9a0e-5a43-8ee9-0c1d1c6f5a77")


class VenueStatus(StrEnum):
    """State of an order at its venue."""

    OPEN = "OPEN"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """A trade of an order, as the venue tells it.

    Attributes:
        venue_trade_id: the venue's id, unique in venue and account.
        client_order_id: the owner's id of the order; may be empty at a venue that does not repeat it.
        venue_order_id: the venue's id of the order.
        price: in quote asset.
        quantity: in base asset.
        fee: in ``fee_asset``.
        fee_asset: lower-case.
        liquidity: whether the order rested in the book.
        exchange_time: the venue's clock.
    """

    venue_trade_id: str
    client_order_id: str
    venue_order_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    exchange_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order, as the venue tells it.

    Attributes:
        client_order_id: the id its owner gave it.
        venue_order_id: the id the venue gave it.
        instrument: id of the instrument.
        assets: what it trades for what.
        side: buy or sell.
        quantity: asked for, in base asset.
        terms: the order kind.
        status: state at the venue.
        reason: why it expired; empty otherwise.
        fills: the trades this evidence brings; not always all there are.
        quote_quantity: asked for, in quote asset, where that was asked for; None otherwise.
        reduce_only: whether the venue lets it only make a position smaller.
        contract: what one unit stands for; None for spot.
        trigger_time: when the venue's own trigger went off; None before, and where it does not say.
    """

    client_order_id: str
    venue_order_id: str
    instrument: str
    assets: Assets
    side: Side
    quantity: Decimal
    terms: Terms
    status: VenueStatus
    reason: str = ""
    fills: tuple[VenueFill, ...] = ()
    quote_quantity: Decimal | None = None
    reduce_only: bool = False
    contract: Contract | None = None
    trigger_time: datetime | None = None

    @property
    def known_as(self) -> str:
        """The client order id that the order has with us; made of the venue's id where it has none."""
        return self.client_order_id or f"venue-{self.venue_order_id}"


def fill_of(order: Order, told: VenueFill, now: datetime) -> Fill:
    """The fill of an order that the venue tells of."""
    return Fill(
        fill_id=fill_id(order.venue, order.account, told.venue_trade_id),
        order_id=order.order_id,
        account=order.account,
        venue=order.venue,
        instrument=order.instrument,
        assets=order.assets,
        side=order.side,
        price=told.price,
        quantity=told.quantity,
        fee=told.fee,
        fee_asset=told.fee_asset,
        liquidity=told.liquidity,
        venue_trade_id=told.venue_trade_id,
        strategy=order.strategy,
        exchange_time=told.exchange_time,
        receive_time=now,
        correlation_id=order.correlation_id,
        contract=order.contract,
    )


def settle(order: Order, told: VenueOrder, fresh: Sequence[Fill], now: datetime) -> Order:
    """The order after the venue's evidence; the same object where it says nothing new.

    Args:
        order: as we know it.
        told: the venue's word.
        fresh: the fills that were not booked before.
        now: our clock.
    """
    filled = reduce(EXACT.add, (fill.quantity for fill in fresh), order.filled_quantity)
    notional = reduce(EXACT.add, (fill.notional for fill in fresh), order.filled_notional)
    state = _state_after(order, told, filled)
    changes: dict[str, Any] = {"filled_quantity": filled, "filled_notional": notional}
    fees = [fill.fee for fill in fresh if fill.fee_asset == order.assets.base and order.contract is None]
    changes["base_fees"] = reduce(EXACT.add, fees, order.base_fees)
    if not order.venue_order_id:
        changes["venue_order_id"] = told.venue_order_id
    if order.quote_quantity is not None:
        # Until its end the venue says what it expects; at its end, what it was.
        changes["quantity"] = filled if state is OrderState.FILLED else told.quantity or order.quantity
    if told.trigger_time is not None and order.trigger is not None and not order.trigger.gone_off:
        changes["trigger"] = replace(order.trigger, trigger_time=told.trigger_time)
    if state is not order.state:
        changes |= _reason_of_the_end(order, told, state)
    if state is order.state and all(getattr(order, name) == value for name, value in changes.items()):
        return order
    return order.moved(state, now, **changes)


def _reason_of_the_end(order: Order, told: VenueOrder, state: OrderState) -> dict[str, Any]:
    if order.state is OrderState.PENDING_CANCEL and order.reason:
        # Why the cancel was asked for: it holds where the order was cancelled, and for nothing else.
        return {"reason": "", "reason_message": ""} if state is OrderState.FILLED else {}
    if state is OrderState.EXPIRED:
        return {"reason": told.reason, "reason_message": "the venue's rules ended the order"}
    return {}


def _state_after(order: Order, told: VenueOrder, filled: Decimal) -> OrderState:
    # Only the sum of fills makes an order FILLED: the venue's word without the fills would let
    # FILLED stand beside a smaller sum. The fills come by themselves, or are asked for.
    if _whole(order, told, filled):
        return OrderState.FILLED
    if order.final:
        return order.state
    if told.status is VenueStatus.CANCELLED:
        # A cancel that we asked for since its time was up.
        ran_out = order.state is OrderState.PENDING_CANCEL and order.reason == TIME_IN_FORCE
        return OrderState.EXPIRED if ran_out else OrderState.CANCELLED
    if told.status is VenueStatus.EXPIRED:
        return OrderState.EXPIRED
    if order.state is OrderState.PENDING_CANCEL:
        return order.state
    return OrderState.PARTIALLY_FILLED if filled > 0 else OrderState.OPEN


def _whole(order: Order, told: VenueOrder, filled: Decimal) -> bool:
    if order.quote_quantity is None:
        return filled >= order.quantity
    # How much base asset it comes to is known at its end, by the venue's word.
    if order.state is OrderState.FILLED:
        return True
    return told.status is VenueStatus.FILLED and 0 < told.quantity <= filled


def adopted(venue: str, account: str, told: VenueOrder, correlation_id: str, now: datetime) -> Order:
    """An order that stands at the venue and not with us, made ours.

    Its id is a pure function of what the venue says, so that adopting it again makes no second one.
    """
    intent = OrderIntent(
        account=account,
        venue=venue,
        instrument=told.instrument,
        side=told.side,
        quantity=told.quantity,
        terms=told.terms,
        quote_quantity=told.quote_quantity,
        reduce_only=told.reduce_only,
    )
    ours = order_id_of(told.client_order_id)
    order_id = ours or uuid5(_EXTERNAL, f"{venue}\n{account}\n{told.venue_order_id}")
    return replace(
        Order.intended(intent, told.assets, order_id, correlation_id, now, contract=told.contract),
        # It was seen in the venue's book; its fills and its end follow as evidence.
        state=OrderState.OPEN,
        client_order_id=told.known_as,
        venue_order_id=told.venue_order_id,
        submit_time=now,
    )
