"""Values of the domain as rows, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.kernel.names import InstrumentName, StrategyName
from services.strategy.domain.signal import Signal, SignalDraft
from services.strategy.domain.sma import Side, SmaCross
from services.strategy.domain.strategy import Definition, Strategy, StrategyState


def strategy_values(strategy: Strategy) -> Mapping[str, Any]:
    """The columns of a strategy."""
    definition = strategy.definition
    return {
        "strategy_id": strategy.name.strategy,
        "instrument": str(definition.instrument),
        "candle_interval": definition.candle_interval,
        "quantity": definition.quantity,
        "fast_period": definition.rule.fast_period,
        "slow_period": definition.rule.slow_period,
        "state": strategy.state.value,
        "etag": strategy.etag,
        "create_time": strategy.create_time,
        "update_time": strategy.update_time,
    }


def strategy_of(values: Mapping[Any, Any]) -> Strategy:
    """The strategy of its columns."""
    return Strategy(
        name=StrategyName(values["strategy_id"]),
        definition=Definition(
            instrument=InstrumentName.parse(values["instrument"]),
            candle_interval=values["candle_interval"],
            quantity=values["quantity"],
            rule=SmaCross(values["fast_period"], values["slow_period"]),
        ),
        state=StrategyState(values["state"]),
        etag=values["etag"],
        create_time=values["create_time"],
        update_time=values["update_time"],
    )


def signal_values(signal: Signal, run: int, candle_open_time: datetime) -> Mapping[str, Any]:
    """The columns of a signal."""
    draft = signal.draft
    return {
        "sequence": signal.sequence,
        "signal_id": str(draft.signal_id),
        "strategy_id": draft.strategy.strategy,
        "run": run,
        "candle_open_time": candle_open_time,
        "instrument": str(draft.instrument),
        "side": draft.side.value,
        "quantity": draft.quantity,
        "reference_price": draft.reference_price,
        "fast_average": draft.fast_average,
        "slow_average": draft.slow_average,
        "exchange_time": draft.exchange_time,
        "create_time": signal.create_time,
        "correlation_id": draft.correlation_id,
    }


def signal_of(row: Row[Any]) -> Signal:
    """The signal of its row."""
    draft = SignalDraft(
        signal_id=UUID(row.signal_id),
        strategy=StrategyName(row.strategy_id),
        instrument=InstrumentName.parse(row.instrument),
        side=Side(row.side),
        quantity=row.quantity,
        reference_price=row.reference_price,
        fast_average=row.fast_average,
        slow_average=row.slow_average,
        exchange_time=row.exchange_time,
        correlation_id=row.correlation_id,
    )
    return Signal(draft, row.create_time, row.sequence)
