"""Lists of orders in an exchange that runs, against a venue and a market that a test holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trademesh.exchange.v1 import exchange_service_pb2 as pb
from trademesh.exchange.v1 import order_pb2
from trademesh.type.v1 import side_pb2

from tests.support.exchange import (
    RunningExchange,
    eventually,
    limit_order,
    running_exchange,
    several,
    stop_order,
)
from tests.support.exchange_prices import FakePrices
from tests.support.exchange_venue import FakeVenue

_S = order_pb2
_BRACKET = _S.CONTINGENCY_BRACKET


def take_profit(quantity: str = "10", price: str = "120") -> pb.CreateOrderRequest:
    """A limit order to sell, above where the fake market stands."""
    request = limit_order(quantity, price)
    request.order.side = side_pb2.SIDE_SELL
    return request


def bracket(quantity: str = "10", request_id: str = "") -> Any:
    """Buy at 100, take profit at 120, stop the loss at 90."""
    parts = (limit_order(quantity), take_profit(quantity), stop_order(quantity))
    return several(*parts, request_id=request_id, contingency=_BRACKET)


@dataclass
class Running:
    """A list in an exchange that runs.

    Attributes:
        exchange: takes calls.
        prices: of the market.
        names: of the orders of the list.
    """

    exchange: RunningExchange
    prices: FakePrices
    names: list[str]

    @property
    def venue(self) -> FakeVenue:
        return self.exchange.venue

    async def now(self) -> list[order_pb2.Order]:
        """The orders that have the places of the list's, as they stand."""
        found = []
        for name in self.names:
            order = await self.exchange.order(name)
            while order.replaced_by:
                order = await self.exchange.order(order.replaced_by)
            found.append(order)
        return found

    async def until(self, *wanted: str) -> list[order_pb2.Order]:
        """The orders, once they stand so: as in "OPEN 10", quantity and filled left out where empty."""

        async def look() -> list[order_pb2.Order] | None:
            orders = await self.now()
            return (
                orders
                if [spelled(each, want) for each, want in zip(orders, wanted, strict=True)] == [*wanted]
                else None
            )

        try:
            found: list[order_pb2.Order] = await eventually(look)
        except TimeoutError:
            stand = [spelled(each, "S Q F") for each in await self.now()]
            raise AssertionError(f"they stand at {stand}, not {wanted}") from None
        return found

    async def filled(self, index: int, quantity: str) -> None:
        """Fill part of an order at the venue."""
        self.venue.trade((await self.now())[index].client_order_id, quantity)


def spelled(order: order_pb2.Order, like: str) -> str:
    state = order_pb2.OrderState.Name(order.state).removeprefix("ORDER_STATE_")
    return " ".join([state, order.quantity, order.filled_quantity][: len(like.split())])


@asynccontextmanager
async def running_list(url: str, request: Any, **parts: Any) -> AsyncIterator[Running]:
    """Run an exchange and create a list in it."""
    prices = parts.pop("prices", None) or FakePrices()
    async with running_exchange(url, prices=prices, **parts) as exchange:
        answer = await exchange.create_several(request)
        yield Running(exchange, prices, [each.order.name for each in answer.results])


async def sold(running: Running, quantity: str) -> None:
    """The venue has sold so much, and not a bit more."""

    async def look() -> bool:
        fills = [fill for fill in await running.exchange.fills() if fill.side == side_pb2.SIDE_SELL]
        return sum((Decimal(fill.quantity) for fill in fills), Decimal(0)) == Decimal(quantity)

    await eventually(look)
    at_venue = [each for each in running.venue.orders.values() if each.side == "SELL"]
    sold = sum((fill.quantity for each in at_venue for fill in each.fills), Decimal(0))
    assert sold == Decimal(quantity)
