"""The user data stream of the futures: ``ORDER_TRADE_UPDATE`` and ``ACCOUNT_UPDATE``."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from trademesh.simvenue.v1 import account_pb2, order_pb2
from trademesh.type.v1 import side_pb2

from services.kernel.decimals import EXACT, parse, render
from services.simvenue.binance.futures.orders import average
from services.simvenue.binance.user_events import Sources, UserEvents, states_of
from services.simvenue.binance.wire import asset, milliseconds
from services.simvenue.convert import time_from
from services.simvenue.domain.liquidation import RESERVED
from services.simvenue.domain.positions import Position
from services.simvenue.domain.solvency import mark_of

_TYPES: Final = {"market": "MARKET", "limit": "LIMIT", "stop_market": "STOP_MARKET", "stop_limit": "STOP"}
_REASONS: Final[Mapping[int, str]] = {
    order_pb2.CLOSE_REASON_SELF_TRADE_PREVENTION: "1",
    order_pb2.CLOSE_REASON_IMMEDIATE_OR_CANCEL: "2",
    order_pb2.CLOSE_REASON_REDUCE_ONLY: "4",
    order_pb2.CLOSE_REASON_LIQUIDATION: "5",
}
"""Why an order expired, in Binance's numbers; "0" is none of them."""
_MOVES: Final[Mapping[int, str]] = {
    account_pb2.TRANSFER_KIND_DEPOSIT: "DEPOSIT",
    account_pb2.TRANSFER_KIND_FUNDING: "FUNDING_FEE",
    account_pb2.TRANSFER_KIND_INSURANCE: "INSURANCE_CLEAR",
}
_MODE_PREFIX: Final = "SELF_TRADE_PREVENTION_"


class FuturesUserEvents(UserEvents):
    """The events of an account's perpetuals from now on.

    What a fill did to positions is told with the balances, which follow it.
    """

    def __init__(self, behind: Sources, account: str, ended: Callable[[], Any] = lambda: None) -> None:
        super().__init__(behind, account, ended)
        self._positions: dict[str, account_pb2.Position] = {}
        self._moved: account_pb2.Transfer | None = None

    def told(self, event: account_pb2.AccountEvent) -> list[dict[str, Any]]:
        """An event as Binance tells it."""
        time_ms = milliseconds(time_from(event.exchange_time))
        match event.WhichOneof("event"):
            case "execution_report" if self.behind.symbols.lists(event.execution_report.order.symbol):
                order = _order(event.execution_report, self.behind.symbols.name, time_ms)
                return [{"e": "ORDER_TRADE_UPDATE", "E": time_ms, "T": time_ms, "o": order}]
            case "position_update":
                position = event.position_update.position
                self._positions[position.symbol] = position
            case "transfer":
                self._moved = event.transfer
            case "balance_update":
                return self._changed(event.balance_update, time_ms)
        return []

    def _changed(self, update: account_pb2.BalanceUpdate, time_ms: int) -> list[dict[str, Any]]:
        moved, self._moved = self._moved, None
        held, self._positions = self._positions, {}
        settled = {each.quote for each in self.behind.symbols.all()}
        balances = [
            {
                "a": asset(each.currency),
                "wb": (wallet := render(EXACT.add(parse(each.free), parse(each.locked)))),
                "cw": wallet,
                "bc": "0" if moved is None or moved.currency != each.currency else moved.amount,
            }
            for each in update.balances
            if each.currency in settled
        ]
        if not balances and not held:
            return []
        reason = "ORDER" if moved is None else _MOVES.get(moved.kind, "ADJUSTMENT")
        positions = [] if moved is not None else [self._position(each) for each in held.values()]
        data = {"m": reason, "B": balances, "P": positions}
        return [{"e": "ACCOUNT_UPDATE", "E": time_ms, "T": time_ms, "a": data}]

    def _position(self, told: account_pb2.Position) -> dict[str, Any]:
        mark = mark_of(self.behind.floor.venue.market(told.symbol))
        entry = told.entry_price or "0"
        quantity = parse(told.quantity)
        held = Position(told.symbol, quantity, EXACT.multiply(quantity, parse(entry)))
        return {
            "s": self.behind.symbols.name(told.symbol),
            "pa": told.quantity,
            "ep": entry,
            "bep": entry,
            "cr": told.realised_pnl,
            "up": render(Decimal(0) if mark is None else held.profit_at(mark)),
            "mt": "cross",
            "iw": "0",
            "ps": "BOTH",
        }


def _order(report: account_pb2.ExecutionReport, name: Callable[[str], str], time_ms: int) -> dict[str, Any]:
    order = report.order
    fill = report.fill if report.HasField("fill") else None
    execution, status = states_of(order, traded=fill is not None)
    if execution == "TRADE_PREVENTION":
        execution = "EXPIRED"
    kind = order.WhichOneof("terms") or "market"
    limit = order.stop_limit.limit if kind == "stop_limit" else order.limit
    force = side_pb2.TimeInForce.Name(limit.time_in_force).removeprefix("TIME_IN_FORCE_")
    forced = order.client_order_id.startswith(RESERVED)
    return {
        "s": name(order.symbol),
        "c": order.client_order_id,
        "S": "BUY" if order.side == side_pb2.SIDE_BUY else "SELL",
        "o": "LIQUIDATION" if forced else _TYPES[kind],
        "f": "GTX" if limit.post_only else force if limit.time_in_force else "GTC",
        "q": order.quantity,
        "p": limit.price or "0",
        "ap": average(parse(order.filled_notional), parse(order.filled_quantity)),
        "sp": order.stop_limit.trigger_price or order.stop_market.trigger_price or "0",
        "x": "CALCULATED" if forced and execution == "TRADE" else execution,
        "X": status,
        "i": order.venue_order_id,
        "z": order.filled_quantity,
        **_fill(fill),
        "T": time_ms,
        "b": "0",
        "a": "0",
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": _TYPES[kind],
        "ps": "BOTH",
        "cp": False,
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": order_pb2.SelfTradePrevention.Name(order.self_trade_prevention).removeprefix(_MODE_PREFIX),
        "pm": "NONE",
        "gtd": 0,
        "er": _REASONS.get(order.close_reason, "0"),
    }


def _fill(fill: order_pb2.Fill | None) -> dict[str, Any]:
    if fill is None:
        return {"l": "0", "L": "0", "t": 0, "m": False, "rp": "0"}
    return {
        "l": fill.quantity,
        "L": fill.price,
        "N": asset(fill.fee_currency),
        "n": fill.fee,
        "t": fill.trade_id,
        "m": fill.liquidity == side_pb2.LIQUIDITY_MAKER,
        "rp": fill.realised_pnl or "0",
    }
