"""Orders and fills of the past: what is asked alike of spot and of perpetuals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.simvenue.binance.desk import Desk
from services.simvenue.binance.errors import BinanceError, not_valid
from services.simvenue.binance.gate import Call
from services.simvenue.binance.params import Params
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.wire import nanoseconds
from services.simvenue.domain.orders import Fill, Order

_DEFAULT: Final = 500
_MOST: Final = 1_000
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Span:
    """The longest range of time that one question may be about.

    Attributes:
        milliseconds: how long.
        words: the same, as the venue's error says it.
    """

    milliseconds: int
    words: str

    def asked(self, params: Params) -> tuple[int | None, int | None]:
        """A range of exchange time, in milliseconds, both ends inside.

        Raises:
            BinanceError: -1127, it is longer.
        """
        start_ms, end_ms = params.whole("startTime"), params.whole("endTime")
        if start_ms is not None and end_ms is not None:
            if start_ms > end_ms:
                raise not_valid("startTime")
            if end_ms - start_ms > self.milliseconds:
                raise BinanceError(-1127, f"More than {self.words} between startTime and endTime.")
        return start_ms, end_ms


DAY: Final = Span(_DAY_MS, "24 hours")
WEEK: Final = Span(7 * _DAY_MS, "7 days")


class History:
    """Answers what became of orders.

    Args:
        desk: knows it.
        symbols: all symbols of the market.
        longest: a question may be about.
        order_json: an order as the market tells it, by its symbol.
        trade_json: a fill as the market tells it, by its symbol.
    """

    def __init__(
        self,
        desk: Desk,
        symbols: Symbols,
        longest: Span,
        order_json: Callable[[Order, str], dict[str, Any]],
        trade_json: Callable[[Fill, str], dict[str, Any]],
    ) -> None:
        self._desk = desk
        self._symbols = symbols
        self._longest = longest
        self._order_json = order_json
        self._trade_json = trade_json

    async def open(self, call: Call) -> Any:
        """All open orders."""
        instrument = self._symbols.find(call.params.symbol()) if call.params.has("symbol") else None
        call.params.finish()
        found = await self._desk.open_orders(call.account, instrument)
        return [self._order(order) for order in found if self._symbols.lists(order.request.symbol)]

    async def all(self, call: Call) -> Any:
        """All orders of a symbol, open and closed."""
        params = call.params
        instrument = self._symbols.find(params.symbol())
        first = params.whole("orderId")
        start_ms, end_ms = self._longest.asked(params)
        limit = params.limit(_DEFAULT, _MOST)
        params.finish()
        orders = [
            order
            for order in await self._desk.all_orders(call.account, instrument)
            if (first is None or order.venue_order_id >= first) and within(order.create_ns, start_ms, end_ms)
        ]
        newest = first is None and start_ms is None
        return [self._order(order) for order in page_of(orders, limit, newest=newest)]

    async def trades(self, call: Call) -> Any:
        """Fills of a symbol."""
        params = call.params
        instrument = self._symbols.find(params.symbol())
        order_id, first = params.whole("orderId"), params.whole("fromId")
        start_ms, end_ms = self._longest.asked(params)
        limit = params.limit(_DEFAULT, _MOST)
        params.finish()
        if first is not None and (start_ms is not None or end_ms is not None):
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        found = [
            fill
            for fill in await self._desk.fills(call.account, instrument)
            if (order_id is None or fill.venue_order_id == order_id)
            and (first is None or fill.trade_id >= first)
            and within(fill.time_ns, start_ms, end_ms)
        ]
        newest = first is None and start_ms is None
        return [
            self._trade_json(fill, instrument.venue_symbol) for fill in page_of(found, limit, newest=newest)
        ]

    def _order(self, order: Order) -> dict[str, Any]:
        return self._order_json(order, self._symbols.name(order.request.symbol))


def page_of(found: Sequence[Any], limit: int, *, newest: bool) -> Sequence[Any]:
    """The newest so many, or the oldest; always oldest first."""
    return found[-limit:] if newest else found[:limit]


def within(time_ns: int, start_ms: int | None, end_ms: int | None) -> bool:
    """Whether an exchange time is in a range of milliseconds, both ends inside."""
    after = start_ms is None or time_ns >= nanoseconds(start_ms)
    return after and (end_ms is None or time_ns < nanoseconds(end_ms + 1))
