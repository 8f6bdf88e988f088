"""Converting to the wire, to stored answers, and back loses nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st
from trademesh.strategy.v1 import strategy_pb2, strategy_service_pb2

from services.kernel.decimals import EXACT
from services.kernel.errors import DomainError
from services.kernel.names import InstrumentName, StrategyName
from services.strategy import convert
from services.strategy.domain.signal import Signal, SignalDraft
from services.strategy.domain.sma import Side, SmaCross
from services.strategy.domain.strategy import Definition, Strategy, StrategyState
from tests.support.strategy import DEFINITION

_ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_instruments = st.builds(InstrumentName, _ids, _ids)
_amounts = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places, EXACT), st.integers(1, 10**20), st.integers(0, 18)
)
_times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - the zone is added
_rules = st.integers(1, 499).flatmap(
    lambda fast: st.builds(SmaCross, st.just(fast), st.integers(fast + 1, 1000))
)
_definitions = st.builds(Definition, _instruments, st.sampled_from(["1s", "1h"]), _amounts, _rules)
_strategies = st.builds(
    Strategy,
    st.builds(StrategyName, _ids),
    _definitions,
    st.sampled_from(StrategyState),
    st.text(max_size=20),
    _times,
    _times,
)
_drafts = st.builds(
    SignalDraft,
    st.uuids(),
    st.builds(StrategyName, _ids),
    _instruments,
    st.sampled_from(Side),
    _amounts,
    _amounts,
    _amounts,
    _amounts,
    _times,
    st.text(max_size=20),
)


@given(_strategies)
def test_strategies(value: Strategy) -> None:
    assert convert.strategy_from_proto(convert.strategy_to_proto(value)) == value


@given(st.builds(Signal, _drafts, _times, st.integers(1, 2**62)))
def test_signals(value: Signal) -> None:
    assert convert.signal_from_proto(convert.signal_to_proto(value)) == value


@given(_definitions, st.sets(st.sampled_from(convert.FIELDS)))
def test_an_update_sets_the_named_fields_and_no_other(wanted: Definition, named: set[str]) -> None:
    request = strategy_service_pb2.UpdateStrategyRequest(
        strategy=convert.definition_to_proto(wanted), update_mask=FieldMask(paths=named)
    )
    result = convert.redefinition_of(request)(DEFINITION)
    source = {path: wanted if path in named or not named else DEFINITION for path in convert.FIELDS}
    assert result == Definition(
        source["instrument"].instrument,
        source["candle_interval"].candle_interval,
        source["quantity"].quantity,
        source["sma_cross"].rule,
    )


@pytest.mark.parametrize("path", ["name", "state", "etag", "nonsense", "sma_cross.fast_period"])
def test_a_mask_that_names_anything_else_is_refused(path: str) -> None:
    request = strategy_service_pb2.UpdateStrategyRequest(update_mask=FieldMask(paths=[path]))
    with pytest.raises(DomainError) as caught:
        convert.redefinition_of(request)
    assert caught.value.reason == "INVALID_UPDATE_MASK"


def test_a_named_field_that_is_empty_breaks_the_contract() -> None:
    request = strategy_service_pb2.UpdateStrategyRequest(
        strategy=strategy_pb2.Strategy(), update_mask=FieldMask(paths=["quantity"])
    )
    with pytest.raises(DomainError) as caught:
        convert.redefinition_of(request)(DEFINITION)
    assert caught.value.reason == "INVALID_REQUEST"
