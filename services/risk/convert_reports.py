"""Decisions, protections, locks and measures on the wire."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from google.protobuf.duration_pb2 import Duration
from trademesh.risk.v1 import (
    decision_record_pb2,
    metrics_pb2,
    protection_pb2,
    risk_service_pb2,
)
from trademesh.type.v1 import contract_pb2, side_pb2

from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.kernel.decimals import parse, render
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import AccountName, InstrumentName, StrategyName
from services.risk.convert import decision_to_proto
from services.risk.domain.locks import Lock
from services.risk.domain.metrics import SCENARIOS
from services.risk.domain.order import Side
from services.risk.domain.protections import Cooldown, LowProfit, MaxDrawdown, Protections, StopLossGuard
from services.risk.domain.traded import ZERO, Contract, divide
from services.risk.handlers.measure import Measured, Parameters, Stressed
from services.risk.ports import DecisionFilter, StoredDecision

_RULES: Mapping[str, type[Any]] = {
    "cooldown": Cooldown,
    "stop_loss_guard": StopLossGuard,
    "max_drawdown": MaxDrawdown,
    "low_profit": LowProfit,
}
_SPANS = ("lookback", "lock_duration")
_AMOUNTS = ("max_drawdown_amount", "required_profit")
_SIDES = {Side.BUY: side_pb2.SIDE_BUY, Side.SELL: side_pb2.SIDE_SELL}
GIVEN, MANUAL = "given", "manual"
"""The scenario of the request's own shocks; where a lock made by hand comes from."""


def filter_from_proto(request: risk_service_pb2.ListDecisionsRequest) -> DecisionFilter:
    """Read which decisions are wanted.

    Raises:
        DomainError: INVALID_NAME.
    """
    return DecisionFilter(
        account=AccountName.parse(request.parent, field="parent").account,
        denied_only=request.denied_only,
        instrument=request.instrument,
        start_time=to_datetime(request.start_time) if request.HasField("start_time") else None,
        end_time=to_datetime(request.end_time) if request.HasField("end_time") else None,
    )


def record_to_proto(stored: StoredDecision) -> decision_record_pb2.DecisionRecord:
    """Write a stored decision."""
    order = stored.order
    return decision_record_pb2.DecisionRecord(
        name=f"accounts/{order.account}/decisions/{stored.order_id}",
        order=decision_record_pb2.CheckedOrder(
            instrument=str(order.instrument),
            side=_SIDES[order.side],
            quantity=render(order.quantity),
            limit_price=_written(order.limit_price),
            trigger_price=_written(order.trigger_price),
            reduce_only=order.reduce_only,
            group=order.group,
            strategy=_strategy(order.strategy),
            contract=None if order.contract is None else _contract_to_proto(order.contract),
        ),
        decision=decision_to_proto(stored.decision),
        inputs=stored.decision.inputs,
        correlation_id=stored.correlation_id,
    )


def protections_change_from_proto(request: risk_service_pb2.UpdateProtectionsRequest) -> Mapping[str, Any]:
    """Read the rules that change; one that the mask names and that has no value is switched off.

    Raises:
        DomainError: INVALID_UPDATE_MASK where the mask names no rule.
    """
    message = request.protections
    paths = list(request.update_mask.paths) or [name for name in _RULES if message.HasField(name)]
    change: dict[str, Any] = {}
    for path in paths:
        if path not in _RULES:
            text = f"{path!r} is no rule that can be set"
            raise DomainError(
                "INVALID_UPDATE_MASK",
                text,
                kind=ErrorKind.INVALID,
                violations=[Violation("update_mask", text)],
            )
        change[path] = _rule_from(path, getattr(message, path)) if message.HasField(path) else None
    return change


def protections_to_proto(account: AccountName, protections: Protections) -> protection_pb2.Protections:
    """Write the rules of an account."""
    message = protection_pb2.Protections(name=f"{account}/protections", version=protections.version)
    if protections.update_time is not None:
        message.update_time.CopyFrom(to_timestamp(protections.update_time))
    for name in _RULES:
        rule = getattr(protections, name)
        if rule is not None:
            _rule_to(rule, getattr(message, name))
    return message


def lock_from_proto(request: risk_service_pb2.CreateLockRequest, now: datetime) -> Lock:
    """Read a lock made by hand; its id is that of the request.

    Raises:
        DomainError: INVALID_NAME.
    """
    return Lock(
        lock_id=request.request_id.lower(),
        account=AccountName.parse(request.parent, field="parent").account,
        instrument=str(InstrumentName.parse(request.instrument)) if request.instrument else "",
        strategy=StrategyName.parse(request.strategy).strategy if request.strategy else "",
        source=MANUAL,
        reason=request.reason,
        create_time=now,
        expire_time=to_datetime(request.expire_time),
    )


def lock_to_proto(lock: Lock) -> protection_pb2.Lock:
    """Write a lock."""
    return protection_pb2.Lock(
        name=f"accounts/{lock.account}/locks/{lock.lock_id}",
        instrument=lock.instrument,
        strategy=_strategy(lock.strategy),
        source=lock.source,
        reason=lock.reason,
        create_time=to_timestamp(lock.create_time),
        expire_time=to_timestamp(lock.expire_time),
    )


def parameters_from_proto(message: metrics_pb2.MetricsParameters) -> Parameters:
    """Read how losses are looked at; what is left out has its default."""
    default = Parameters()
    return Parameters(
        confidence=parse(message.confidence) if message.confidence else default.confidence,
        interval=message.interval or default.interval,
        horizon=message.horizon or default.horizon,
        window=message.window or default.window,
    )


def metrics_to_proto(
    account: AccountName, measured: Measured, read_time: datetime
) -> metrics_pb2.RiskMetrics:
    """Write what an account has at stake."""
    found, tail, parameters = measured.found, measured.tail, measured.parameters
    gross, known = found.gross(), not found.missing
    return metrics_pb2.RiskMetrics(
        name=f"{account}/riskMetrics",
        equity_amount="" if measured.worth.missing else render(measured.worth.amount),
        gross_notional=render(gross) if known else "",
        net_notional=render(found.net()) if known else "",
        venues=[
            metrics_pb2.VenueExposure(
                venue=f"venues/{venue}",
                gross_notional=render(found.gross(venue)),
                net_notional=render(found.net(venue)),
            )
            for venue in sorted({name.venue for name in found.values})
        ],
        instruments=[
            metrics_pb2.InstrumentShare(
                instrument=str(name),
                notional=render(value),
                share=render(divide(value.copy_abs(), gross)) if known and gross > ZERO else "",
            )
            for name, value in sorted(found.values.items(), key=lambda item: -item[1].copy_abs())
        ],
        value_at_risk_amount="" if tail is None else render(tail.value_at_risk),
        expected_shortfall_amount="" if tail is None else render(tail.expected_shortfall),
        parameters=metrics_pb2.MetricsParameters(
            confidence=render(parameters.confidence),
            interval=parameters.interval,
            horizon=parameters.horizon,
            window=parameters.window,
        ),
        sample_count=0 if tail is None else tail.samples,
        missing_prices=measured.missing,
        read_time=to_timestamp(read_time),
    )


def scenarios_from_proto(
    request: risk_service_pb2.RunStressRequest,
) -> Mapping[str, Mapping[str, Decimal]]:
    """Read the scenarios: the named ones, and the given shocks as one more; all named where none is."""
    names = list(request.scenarios) or ([] if request.shocks else list(SCENARIOS))
    scenarios = {name: SCENARIOS[name] for name in names}
    if request.shocks:
        scenarios[GIVEN] = {shock.asset: parse(shock.price_change) for shock in request.shocks}
    return scenarios


def stressed_to_proto(stressed: Stressed) -> metrics_pb2.StressResult:
    """Write what a scenario would do."""
    return metrics_pb2.StressResult(
        scenario=stressed.scenario,
        shocks=[
            metrics_pb2.Shock(asset=asset, price_change=render(change))
            for asset, change in stressed.shocks.items()
        ],
        profit_amount=_written(stressed.profit),
        equity_amount=_written(stressed.equity),
        missing_prices=stressed.missing,
    )


def _rule_from(name: str, message: Any) -> Any:
    values: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if isinstance(value, Duration):
            values[field.name] = value.ToTimedelta()
        else:
            values[field.name] = parse(value) if field.name in _AMOUNTS else value
    return _RULES[name](**values)


def _rule_to(rule: Any, message: Any) -> None:
    message.SetInParent()
    for field in message.DESCRIPTOR.fields:
        value = getattr(rule, field.name)
        if field.name in _SPANS:
            getattr(message, field.name).FromTimedelta(value)
        else:
            setattr(message, field.name, render(value) if field.name in _AMOUNTS else value)


def _contract_to_proto(contract: Contract) -> contract_pb2.ContractTerms:
    return contract_pb2.ContractTerms(
        kind=contract_pb2.INSTRUMENT_KIND_PERPETUAL,
        contract_size=render(contract.size),
        settle_asset=contract.settle,
        inverse=contract.inverse,
    )


def _strategy(strategy_id: str) -> str:
    return f"strategies/{strategy_id}" if strategy_id else ""


def _written(amount: Decimal | None) -> str:
    return "" if amount is None else render(amount)
