"""Orders and intents: between the contract's messages and the domain's values, both ways."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from trademesh.exchange.v1 import exchange_service_pb2, order_pb2

from services.chassis.rpc.timestamps import optional_datetime, to_datetime, to_timestamp
from services.exchange.convert.terms import (
    contract_to_proto,
    optional_amount,
    optional_contract,
    side_of,
    side_to_proto,
    status_of,
    status_to_proto,
    terms_of,
    write_terms,
)
from services.exchange.domain.assets import Assets
from services.exchange.domain.change import Change
from services.exchange.domain.links import NO_LINKS, Contingency, Links
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.states import OrderState
from services.kernel.decimals import parse, render
from services.kernel.names import AccountName, InstrumentName, OrderName, StrategyName

_NOTHING: Final = Decimal(0)
_STATES: Final[Mapping[OrderState, order_pb2.OrderState]] = {
    each: getattr(order_pb2, f"ORDER_STATE_{each}") for each in OrderState
}
_STATES_BACK: Final[Mapping[int, OrderState]] = {value: key for key, value in _STATES.items()}
_HANDLINGS: Final[Mapping[Handling, order_pb2.OrderHandling]] = {
    each: getattr(order_pb2, f"ORDER_HANDLING_{each}") for each in Handling
}
_HANDLINGS_BACK: Final[Mapping[int, Handling]] = {value: key for key, value in _HANDLINGS.items()}
_CONTINGENCIES: Final = {
    Contingency.NONE: order_pb2.CONTINGENCY_UNSPECIFIED,
    Contingency.OCO: order_pb2.CONTINGENCY_OCO,
    Contingency.OTO: order_pb2.CONTINGENCY_OTO,
    Contingency.BRACKET: order_pb2.CONTINGENCY_BRACKET,
}
_CONTINGENCIES_BACK: Final[Mapping[int, Contingency]] = {value: key for key, value in _CONTINGENCIES.items()}
_MOST_KNOWN: Final = 512
_NEWEST: Final[dict[int, tuple[Order, order_pb2.Order]]] = {}
"""The newest orders by identity, with their messages. Who stands in here cannot be another object."""


def intent_of(request: exchange_service_pb2.CreateOrderRequest) -> OrderIntent:
    """What a caller asks for; output-only fields are not looked at.

    Raises:
        DomainError: INVALID with reason INVALID_NAME or INVALID_REQUEST.
    """
    account = AccountName.parse(request.parent, field="parent").account
    return asked_for(request.order, account, "order", optional_datetime(request, "expire_time"))


def asked_for(
    order: order_pb2.Order, account: str, field: str, expire_time: datetime | None = None
) -> OrderIntent:
    """What a caller asks for with the order in a field of a request.

    Args:
        order: its output-only fields are not looked at.
        account: id of the account.
        field: path of the order in the request, for the violations.
        expire_time: of the request.

    Raises:
        DomainError: INVALID with reason INVALID_NAME or INVALID_REQUEST.
    """
    instrument = InstrumentName.parse(order.instrument, field=f"{field}.instrument")
    strategy = (
        StrategyName.parse(order.strategy, field=f"{field}.strategy").strategy if order.strategy else ""
    )
    return OrderIntent(
        account=account,
        venue=instrument.venue,
        instrument=instrument.instrument,
        side=side_of(order.side, f"{field}.side"),
        quantity=optional_amount(order.quantity) or _NOTHING,
        terms=terms_of(order),
        strategy=strategy,
        expire_time=expire_time,
        quote_quantity=optional_amount(order.quote_quantity),
        reduce_only=order.reduce_only,
    )


def order_to_proto(order: Order) -> order_pb2.Order:
    """An order as the contract shows it: a message that nobody changes.

    What is committed as an event is kept as an answer, and sent as one: of the newest orders the message
    is made once. An order is a value, so that the same object always is the same message.
    """
    known = _NEWEST.get(id(order))
    if known is not None and known[0] is order:
        return known[1]
    message = _order_message(order)
    _NEWEST[id(order)] = order, message
    if len(_NEWEST) > _MOST_KNOWN:
        del _NEWEST[next(iter(_NEWEST))]
    return message


def _order_message(order: Order) -> order_pb2.Order:
    # What is left out has the value that the contract gives to what is not set.
    message = order_pb2.Order(
        name=order.name,
        instrument=order.instrument_name,
        base_asset=order.assets.base,
        quote_asset=order.assets.quote,
        side=side_to_proto(order.side),
        quantity=render(order.quantity),
        strategy=str(StrategyName(order.strategy)) if order.strategy else "",
        state=_STATES[order.state],
        filled_quantity=render(order.filled_quantity),
        filled_notional=render(order.filled_notional),
        reason=order.reason,
        reason_message=order.reason_message,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        version=order.version,
        correlation_id=order.correlation_id,
        create_time=to_timestamp(order.create_time),
        update_time=to_timestamp(order.update_time),
        reduce_only=order.reduce_only,
        handling=_HANDLINGS[order.handling],
        unprotected=order.unprotected,
    )
    average = order.average_price()
    if average is not None:
        message.average_price = render(average)
    if order.quote_quantity is not None:
        message.quote_quantity = render(order.quote_quantity)
    write_terms(message, order.terms)
    if order.links != NO_LINKS:
        _write_links(message, order.account, order.links)
    if order.trigger is not None:
        message.trigger.CopyFrom(status_to_proto(order.trigger))
    if order.contract is not None:
        message.contract.CopyFrom(contract_to_proto(order.contract))
    return message


def order_of(message: order_pb2.Order) -> Order:
    """An order back from the contract's form; ``submit_time`` is not in it."""
    name = OrderName.parse(message.name)
    instrument = InstrumentName.parse(message.instrument)
    return Order(
        order_id=UUID(name.order),
        account=name.account,
        venue=instrument.venue,
        instrument=instrument.instrument,
        assets=Assets(message.base_asset, message.quote_asset),
        side=side_of(message.side, "side"),
        quantity=parse(message.quantity),
        terms=terms_of(message),
        strategy=StrategyName.parse(message.strategy).strategy if message.strategy else "",
        state=_STATES_BACK[message.state],
        filled_quantity=parse(message.filled_quantity),
        filled_notional=parse(message.filled_notional),
        reason=message.reason,
        reason_message=message.reason_message,
        client_order_id=message.client_order_id,
        venue_order_id=message.venue_order_id,
        version=message.version,
        correlation_id=message.correlation_id,
        create_time=to_datetime(message.create_time),
        update_time=to_datetime(message.update_time),
        submit_time=None,
        quote_quantity=optional_amount(message.quote_quantity),
        reduce_only=message.reduce_only,
        handling=_HANDLINGS_BACK[message.handling],
        trigger=status_of(message.trigger) if message.HasField("trigger") else None,
        links=_links_of(message),
        unprotected=message.unprotected,
        contract=optional_contract(message),
    )


def states_of(states: "Iterable[order_pb2.OrderState]") -> frozenset[OrderState]:
    """A filter of states; the unspecified one stands for nothing and is left out."""
    return frozenset(_STATES_BACK[each] for each in states if each in _STATES_BACK)


def order_id_of(name: OrderName) -> UUID | None:
    """The id in an order's name; None where it is no uuid, so that no such order can exist."""
    try:
        return UUID(name.order)
    except ValueError:
        return None


def request_id_of(text: str) -> str:
    """A request id in its one form: a uuid is the same in either case."""
    return text.lower()


def contingency_of(value: int) -> Contingency:
    """What the orders of a request are to be to each other."""
    return _CONTINGENCIES_BACK[value]


def change_of(request: exchange_service_pb2.ReplaceOrderRequest) -> Change:
    """What a caller wants changed of an order."""
    return Change(
        quantity=optional_amount(request.quantity),
        price=optional_amount(request.price),
        trigger_price=optional_amount(request.trigger_price),
        display_quantity=optional_amount(request.display_quantity),
    )


def order_list_name(account: str, order_list: UUID) -> str:
    """Resource name of a list of orders."""
    return f"{AccountName(account)}/orderLists/{order_list}"


def _write_links(message: order_pb2.Order, account: str, links: Links) -> None:
    message.order_list = "" if links.order_list is None else order_list_name(account, links.order_list)
    message.contingency = _CONTINGENCIES[links.contingency]
    message.parent_order = _linked_name(account, links.parent)
    message.linked_order = _linked_name(account, links.linked)
    message.replaces = _linked_name(account, links.replaces)
    message.replaced_by = _linked_name(account, links.replaced_by)


def _links_of(message: order_pb2.Order) -> Links:
    return Links(
        order_list=_last_id(message.order_list),
        contingency=_CONTINGENCIES_BACK[message.contingency],
        parent=_last_id(message.parent_order),
        linked=_last_id(message.linked_order),
        replaces=_last_id(message.replaces),
        replaced_by=_last_id(message.replaced_by),
    )


def _linked_name(account: str, order_id: UUID | None) -> str:
    return "" if order_id is None else str(OrderName(account, str(order_id)))


def _last_id(name: str) -> UUID | None:
    return UUID(name.rpartition("/")[2]) if name else None
