"""The user data stream: an account's events as Binance tells them."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trademesh.simvenue.v1 import account_pb2, order_pb2
from trademesh.type.v1 import side_pb2

from services.kernel.decimals import EXACT, parse
from services.simvenue.binance.channels import HaltedError, OverrunError
from services.simvenue.binance.desk import CancelIds
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.wire import NO_LIST, ZERO, amount, asset, milliseconds
from services.simvenue.convert import time_from
from services.simvenue.doors import Doors
from services.simvenue.floor import TradingFloor
from services.simvenue.ports import EncodedEvent
from services.simvenue.streams import End


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the events of accounts come from.

    Attributes:
        floor: where they happen.
        doors: the way from there.
        symbols: all symbols.
        cancels: the ids of cancels.
    """

    floor: TradingFloor
    doors: Doors
    symbols: Symbols
    cancels: CancelIds


_STATUSES: Final[Mapping[int, str]] = {
    order_pb2.ORDER_STATUS_WAITING: "NEW",
    order_pb2.ORDER_STATUS_OPEN: "NEW",
    order_pb2.ORDER_STATUS_PARTIALLY_FILLED: "PARTIALLY_FILLED",
    order_pb2.ORDER_STATUS_FILLED: "FILLED",
    order_pb2.ORDER_STATUS_CANCELLED: "CANCELED",
    order_pb2.ORDER_STATUS_EXPIRED: "EXPIRED",
}
_REASONS: Final[Mapping[int, str]] = {
    order_pb2.CLOSE_REASON_INSUFFICIENT_BALANCE: "INSUFFICIENT_BALANCES",
    order_pb2.CLOSE_REASON_POST_ONLY_WOULD_TRADE: "WOULD_MATCH_IMMEDIATELY",
}
_TYPES: Final = {
    "market": "MARKET",
    "limit": "LIMIT",
    "stop_market": "STOP_LOSS",
    "stop_limit": "STOP_LOSS_LIMIT",
}
_PREVENTED: Final = order_pb2.CLOSE_REASON_SELF_TRADE_PREVENTION
_ON_THE_BOOK: Final = frozenset({order_pb2.ORDER_STATUS_OPEN, order_pb2.ORDER_STATUS_PARTIALLY_FILLED})


class UserEvents:
    """The events of an account from now on.

    Args:
        behind: where they come from.
        account: whose.
        ended: answers the last event once nothing more is to be told, and None before.
    """

    def __init__(self, behind: Sources, account: str, ended: Callable[[], Any] = lambda: None) -> None:
        self.behind = behind
        self._account = account
        self._ended = ended
        self._last = behind.floor.account_events(account).last

    async def events(self) -> AsyncIterator[Any]:
        """What happens, until it ends.

        Raises:
            OverrunError: the reader is too slow.
            HaltedError: nothing follows.
            ConnectionLostError: the connection breaks.
        """
        async for frame in self.behind.doors.events(self._account, self._last):
            last = self._ended()
            if last is not None:
                yield last
                return
            if isinstance(frame, EncodedEvent):
                for news in self.told(account_pb2.AccountEvent.FromString(frame.payload)):
                    yield news
            elif isinstance(frame, End):
                raise OverrunError if frame.reason == "SLOW_CONSUMER" else HaltedError

    def told(self, event: account_pb2.AccountEvent) -> list[dict[str, Any]]:
        """An event as Binance tells it."""
        time_ms = milliseconds(time_from(event.exchange_time))
        match event.WhichOneof("event"):
            case "execution_report" if self.behind.symbols.lists(event.execution_report.order.symbol):
                return [self._report(event, time_ms)]
            case "balance_update":
                return [_position(event.balance_update, time_ms)]
            case "transfer":
                return [_transfer(event.transfer, time_ms)]
        return []

    def _report(self, event: account_pb2.AccountEvent, time_ms: int) -> dict[str, Any]:
        report = event.execution_report
        order = report.order
        fill = report.fill if report.HasField("fill") else None
        execution, status = states_of(order, traded=fill is not None)
        cancelled = execution == "CANCELED"
        told = {
            "e": "executionReport",
            "E": time_ms,
            "s": self.behind.symbols.name(order.symbol),
            "c": self.behind.cancels.of(order.venue_order_id) if cancelled else order.client_order_id,
            "S": "BUY" if order.side == side_pb2.SIDE_BUY else "SELL",
            **_terms(order),
            "g": NO_LIST,
            "C": order.client_order_id if cancelled else "",
            "x": execution,
            "X": status,
            "r": _REASONS.get(order.close_reason, "NONE"),
            "i": order.venue_order_id,
            "z": _amount(order.filled_quantity),
            **_fill(fill),
            "T": time_ms,
            "I": event.sequence,
            "w": order.status in _ON_THE_BOOK,
            "M": False,
            "O": milliseconds(time_from(order.create_time)),
            "Z": _amount(order.filled_notional),
            "Q": _amount(order.quote_quantity),
            "V": order_pb2.SelfTradePrevention.Name(order.self_trade_prevention).removeprefix(_MODE_PREFIX),
        }
        if order.status != order_pb2.ORDER_STATUS_WAITING:
            told["W"] = milliseconds(time_from(_working_time(order)))
        return told


_MODE_PREFIX: Final = "SELF_TRADE_PREVENTION_"


def states_of(order: order_pb2.Order, *, traded: bool) -> tuple[str, str]:
    """Execution type and order status."""
    if traded:
        return "TRADE", _STATUSES[order.status]
    if order.close_reason == _PREVENTED:
        return "TRADE_PREVENTION", "EXPIRED_IN_MATCH"
    status = _STATUSES[order.status]
    return status, status


def _terms(order: order_pb2.Order) -> dict[str, Any]:
    kind = order.WhichOneof("terms") or "market"
    limit = order.stop_limit.limit if kind == "stop_limit" else order.limit
    trigger = order.stop_limit.trigger_price or order.stop_market.trigger_price
    force = side_pb2.TimeInForce.Name(limit.time_in_force).removeprefix("TIME_IN_FORCE_")
    return {
        "o": "LIMIT_MAKER" if kind == "limit" and limit.post_only else _TYPES[kind],
        "f": force if limit.time_in_force else "GTC",
        "q": _amount(order.quantity),
        "p": _amount(limit.price),
        "P": _amount(trigger),
        "F": _amount(limit.display_quantity),
    }


def _fill(fill: order_pb2.Fill | None) -> dict[str, Any]:
    if fill is None:
        return {"l": ZERO, "L": ZERO, "n": "0", "N": None, "t": -1, "m": False, "Y": ZERO}
    price, quantity = parse(fill.price), parse(fill.quantity)
    return {
        "l": amount(quantity),
        "L": amount(price),
        "n": _amount(fill.fee),
        "N": asset(fill.fee_currency),
        "t": fill.trade_id,
        "m": fill.liquidity == side_pb2.LIQUIDITY_MAKER,
        "Y": amount(EXACT.multiply(price, quantity)),
    }


def _working_time(order: order_pb2.Order) -> Any:
    return order.trigger_time if order.HasField("trigger_time") else order.create_time


def _position(update: account_pb2.BalanceUpdate, time_ms: int) -> dict[str, Any]:
    return {
        "e": "outboundAccountPosition",
        "E": time_ms,
        "u": time_ms,
        "B": [
            {"a": asset(each.currency), "f": _amount(each.free), "l": _amount(each.locked)}
            for each in update.balances
        ],
    }


def _transfer(transfer: account_pb2.Transfer, time_ms: int) -> dict[str, Any]:
    return {
        "e": "balanceUpdate",
        "E": time_ms,
        "a": asset(transfer.currency),
        "d": _amount(transfer.amount),
        "T": time_ms,
    }


def _amount(text: str) -> str:
    return amount(parse(text) if text else Decimal(0))
