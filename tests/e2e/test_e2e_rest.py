"""REST as a stranger meets it: an order, everything one can get wrong, a stream, gRPC-Web."""

import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from trademesh.market.v1 import market_service_pb2, ticker_pb2

from tests.support.account_books import ACCOUNT, pages
from tests.support.doors import Answer
from tests.support.recorded_mesh import INSTRUMENT, RecordedMesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
ORDERS = f"/v1/{ACCOUNT}/orders"
_INVALID_ARGUMENT = 3
Body = dict[str, Any]


@pytest.fixture(scope="module")
def quiet(recorded_mesh: RecordedMesh) -> Iterator[RecordedMesh]:
    """The mesh while its strategy makes no orders, so that orders can be counted."""
    recorded_mesh.come_to_rest()
    yield recorded_mesh
    recorded_mesh.come_to_rest()
    recorded_mesh.start_trading()


def test_an_order_and_its_repeats(quiet: RecordedMesh) -> None:
    before = _count(quiet)
    body = quiet.rest_order("0.01")
    first = quiet.rest.send("POST", ORDERS, body)
    assert first.status == 200
    order = first.json
    assert order["name"].startswith(f"{ACCOUNT}/orders/")
    assert (order["state"], order["filled_quantity"], order["average_price"]) == ("ORDER_STATE_OPEN", "0", "")
    assert order["limit"]["price"] == body["order"]["limit"]["price"]

    again = quiet.rest.send("POST", ORDERS, body)
    assert (again.status, again.json) == (200, order)
    other = quiet.rest.send("POST", ORDERS, body | {"order": body["order"] | {"quantity": "0.02"}})
    _check_error(other, 409, 6, "REQUEST_ID_REUSED", "exchange.trademesh")
    assert _count(quiet) == before + 1

    cancelled = quiet.rest.send("POST", f"/v1/{order['name']}:cancel", {"request_id": str(uuid4())})
    assert (cancelled.status, cancelled.json["state"]) == (200, "ORDER_STATE_CANCELLED")


def test_orders_are_taken_back_by_client_order_id_and_all_at_once(quiet: RecordedMesh) -> None:
    body = quiet.rest_order()
    preview = quiet.rest.send("POST", f"{ORDERS}:preview", {"order": body["order"]}).json
    assert (preview["approved"], preview["takes_liquidity"], preview["fee_asset"]) == (True, False, "usdt")
    one, other = (quiet.rest.send("POST", ORDERS, quiet.rest_order()).json for _ in range(2))
    cancelled = quiet.rest.send(
        "POST",
        f"{ORDERS}:cancel",
        {
            "request_id": str(uuid4()),
            "venue": "venues/sim",
            "client_order_id": one["client_order_id"],
        },
    )
    assert (cancelled.status, cancelled.json["name"]) == (200, one["name"])
    assert cancelled.json["state"] == "ORDER_STATE_CANCELLED"
    swept = quiet.rest.send("POST", f"{ORDERS}:cancelAll", {"request_id": str(uuid4())}).json
    assert swept["complete"]
    assert other["name"] in {order["name"] for order in swept["orders"]}
    assert quiet.rest.send("GET", f"/v1/{ACCOUNT}/venuePositions").json["positions"] == []


def test_a_market_order_fills_at_once(quiet: RecordedMesh) -> None:
    body = quiet.rest_order("0.01")
    del body["order"]["limit"]
    body["order"]["market"] = {}
    order = quiet.rest.send("POST", ORDERS, body).json
    assert (order["state"], order["filled_quantity"]) == ("ORDER_STATE_FILLED", "0.01")
    fills = quiet.rest.send("GET", f"/v1/{ACCOUNT}/fills?order={order['name']}").json["fills"]
    assert sum(float(fill["quantity"]) for fill in fills) == pytest.approx(0.01)


def test_a_field_nobody_knows_changes_nothing_but_a_misspelt_kind_is_refused(quiet: RecordedMesh) -> None:
    """Envoy leaves unknown body fields out; order kinds are a oneof, so that this cannot hurt."""
    body = quiet.rest_order()
    body["order"]["colour"] = "blue"
    assert quiet.rest.send("POST", ORDERS, body).json["state"] == "ORDER_STATE_OPEN"
    before = _count(quiet)
    wrong = quiet.rest_order()
    wrong["order"]["limitt"] = wrong["order"].pop("limit")
    _check_error(
        quiet.rest.send("POST", ORDERS, wrong),
        400,
        _INVALID_ARGUMENT,
        "INVALID_REQUEST",
        "exchange.trademesh",
    )
    assert _count(quiet) == before


def _price(value: Any) -> Callable[[Body], None]:
    return lambda body: body["order"].__setitem__("limit", {"price": value})


def _quantity(value: Any) -> Callable[[Body], None]:
    return lambda body: body["order"].__setitem__("quantity", value)


def _without(*steps: str) -> Callable[[Body], None]:
    def leave_out(body: Body) -> None:
        for step in steps[:-1]:
            body = body[step]
        del body[steps[-1]]

    return leave_out


_BY_CONTRACT = ("INVALID_REQUEST", "exchange.trademesh")
_BY_EDGE = ("INVALID_ARGUMENT", "edge.trademesh")
WRONG_BODIES: dict[str, tuple[Callable[[Body], None], tuple[str, str]]] = {
    "exponent": (_price("1e5"), _BY_CONTRACT),
    "NaN": (_price("NaN"), _BY_CONTRACT),
    "Infinity": (_price("Infinity"), _BY_CONTRACT),
    "leading zero": (_price("01"), _BY_CONTRACT),
    "no digit before the point": (_price(".5"), _BY_CONTRACT),
    "spaces": (_price(" 60000"), _BY_CONTRACT),
    "plus sign": (_price("+60000"), _BY_CONTRACT),
    "negative price": (_price("-1"), _BY_CONTRACT),
    "price of zero": (_price("0"), _BY_CONTRACT),
    "too many digits": (_price("1" * 39), _BY_CONTRACT),
    "no amount": (_price(""), _BY_CONTRACT),
    "a number instead of a decimal string": (_price(60000.1), _BY_EDGE),
    "true": (_price(True), _BY_EDGE),
    "price off the tick": (_price("50000.001"), ("PRICE_OFF_TICK", "exchange.trademesh")),
    "quantity off the lot": (_quantity("0.000001"), ("QUANTITY_OFF_LOT", "exchange.trademesh")),
    "negative quantity": (_quantity("-0.01"), _BY_CONTRACT),
    "no quantity": (_without("order", "quantity"), _BY_CONTRACT),
    "no kind": (_without("order", "limit"), _BY_CONTRACT),
    "no request_id": (_without("request_id"), _BY_CONTRACT),
    "no order": (_without("order"), _BY_CONTRACT),
    "two kinds": (lambda body: body["order"].__setitem__("market", {}), _BY_EDGE),
    "unknown side": (lambda body: body["order"].__setitem__("side", "SIDE_UP"), _BY_EDGE),
    "request_id that is no uuid": (lambda body: body.__setitem__("request_id", "1"), _BY_CONTRACT),
}


@pytest.mark.parametrize("name", WRONG_BODIES)
def test_a_wrong_order_is_refused_and_changes_nothing(quiet: RecordedMesh, name: str) -> None:
    spoil, (reason, domain) = WRONG_BODIES[name]
    before = _count(quiet)
    body = quiet.rest_order()
    spoil(body)
    _check_error(quiet.rest.send("POST", ORDERS, body), 400, _INVALID_ARGUMENT, reason, domain)
    assert _count(quiet) == before


WRONG_REQUESTS: dict[str, tuple[str, str, bytes | None, int, int, str]] = {
    "garbage": ("POST", ORDERS, b"not json{", 400, 3, "edge.trademesh"),
    "broken UTF-8": ("POST", ORDERS, b'{"request_id": "\xff\xfe"}', 400, 3, "edge.trademesh"),
    "a list": ("POST", ORDERS, b"[]", 400, 3, "edge.trademesh"),
    "empty": ("POST", ORDERS, b"", 400, 3, "exchange.trademesh"),
    "unknown query parameter": ("GET", f"{ORDERS}?colour=blue", None, 400, 3, "edge.trademesh"),
    "query parameter of another type": ("GET", f"{ORDERS}?page_size=many", None, 400, 3, "edge.trademesh"),
    "page too large": ("GET", f"{ORDERS}?page_size=100000", None, 400, 3, "exchange.trademesh"),
    "foreign page token": ("GET", f"{ORDERS}?page_token=abc", None, 400, 3, "exchange.trademesh"),
    "unknown path": ("GET", "/v1/horoscopes", None, 404, 5, "edge.trademesh"),
    "wrong method": ("DELETE", ORDERS, None, 404, 5, "edge.trademesh"),
    "internal rpc": (
        "POST",
        "/trademesh.simvenue.v1.SimvenueService/PlaceOrder",
        b"{}",
        404,
        5,
        "edge.trademesh",
    ),
    "unknown order": ("GET", f"{ORDERS}/{uuid4()}", None, 404, 5, "exchange.trademesh"),
    "unknown account": ("GET", "/v1/accounts/nobody/portfolio", None, 404, 5, "portfolio.trademesh"),
    "unknown instrument": ("GET", "/v1/venues/sim/instruments/x-y/ticker", None, 404, 5, "market.trademesh"),
    "name in capitals": ("GET", "/v1/accounts/PAPER/limits", None, 400, 3, "risk.trademesh"),
}


@pytest.mark.parametrize("name", WRONG_REQUESTS)
def test_a_wrong_request_has_the_one_error_shape(quiet: RecordedMesh, name: str) -> None:
    method, target, body, status, code, domain = WRONG_REQUESTS[name]
    before = _count(quiet)
    _check_error(quiet.rest.send(method, target, body), status, code, None, domain)
    assert _count(quiet) == before


def test_a_stream_is_json_lines_and_says_that_it_ends(recorded_mesh: RecordedMesh) -> None:
    """The reader of a stream over HTTP/1.1 sees no status: the last frame tells it apart from a cut."""
    (before,) = recorded_mesh.harness.instances("market")
    target = f"/v1/{INSTRUMENT}:watch?kinds=MARKET_EVENT_KIND_TICKER&min_update_interval=0.2s"
    restart = threading.Thread(target=recorded_mesh.harness.run, args=("restart", "market"))
    with recorded_mesh.rest.lines(target, within=60) as lines:
        assert next(lines)["ticker"]["name"] == f"{INSTRUMENT}/ticker"
        restart.start()
        frames = list(lines)
    restart.join()
    assert all(frame.keys() == {"ticker"} for frame in frames[:-1])
    assert frames[-1]["end"]["reason"] == "SERVER_DRAINING"
    (after,) = recorded_mesh.harness.wait_serving("market")
    assert after.pid != before.pid
    assert recorded_mesh.rest.send("GET", f"/v1/{INSTRUMENT}/ticker").status == 200


def test_grpc_web(recorded_mesh: RecordedMesh) -> None:
    request = market_service_pb2.GetTickerRequest(name=f"{INSTRUMENT}/ticker").SerializeToString()
    answer = recorded_mesh.rest.send(
        "POST",
        "/trademesh.market.v1.MarketService/GetTicker",
        b"\0" + struct.pack(">I", len(request)) + request,
        {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
    )
    assert (answer.status, answer.headers["content-type"]) == (200, "application/grpc-web+proto")
    (kind, message), (last, trailers) = _web_frames(answer.text)
    assert (kind, last) == (0, 0x80)
    assert ticker_pb2.Ticker.FromString(message).name == f"{INSTRUMENT}/ticker"
    assert b"grpc-status:0" in trailers


def _web_frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        kind, length = struct.unpack(">BI", data[:5])
        yield kind, data[5 : 5 + length]
        data = data[5 + length :]


def _check_error(answer: Answer, status: int, code: int, reason: str | None, domain: str) -> None:
    """The shape of every error: google.rpc.Status with exactly one ErrorInfo."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json
    assert error.keys() == {"code", "message", "details"}
    assert error["code"] == code
    assert error["message"]
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    (info,) = [detail for detail in error["details"] if detail["@type"] == kind]
    assert info["domain"] == domain
    assert info["reason"]
    if reason is not None:
        assert info["reason"] == reason


def _count(mesh: RecordedMesh) -> int:
    return len(pages(mesh.stubs, "ExchangeService.ListOrders", "orders"))
