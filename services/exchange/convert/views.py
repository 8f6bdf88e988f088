"""Venues, and the frames of WatchOrders, as the contract shows them."""

from trademesh.exchange.v1 import exchange_service_pb2, venue_pb2

from services.exchange.convert.facts import fill_to_proto
from services.exchange.convert.orders import order_to_proto
from services.exchange.convert.terms import time_in_force_to_proto
from services.exchange.domain.capabilities import KindSupport
from services.exchange.domain.fills import Fill
from services.exchange.domain.order import Order
from services.exchange.domain.terms import TimeInForce
from services.exchange.views import Beat, BudgetUse, End, Frame, VenueView
from services.kernel.names import VenueName


def venue_to_proto(view: VenueView) -> venue_pb2.Venue:
    """A venue as the contract shows it."""
    message = venue_pb2.Venue(
        name=str(VenueName(view.venue)),
        display_name=view.display_name,
        simulated=view.simulated,
        state=f"VENUE_STATE_{view.contact}",
        live=view.live,
        state_message=view.message,
        rate_budgets=[budget_use_to_proto(each) for each in view.budgets],
        capabilities=[kind_support_to_proto(each) for each in view.capabilities],
    )
    if view.last_contact is not None:
        message.last_contact_time.FromDatetime(view.last_contact)
    if view.retry_time is not None:
        message.retry_time.FromDatetime(view.retry_time)
    return message


def budget_use_to_proto(use: BudgetUse) -> venue_pb2.RateBudget:
    """How much of a rate limit is used, as the contract shows it."""
    return venue_pb2.RateBudget(
        name=use.name,
        window_seconds=use.window_seconds,
        limit=use.limit,
        reserve=use.reserve,
        used=use.used,
    )


def frame_to_proto(frame: Frame) -> exchange_service_pb2.WatchOrdersResponse:
    """A frame of WatchOrders as the contract shows it."""
    message = exchange_service_pb2.WatchOrdersResponse(cursor=frame.cursor)
    match frame.event:
        case Order() as order:
            message.order.CopyFrom(order_to_proto(order))
        case Fill() as fill:
            message.fill.CopyFrom(fill_to_proto(fill))
        case Beat(moment):
            message.heartbeat.send_time.FromDatetime(moment)
        case End(reason, text):
            message.end.reason = reason
            message.end.message = text
    return message


def kind_support_to_proto(support: KindSupport) -> venue_pb2.KindSupport:
    """How a kind is carried out at a venue, as the contract shows it."""
    return venue_pb2.KindSupport(
        kind=support.kind.value,
        support=f"SUPPORT_{support.support}",
        times_in_force=[
            time_in_force_to_proto(each) for each in TimeInForce if each in support.times_in_force
        ],
        post_only=support.post_only,
        reduce_only=support.reduce_only,
        display_quantity=support.display_quantity,
        quote_quantity=support.quote_quantity,
    )
