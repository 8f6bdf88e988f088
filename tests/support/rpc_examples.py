"""One example call of every public rpc, on a mesh that trades. A new rpc without one fails a test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.account_books import ACCOUNT
from tests.support.recorded_mesh import INSTRUMENT, STRATEGY, RecordedMesh

Json = dict[str, Any]
_DEFINITION = {
    "instrument": INSTRUMENT,
    "candle_interval": "1m",
    "quantity": "0.001",
    "sma_cross": {"fast_period": 3, "slow_period": 7},
}


@dataclass(frozen=True, slots=True)
class Example:
    """A call that must succeed.

    Attributes:
        request: makes the request, and first whatever it needs to be there.
        proves: a field of the response that is set where the call did what it should; empty for
            a response without fields.
        undo: leaves the mesh as it was.
    """

    request: Callable[[RecordedMesh], Json]
    proves: str
    undo: Callable[[RecordedMesh], None] = lambda _: None


def _fixed(**request: Any) -> Callable[[RecordedMesh], Json]:
    return lambda _: dict(request)


def _asked(**request: Any) -> Callable[[RecordedMesh], Json]:
    """A mutation: every time with an id of its own."""
    return lambda _: {"request_id": str(uuid4()), **request}


def _strategy(mesh: RecordedMesh) -> str:
    """A strategy of this call's own, disabled."""
    made = mesh.call(
        "StrategyService.CreateStrategy",
        request_id=str(uuid4()),
        strategy_id=f"probe-{uuid4().hex[:12]}",
        strategy=_DEFINITION,
    )
    return str(made.name)


def _to_strategy(**more: Any) -> Callable[[RecordedMesh], Json]:
    return lambda mesh: {"name": _strategy(mesh), "request_id": str(uuid4()), **more}


def _update(mesh: RecordedMesh) -> Json:
    changed = {"name": _strategy(mesh), "quantity": "0.002"}
    return {"request_id": str(uuid4()), "strategy": changed, "update_mask": "quantity"}


def _create(_: RecordedMesh) -> Json:
    name = f"probe-{uuid4().hex[:12]}"
    return {"request_id": str(uuid4()), "strategy_id": name, "strategy": _DEFINITION}


def _create_orders(mesh: RecordedMesh) -> Json:
    orders = [mesh.rest_order()["order"] for _ in range(2)]
    return {"parent": ACCOUNT, "request_id": str(uuid4()), "orders": orders}


def _replace(mesh: RecordedMesh) -> Json:
    return {"name": mesh.resting_order(), "request_id": str(uuid4()), "quantity": "0.002"}


def _cancel(mesh: RecordedMesh) -> Json:
    return {"name": mesh.resting_order(), "request_id": str(uuid4())}


def _cancel_all(mesh: RecordedMesh) -> Json:
    mesh.resting_order()
    return {"parent": ACCOUNT, "request_id": str(uuid4()), "instrument": INSTRUMENT}


def _preview(mesh: RecordedMesh) -> Json:
    return {"parent": ACCOUNT, "order": mesh.rest_order()["order"]}


def _watch_orders(mesh: RecordedMesh) -> Json:
    mesh.resting_order()
    return {"parent": ACCOUNT}


def _resume(mesh: RecordedMesh) -> None:
    mesh.call("RiskService.ResumeTrading", account=ACCOUNT, request_id=str(uuid4()), reason="a test is over")


def _changes(mesh: RecordedMesh) -> Json:
    halt = {"account": ACCOUNT, "request_id": str(uuid4()), "reason": _WHY}
    mesh.call("RiskService.HaltTrading", **halt)
    _resume(mesh)
    return {"parent": ACCOUNT}


def _decision(mesh: RecordedMesh) -> Json:
    decisions = mesh.call("RiskService.ListDecisions", parent=ACCOUNT, page_size=1).decisions
    return {"name": str(decisions[0].name)}


def _new_lock(_: RecordedMesh) -> Json:
    # Of an instrument that nothing trades.
    nothing = "venues/sim/instruments/nothing-usdt"
    late = "2100-01-01T00:00:00Z"
    lock = {"parent": ACCOUNT, "instrument": nothing, "reason": _WHY, "expire_time": late}
    return {"request_id": str(uuid4()), **lock}


def _lock(mesh: RecordedMesh) -> Json:
    made = mesh.call("RiskService.CreateLock", **_new_lock(mesh))
    return {"name": str(made.name), "request_id": str(uuid4())}


def _locked(mesh: RecordedMesh) -> Json:
    _lock(mesh)
    return {"parent": ACCOUNT}


def _start(mesh: RecordedMesh) -> None:
    mesh.start_trading()


def _adjust(_: RecordedMesh) -> Json:
    return _adjustment("0.5")


def _take_back(mesh: RecordedMesh) -> None:
    mesh.call("PortfolioService.CreateCorrection", **_adjustment("-0.5"))


def _adjustment(amount: str) -> Json:
    adjustment = {"venue": "venues/sim", "asset": "usdt", "amount": amount}
    correction = {"adjustment": adjustment, "reason": _WHY}
    return {"parent": ACCOUNT, "request_id": str(uuid4()), "correction": correction}


_WHY = "an example"
_CHECK = {
    "account": ACCOUNT,
    "instrument": INSTRUMENT,
    "side": "SIDE_BUY",
    "quantity": "0.01",
    "validate_only": True,
}
_LIMITS = {"name": f"{ACCOUNT}/limits", "max_open_orders": 100}

_SETTINGS = {"name": f"{ACCOUNT}/accountSettings", "lot_method": "LOT_METHOD_FIFO"}

EXAMPLES: dict[str, Example] = {
    "MarketService.ListInstruments": Example(_fixed(parent="venues/sim"), "instruments"),
    "MarketService.GetInstrument": Example(_fixed(name=INSTRUMENT), "tick_size"),
    "MarketService.GetTicker": Example(_fixed(name=f"{INSTRUMENT}/ticker"), "bid_price"),
    "MarketService.GetOrderBook": Example(_fixed(name=f"{INSTRUMENT}/orderBook", depth=5), "asks"),
    "MarketService.ListTrades": Example(_fixed(parent=INSTRUMENT, page_size=5), "trades"),
    "MarketService.ListCandles": Example(_fixed(parent=INSTRUMENT, interval="1m"), "candles"),
    "MarketService.WatchMarket": Example(
        _fixed(instrument=INSTRUMENT, kinds=["MARKET_EVENT_KIND_ORDER_BOOK"], depth=5), "order_book"
    ),
    "StrategyService.ListStrategies": Example(_fixed(page_size=5), "strategies"),
    "StrategyService.GetStrategy": Example(_fixed(name=STRATEGY), "sma_cross"),
    "StrategyService.CreateStrategy": Example(_create, "etag"),
    "StrategyService.UpdateStrategy": Example(_update, "etag"),
    "StrategyService.DeleteStrategy": Example(_to_strategy(), ""),
    "StrategyService.EnableStrategy": Example(_to_strategy(), "etag"),
    "StrategyService.DisableStrategy": Example(_to_strategy(), "etag"),
    "StrategyService.ListSignals": Example(_fixed(parent=STRATEGY), "signals"),
    "StrategyService.WatchSignals": Example(_fixed(parent=STRATEGY), "signal"),
    "ExchangeService.ListVenues": Example(_fixed(), "venues"),
    "ExchangeService.GetVenue": Example(_fixed(name="venues/sim"), "state"),
    "ExchangeService.CreateOrder": Example(
        lambda mesh: {"parent": ACCOUNT, **mesh.rest_order()}, "venue_order_id"
    ),
    "ExchangeService.CreateOrders": Example(_create_orders, "results"),
    "ExchangeService.GetOrder": Example(lambda mesh: {"name": mesh.resting_order()}, "client_order_id"),
    "ExchangeService.ListOrders": Example(
        _fixed(parent=ACCOUNT, states=["ORDER_STATE_FILLED"], instrument=INSTRUMENT), "orders"
    ),
    "ExchangeService.ReplaceOrder": Example(_replace, "replaces"),
    "ExchangeService.CancelOrder": Example(_cancel, "venue_order_id"),
    "ExchangeService.CancelAllOrders": Example(_cancel_all, "complete"),
    "ExchangeService.PreviewOrder": Example(_preview, "expected_fee"),
    "ExchangeService.ListPositions": Example(_fixed(parent=ACCOUNT), ""),
    "ExchangeService.ListFills": Example(_fixed(parent=ACCOUNT, page_size=3), "fills"),
    "ExchangeService.ListBalances": Example(_fixed(parent=ACCOUNT), "balances"),
    "ExchangeService.WatchOrders": Example(_watch_orders, "order"),
    "RiskService.CheckOrder": Example(_fixed(**_CHECK), "decision"),
    "RiskService.CheckOrders": Example(_fixed(account=ACCOUNT, orders=[_CHECK, _CHECK]), "decisions"),
    "RiskService.GetTradingState": Example(_fixed(name=f"{ACCOUNT}/tradingState"), "effective_mode"),
    "RiskService.ListTradingStateChanges": Example(_changes, "changes"),
    "RiskService.ListDecisions": Example(_fixed(parent=ACCOUNT, page_size=2), "decisions"),
    "RiskService.GetDecision": Example(_decision, "inputs"),
    "RiskService.GetProtections": Example(_fixed(name=f"{ACCOUNT}/protections"), "name"),
    "RiskService.UpdateProtections": Example(
        _asked(protections={"name": f"{ACCOUNT}/protections"}, update_mask="cooldown"), "version"
    ),
    "RiskService.CreateLock": Example(_new_lock, "source"),
    "RiskService.ListLocks": Example(_locked, "locks"),
    "RiskService.DeleteLock": Example(_lock, ""),
    "RiskService.GetRiskMetrics": Example(
        _fixed(name=f"{ACCOUNT}/riskMetrics", parameters={"interval": "1m", "window": 10}), "equity_amount"
    ),
    "RiskService.RunStress": Example(_fixed(account=ACCOUNT, scenarios=["crash-20"]), "results"),
    "RiskService.PreviewExposure": Example(_fixed(account=ACCOUNT, orders=[_CHECK]), "after"),
    "RiskService.GetLimits": Example(_fixed(name=f"{ACCOUNT}/limits"), "max_order_notional"),
    "RiskService.UpdateLimits": Example(_asked(limits=_LIMITS, update_mask="max_open_orders"), "version"),
    "RiskService.GetExposure": Example(_fixed(name=f"{ACCOUNT}/exposure"), "trading_state"),
    "RiskService.HaltTrading": Example(_asked(account=ACCOUNT, reason=_WHY), "mode", _resume),
    "RiskService.ResumeTrading": Example(_asked(account=ACCOUNT, reason=_WHY), "mode"),
    "PortfolioService.GetPortfolio": Example(_fixed(name=f"{ACCOUNT}/portfolio"), "holdings"),
    "PortfolioService.ListPositions": Example(_fixed(parent=ACCOUNT), "positions"),
    "PortfolioService.ListLedgerEntries": Example(_fixed(parent=ACCOUNT, page_size=3), "ledger_entries"),
    "PortfolioService.GetTrialBalance": Example(_fixed(name=f"{ACCOUNT}/trialBalance"), "balanced"),
    "PortfolioService.CreateCorrection": Example(_adjust, "ledger_entries", _take_back),
    "PortfolioService.ListTaxLots": Example(_fixed(parent=ACCOUNT, include_closed=True), "tax_lots"),
    "PortfolioService.ListRealizedGains": Example(_fixed(parent=ACCOUNT, page_size=3), "realized_gains"),
    "PortfolioService.GetAccountSettings": Example(_fixed(name=_SETTINGS["name"]), "lot_method"),
    "PortfolioService.UpdateAccountSettings": Example(_asked(account_settings=_SETTINGS), "lot_method"),
    "PortfolioService.ListEquityPoints": Example(_fixed(parent=ACCOUNT, page_size=2), "equity_points"),
    "PortfolioService.GetReconciliation": Example(_fixed(name=f"{ACCOUNT}/reconciliation"), "balances"),
    "OrchestratorService.StartTrading": Example(_asked(reason=_WHY), "mode"),
    "OrchestratorService.StopTrading": Example(_asked(reason=_WHY), "mode", _start),
    "OrchestratorService.EmergencyStop": Example(_asked(reason=_WHY), "mode", _start),
    "OrchestratorService.GetTradingStatus": Example(_fixed(), "cycle_count"),
    "OrchestratorService.ListCycles": Example(
        _fixed(page_size=2, states=["CYCLE_STATE_COMPLETED"]), "cycles"
    ),
}
