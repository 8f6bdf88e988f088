"""Endpoints of orders of perpetuals."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from services.kernel.errors import DomainError
from services.simvenue.binance.desk import Cancelling, Desk
from services.simvenue.binance.errors import BinanceError, mandatory, not_valid, unknown_order_sent
from services.simvenue.binance.futures.errors import of_domain
from services.simvenue.binance.futures.orders import (
    answer_json,
    draft_of,
    order_json,
    placed_json,
    trade_json,
)
from services.simvenue.binance.gate import Call, Endpoint, Endpoints, Security, by_symbols
from services.simvenue.binance.history import WEEK, History
from services.simvenue.binance.limits import Limits
from services.simvenue.binance.orders import order_id_of
from services.simvenue.binance.params import Params, pairs_of_json
from services.simvenue.binance.rules import Symbols
from services.simvenue.domain.orders import Order

_MOST_PLACED: Final = 5
_MOST_CANCELLED: Final = 10


class TradingEndpoints:
    """Answers what is asked about orders and fills.

    Args:
        desk: takes them.
        symbols: all perpetuals.
        limits: what may be asked.
    """

    def __init__(self, desk: Desk, symbols: Symbols, limits: Limits) -> None:
        self._desk = desk
        self._symbols = symbols
        self._limits = limits

    def endpoints(self) -> Endpoints:
        """All of them."""
        api, signed = "/fapi/v1", Security.SIGNED
        history = History(self._desk, self._symbols, WEEK, order_json, trade_json)
        order, batch, every = f"{api}/order", f"{api}/batchOrders", f"{api}/allOpenOrders"
        return [
            Endpoint("POST", order, self.place, 0, signed, 1),
            Endpoint("POST", f"{order}/test", self.test, 0, signed),
            Endpoint("GET", order, self.show, 1, signed),
            Endpoint("DELETE", order, self.cancel, 1, signed),
            Endpoint("POST", batch, self.place_many, 5, signed),
            Endpoint("DELETE", batch, self.cancel_many, 1, signed),
            Endpoint("DELETE", every, self.cancel_all, 1, signed),
            Endpoint("GET", f"{api}/openOrder", self.show_open, 1, signed),
            Endpoint("GET", f"{api}/openOrders", history.open, by_symbols(1, 40), signed),
            Endpoint("GET", f"{api}/allOrders", history.all, 5, signed),
            Endpoint("GET", f"{api}/userTrades", history.trades, 5, signed),
        ]

    async def place(self, call: Call) -> Any:
        """A new order."""
        return await self._place(call.account, call.params)

    async def test(self, call: Call) -> Any:
        """A new order that is checked and not placed."""
        draft_of(call.params, self._symbols)
        call.params.finish()
        return {}

    async def place_many(self, call: Call) -> Any:
        """Up to five new orders, each answered by itself."""
        asked = _listed(call.params, "batchOrders", _MOST_PLACED)
        call.params.finish()

        async def placed(values: Any) -> Any:
            if not isinstance(values, Mapping):
                raise not_valid("batchOrders")
            self._limits.count_order(call.account)
            return await self._place(call.account, Params(pairs_of_json(values)))

        return [await _answered(placed, each) for each in asked]

    async def show(self, call: Call) -> Any:
        """One order."""
        return self._order(await self._find(call))

    async def show_open(self, call: Call) -> Any:
        """One order, if it is open."""
        found = await self._find(call)
        if not found.status.is_open:
            raise BinanceError(-2013, "Order does not exist.")
        return self._order(found)

    async def cancel(self, call: Call) -> Any:
        """Cancel one order."""
        instrument = self._symbols.find(call.params.symbol())
        order_id = order_id_of(call.params)
        call.params.finish()
        return await self._cancel(call.account, Cancelling(instrument, order_id, ""))

    async def cancel_many(self, call: Call) -> Any:
        """Cancel up to ten orders, each answered by itself."""
        instrument = self._symbols.find(call.params.symbol())
        numbers, names = "orderIdList", "origClientOrderIdList"
        if call.params.has("orderidlist") or call.params.has("origclientorderidlist"):  # ccxt's spelling
            numbers, names = numbers.lower(), names.lower()
        chosen = numbers if call.params.has(numbers) else names
        asked = _listed(call.params, chosen, _MOST_CANCELLED)
        call.params.ignore(numbers, names)
        call.params.finish()

        async def cancelled(order_id: Any) -> Any:
            if chosen == numbers:
                order_id = int(order_id)
            return await self._cancel(call.account, Cancelling(instrument, order_id, ""))

        return [await _answered(cancelled, each) for each in asked]

    async def cancel_all(self, call: Call) -> Any:
        """Cancel all orders of a symbol; that there is none is no error here."""
        instrument = self._symbols.find(call.params.symbol())
        call.params.finish()
        try:
            await self._desk.cancel_all(call.account, instrument, "")
        except BinanceError as error:
            if error.code != unknown_order_sent().code:
                raise
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    async def _place(self, account: str, params: Params) -> dict[str, Any]:
        draft = draft_of(params, self._symbols)
        params.finish()
        answer = await self._desk.place(account, draft)
        return placed_json(answer.order, draft.instrument.venue_symbol, draft.response)

    async def _find(self, call: Call) -> Order:
        instrument = self._symbols.find(call.params.symbol())
        order_id = order_id_of(call.params)
        call.params.finish()
        return await self._desk.order(call.account, instrument, order_id)

    async def _cancel(self, account: str, wanted: Cancelling) -> dict[str, Any]:
        order = await self._desk.cancel(account, wanted)
        return answer_json(order, wanted.instrument.venue_symbol)

    def _order(self, order: Order) -> dict[str, Any]:
        return order_json(order, self._symbols.name(order.request.symbol))


def _listed(params: Params, name: str, most: int) -> Sequence[Any]:
    try:
        found = json.loads(params.require(name), parse_float=str, parse_int=str)
    except ValueError as error:
        raise mandatory(name) from error
    if not isinstance(found, list) or not 0 < len(found) <= most:
        raise BinanceError(-4082, "Invalid number of batch orders.")
    return found


async def _answered(act: Callable[[Any], Awaitable[Any]], asked: Any) -> Any:
    """What becomes of one of several; an error is an answer, too."""
    try:
        return await act(asked)
    except BinanceError as error:
        return error.body()
    except DomainError as error:
        return of_domain(error).body()
    except ValueError:
        return not_valid("orderIdList").body()
