"""Follows one simulated trade through all services, over the public REST API."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

SERVICES = frozenset({"market", "strategy", "orchestrator", "risk", "exchange", "portfolio"})
_TIMEOUT = 3.0
_RUNNING = "TRADING_MODE_RUNNING"
_ENABLED = "STRATEGY_STATE_ENABLED"
_COMPLETED = "CYCLE_STATE_COMPLETED"


class NotYetError(Exception):
    """The trade is not there yet; the message says what is being waited for."""


class NoTradeExpectedError(Exception):
    """The mesh was told not to trade; the message says by what."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One cycle that went from a signal to the ledger.

    Attributes:
        cycle: name of the orchestrator's cycle.
        order: name of the exchange's order.
        instrument: what was traded.
        side: ``buy`` or ``sell``.
        quantity: how much was filled, in base asset.
        price: average price.
        last_price: the market's last price now.
        position: the portfolio's position now, in base asset.
        correlation_id: finds every step in the logs.
    """

    cycle: str
    order: str
    instrument: str
    side: str
    quantity: str
    price: str
    last_price: str
    position: str
    correlation_id: str


class EdgeApi:
    """The mesh's REST API.

    Args:
        port: port of the edge on this machine.
    """

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/"
        # The edge is on this machine: a proxy of the shell has no business here.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> dict[str, Any]:
        """One answer.

        Raises:
            NotYetError: no answer, or an error answer.
        """
        try:
            with self._opener.open(self._base + path, timeout=_TIMEOUT) as answer:
                content = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise NotYetError(f"{path}: {error.code} {_reason(error)}") from error
        except (OSError, ValueError) as error:
            raise NotYetError(f"{path}: {error}") from error
        if not isinstance(content, dict):
            raise NotYetError(f"{path}: no JSON object")
        return content


def find_trade(edge: EdgeApi, since: datetime) -> Trade:
    """The newest trade of this run that every service knows.

    Args:
        edge: where the services are asked.
        since: when the run began; what an earlier run traded proves nothing about this one.

    Raises:
        NotYetError: there is none yet; the message says at which service it stands.
        NoTradeExpectedError: there is none, and none will come: trading is stopped, or no strategy
            is enabled.
    """
    cycle = _filled_cycle(edge, since)
    order = edge.get(f"v1/{cycle['order']}")
    instrument = order["instrument"]
    ticker = edge.get(f"v1/{instrument}/ticker")
    account = cycle["order"].partition("/orders/")[0]
    _require_signal(edge, cycle)
    edge.get(f"v1/{account}/exposure")
    position = _position(edge, account, instrument)
    return Trade(
        cycle=cycle["name"],
        order=cycle["order"],
        instrument=instrument,
        side=str(order.get("side", "")).removeprefix("SIDE_").lower(),
        quantity=order.get("filled_quantity", ""),
        price=order.get("average_price", ""),
        last_price=ticker.get("last_price", ""),
        position=position,
        correlation_id=cycle.get("correlation_id", ""),
    )


def _filled_cycle(edge: EdgeApi, since: datetime) -> dict[str, Any]:
    known = edge.get("v1/trading/cycles").get("cycles", [])
    cycles = [cycle for cycle in known if datetime.fromisoformat(cycle["create_time"]) >= since]
    for cycle in cycles:
        if cycle.get("state") == _COMPLETED and Decimal(cycle.get("filled_quantity") or "0") > 0:
            return dict(cycle)
    _require_trading(edge)
    if not cycles:
        raise NotYetError("strategy has sent no signal yet" + (" since the start" if known else ""))
    newest = cycles[0]
    state = str(newest.get("state", "")).removeprefix("CYCLE_STATE_").lower()
    raise NotYetError(f"no cycle is filled yet; the newest is {state} {newest.get('reason', '')}".rstrip())


def _require_trading(edge: EdgeApi) -> None:
    mode = edge.get("v1/trading/status").get("mode")
    if mode != _RUNNING:
        raise NoTradeExpectedError(f"trading is {str(mode).removeprefix('TRADING_MODE_').lower()}")
    strategies = edge.get("v1/strategies").get("strategies", [])
    if all(strategy.get("state") != _ENABLED for strategy in strategies):
        raise NoTradeExpectedError("no strategy is enabled")


def _require_signal(edge: EdgeApi, cycle: dict[str, Any]) -> None:
    signals = edge.get(f"v1/{cycle['strategy']}/signals?page_size=1000").get("signals", [])
    if all(signal.get("name") != cycle["signal"] for signal in signals):
        raise NotYetError("strategy does not show the signal")


def _position(edge: EdgeApi, account: str, instrument: str) -> str:
    if not edge.get(f"v1/{account}/trialBalance").get("balanced"):
        raise NotYetError("portfolio's trial balance is not balanced")
    for position in edge.get(f"v1/{account}/positions").get("positions", []):
        if position.get("instrument") == instrument and int(position.get("fill_count", 0)) > 0:
            return str(position.get("quantity", "0"))
    raise NotYetError("portfolio has not booked the fill yet")


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error).get("message", error.reason))
    except (ValueError, AttributeError, OSError):
        return str(error.reason)
