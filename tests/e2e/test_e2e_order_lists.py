"""A bracket through Envoy, exchange, risk, market and the simulated venue."""

from decimal import Decimal
from uuid import uuid4

from trademesh.exchange.v1 import order_pb2

from tests.support.account_books import ACCOUNT
from tests.support.recorded_mesh import INSTRUMENT, RecordedMesh


def test_what_a_bracket_buys_is_protected_when_it_is_answered(recorded_mesh: RecordedMesh) -> None:
    bid = Decimal(recorded_mesh.call("MarketService.GetTicker", name=f"{INSTRUMENT}/ticker").bid_price)
    order = {"instrument": INSTRUMENT, "quantity": "0.002"}
    above, below = (str((bid * part).quantize(Decimal(1))) for part in (Decimal("1.04"), Decimal("0.96")))
    answer = recorded_mesh.call(
        "ExchangeService.CreateOrders",
        parent=ACCOUNT,
        request_id=str(uuid4()),
        contingency="CONTINGENCY_BRACKET",
        orders=[
            order | {"side": "SIDE_BUY", "market": {}},
            order | {"side": "SIDE_SELL", "limit": {"price": above}},
            order | {"side": "SIDE_SELL", "stop_market": {"trigger": {"price": below}}},
        ],
    )
    entry, profit, stop = (result.order for result in answer.results)
    assert entry.state == order_pb2.ORDER_STATE_FILLED
    assert not entry.unprotected
    assert (profit.state, profit.quantity) == (order_pb2.ORDER_STATE_OPEN, "0.002")
    assert (stop.state, stop.handling) == (
        order_pb2.ORDER_STATE_HELD,
        order_pb2.ORDER_HANDLING_EMULATED,
    )
    for leg in (profit, stop):
        recorded_mesh.call("ExchangeService.CancelOrder", name=leg.name, request_id=str(uuid4()))
