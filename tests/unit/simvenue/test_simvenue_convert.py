"""Nothing is lost on the way to the wire; every word of the domain has one there."""

import re
from decimal import Decimal
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from trademesh.simvenue.v1 import error_reason_pb2, market_data_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as pb

import services.simvenue
from services.kernel.decimals import render
from services.simvenue import convert
from services.simvenue.domain.candles import Interval
from services.simvenue.domain.orders import (
    LimitTerms,
    MarketTerms,
    NewOrder,
    Order,
    StopLimitTerms,
    StopMarketTerms,
)
from services.simvenue.domain.terms import CloseReason, OrderStatus, SelfTrade, Side, TimeInForce

AMOUNTS = st.decimals("0.00000001", "99999999", places=8).map(lambda amount: Decimal(render(amount)))
TIMES = st.integers(0, 4_000_000_000 * 10**9)
LIMITS = st.builds(
    LimitTerms,
    price=AMOUNTS,
    time_in_force=st.sampled_from(TimeInForce),
    post_only=st.booleans(),
    expire_ns=st.none() | TIMES,
    display=st.none() | AMOUNTS,
)
TERMS = st.one_of(
    st.just(MarketTerms()),
    LIMITS,
    st.builds(
        StopMarketTerms,
        trigger=AMOUNTS,
        time_in_force=st.sampled_from(TimeInForce),
        expire_ns=st.none() | TIMES,
    ),
    st.builds(StopLimitTerms, trigger=AMOUNTS, limit=LIMITS),
)
REQUESTS = st.builds(
    NewOrder,
    client_order_id=st.from_regex(r"[A-Za-z0-9._:/-]{1,36}", fullmatch=True),
    symbol=st.sampled_from(["btc-usdt", "eth-usdt"]),
    side=st.sampled_from(Side),
    quantity=AMOUNTS,
    terms=TERMS,
    quote_quantity=st.none() | AMOUNTS,
    self_trade=st.none() | st.sampled_from(SelfTrade),
)


@given(REQUESTS, TIMES, st.sampled_from(OrderStatus), st.sampled_from([None, *CloseReason]))
def test_a_request_comes_back_from_the_order_it_became(
    request: NewOrder, time_ns: int, status: OrderStatus, reason: CloseReason | None
) -> None:
    zero = Decimal(0)
    order = Order(1, "paper", request, status, reason, zero, zero, zero, time_ns, time_ns)
    message = convert.order_to_proto(order)
    back = pb.PlaceOrderRequest(
        account=message.account,
        client_order_id=message.client_order_id,
        symbol=message.symbol,
        side=message.side,
        quantity=message.quantity,
    )
    kind = message.WhichOneof("terms")
    assert kind is not None
    getattr(back, kind).CopyFrom(getattr(message, kind))
    back.quote_quantity = message.quote_quantity
    back.self_trade_prevention = message.self_trade_prevention
    assert convert.new_order_from_proto(back) == request
    assert message.create_time.ToNanoseconds() == time_ns


@given(TIMES)
def test_times_keep_every_nanosecond(time_ns: int) -> None:
    message = convert.time_to(time_ns)
    assert convert.time_from(message) == time_ns
    assert Timestamp.FromString(message.SerializeToString()).ToNanoseconds() == time_ns


def test_states_are_told_apart() -> None:
    zero = Decimal(0)
    request = NewOrder("a", "btc-usdt", Side.BUY, Decimal(1), MarketTerms())
    told = {
        convert.order_to_proto(Order(1, "paper", request, status, None, zero, zero, zero, 1, 1)).status
        for status in OrderStatus
    }
    assert len(told) == len(OrderStatus)
    assert 0 not in told
    values = [value for value in market_data_pb2.CandleInterval.values() if value]
    assert {convert.interval_from_proto(value) for value in values} == set(Interval)


def test_every_reason_that_is_raised_stands_in_the_contract() -> None:
    folder = Path(services.simvenue.__file__).parent
    text = "".join(path.read_text() for path in folder.rglob("*.py"))
    pattern = r'(?:DomainError|_quantity_error|End)\(\s*(?:floor\.now_ns, |time_ns, )?"([A-Z_]+)"'
    raised = set(re.findall(pattern, text))
    assert len(raised) > 12
    known = {
        value.name.removeprefix("ERROR_REASON_") for value in error_reason_pb2.ErrorReason.DESCRIPTOR.values
    }
    assert raised <= known
