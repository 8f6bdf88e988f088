"""Endpoints of orders."""

from http import HTTPStatus
from typing import Any, Final

from services.simvenue.binance.desk import RESTRICTIONS, Cancelling, Desk, Replaced
from services.simvenue.binance.errors import BinanceError, mandatory, not_valid
from services.simvenue.binance.gate import Call, Endpoint, Endpoints, Security, by_symbols
from services.simvenue.binance.history import DAY, History
from services.simvenue.binance.orders import (
    Draft,
    cancelled_json,
    client_id_param,
    draft_of,
    order_id_of,
    order_json,
    placed_json,
    trade_json,
)
from services.simvenue.binance.params import Params
from services.simvenue.binance.rules import Symbols
from services.simvenue.domain.orders import Order
from services.simvenue.handlers import OrderWithFills

_MODES: Final = ("STOP_ON_FAILURE", "ALLOW_FAILURE")


class TradingEndpoints:
    """Answers what is asked about orders.

    Args:
        desk: takes them.
        symbols: all symbols.
    """

    def __init__(self, desk: Desk, symbols: Symbols) -> None:
        self._desk = desk
        self._symbols = symbols

    def endpoints(self) -> Endpoints:
        """All of them."""
        signed, history = Security.SIGNED, History(self._desk, self._symbols, DAY, order_json, trade_json)
        order, replace = "/api/v3/order", "/api/v3/order/cancelReplace"
        every = "/api/v3/openOrders"
        return [
            Endpoint("POST", order, self.place, 1, signed, 1, "order.place"),
            Endpoint("POST", "/api/v3/order/test", self.test, _test_weight, signed, 0, "order.test"),
            Endpoint("GET", order, self.show, 4, signed, 0, "order.status"),
            Endpoint("DELETE", order, self.cancel, 1, signed, 0, "order.cancel"),
            Endpoint("POST", replace, self.replace, 1, signed, 1, "order.cancelReplace"),
            Endpoint("GET", every, history.open, by_symbols(6, 80), signed, 0, "openOrders.status"),
            Endpoint("DELETE", every, self.cancel_all, 1, signed, 0, "openOrders.cancelAll"),
            Endpoint("GET", "/api/v3/allOrders", history.all, 20, signed, 0, "allOrders"),
            Endpoint("GET", "/api/v3/myTrades", history.trades, _trades_weight, signed, 0, "myTrades"),
        ]

    async def place(self, call: Call) -> Any:
        """A new order."""
        draft = draft_of(call.params, self._symbols)
        call.params.finish()
        return self._placed(await self._desk.place(call.account, draft), draft)

    async def test(self, call: Call) -> Any:
        """A new order that is checked and not placed."""
        draft = draft_of(call.params, self._symbols)
        computed = call.params.choice(
            "computeCommissionRates", ("true", "false"), not_valid("computeCommissionRates")
        )
        call.params.finish()
        return commission_json(draft) if computed == "true" else {}

    async def show(self, call: Call) -> Any:
        """One order."""
        instrument = self._symbols.find(call.params.symbol())
        order_id = order_id_of(call.params)
        call.params.finish()
        return self._order(await self._desk.order(call.account, instrument, order_id))

    async def cancel(self, call: Call) -> Any:
        """Cancel one order."""
        instrument = self._symbols.find(call.params.symbol())
        order_id, restriction = order_id_of(call.params), _restriction(call.params)
        cancel_id = self._cancel_id(call.params, "newClientOrderId")
        call.params.finish()
        order = await self._desk.cancel(
            call.account, Cancelling(instrument, order_id, cancel_id, restriction)
        )
        return self._cancelled(order, cancel_id)

    async def cancel_all(self, call: Call) -> Any:
        """Cancel all orders of a symbol."""
        instrument = self._symbols.find(call.params.symbol())
        call.params.finish()
        cancel_id = self._desk.new_client_id()
        orders = await self._desk.cancel_all(call.account, instrument, cancel_id)
        return [self._cancelled(order, cancel_id) for order in orders]

    async def replace(self, call: Call) -> Any:
        """Cancel an order and place another."""
        params = call.params
        draft = draft_of(params, self._symbols)
        mode = params.choice("cancelReplaceMode", _MODES, not_valid("cancelReplaceMode"))
        if mode is None:
            raise mandatory("cancelReplaceMode")
        order_id = order_id_of(params, "cancelOrderId", "cancelOrigClientOrderId")
        cancel_id = self._cancel_id(params, "cancelNewClientOrderId")
        wanted = Cancelling(draft.instrument, order_id, cancel_id, _restriction(params))
        params.finish()
        outcome = await self._desk.replace(call.account, wanted, draft, go_on=mode == "ALLOW_FAILURE")
        return self._replaced(outcome, draft, cancel_id)

    def _cancel_id(self, params: Params, name: str) -> str:
        return client_id_param(params, name) or self._desk.new_client_id()

    def _order(self, order: Order) -> dict[str, Any]:
        return order_json(order, self._symbols.name(order.request.symbol))

    def _placed(self, answer: OrderWithFills, draft: Draft) -> dict[str, Any]:
        return placed_json(answer.order, answer.fills, draft.instrument.venue_symbol, draft.response)

    def _cancelled(self, order: Order, cancel_id: str) -> dict[str, Any]:
        return cancelled_json(order, self._symbols.name(order.request.symbol), cancel_id)

    def _replaced(self, outcome: Replaced, draft: Draft, cancel_id: str) -> dict[str, Any]:
        cancelled, placed = outcome.cancelled, outcome.placed
        failures = [each for each in (cancelled, placed) if isinstance(each, BinanceError)]
        answer = {
            "cancelResult": _result(cancelled),
            "newOrderResult": _result(placed),
            "cancelResponse": cancelled.body()
            if isinstance(cancelled, BinanceError)
            else self._cancelled(cancelled, cancel_id),
            "newOrderResponse": placed.body()
            if isinstance(placed, BinanceError)
            else placed and self._placed(placed, draft),
        }
        if not failures:
            return answer
        if placed is None or len(failures) > 1:
            raise BinanceError(-2022, "Order cancel-replace failed.", data=answer)
        raise BinanceError(-2021, "Order cancel-replace partially failed.", HTTPStatus.CONFLICT, data=answer)


def commission_json(draft: Draft) -> dict[str, Any]:
    """The rates that an order would pay."""
    maker, taker = draft.instrument.maker_fee_rate, draft.instrument.taker_fee_rate
    rates = {"maker": str(maker), "taker": str(taker)}
    return {
        "standardCommissionForOrder": rates,
        "taxCommissionForOrder": {"maker": "0.00000000", "taker": "0.00000000"},
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": "0.00000000",
        },
    }


def _restriction(params: Params) -> str | None:
    return params.choice(
        "cancelRestrictions", tuple(RESTRICTIONS), BinanceError(-1145, "Invalid cancelRestrictions")
    )


def _result(outcome: object) -> str:
    if outcome is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(outcome, BinanceError) else "SUCCESS"


def _test_weight(params: Params) -> int:
    return 20 if params.has("computeCommissionRates") else 1


def _trades_weight(params: Params) -> int:
    return 5 if params.has("orderId") else 20
