"""kill -9 while it trades: the dead one comes back, and nothing is lost or done twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.account_books import ACCOUNT, check_books, pages, read_books
from tests.support.mesh import wait_until
from tests.support.recorded_mesh import RecordedMesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
_ORDERS = 12
_KILL_AFTER = 3


@pytest.fixture
def trading(recorded_mesh: RecordedMesh) -> Iterator[RecordedMesh]:
    recorded_mesh.start_trading()
    recorded_mesh.wait_filled_cycles(1)
    yield recorded_mesh
    recorded_mesh.start_trading()


@pytest.mark.parametrize("service", ["portfolio", "exchange"])
async def test_a_crash_loses_and_repeats_nothing(trading: RecordedMesh, service: str, tmp_path: Path) -> None:
    (before,) = trading.harness.instances(service)
    crash = f"crash-{uuid4().hex[:8]}"
    with ThreadPoolExecutor(4) as pool:
        placed = [
            pool.submit(_place_until_answered, trading, f"{crash}-{number}") for number in range(_ORDERS)
        ]
        wait_until(lambda: sum(one.done() for one in placed) >= _KILL_AFTER, "some orders placed")
        trading.harness.kill(service)
        orders = [one.result() for one in placed]
    (after,) = trading.harness.wait_serving(service)
    assert after.restarts == before.restarts + 1

    trading.wait_filled_cycles(2)
    trading.come_to_rest()
    books = read_books(trading.stubs)
    check_books(books, await trading.venue_fills(tmp_path))
    ours = [order for order in books.orders if order.correlation_id.startswith(crash)]
    assert len(ours) == _ORDERS
    assert {order.name for order in ours} == {order["name"] for order in orders}
    assert {order.filled_quantity for order in ours} == {"0.0002"}


def _place_until_answered(mesh: RecordedMesh, correlation_id: str) -> dict[str, Any]:
    """A market order, sent again with the same request id until somebody answers."""
    body = mesh.rest_order("0.0002")
    del body["order"]["limit"]
    body["order"]["market"] = {}

    def sent() -> Any:
        headers = {"x-correlation-id": correlation_id}
        answer = mesh.rest.send("POST", f"/v1/{ACCOUNT}/orders", body, headers, within=30)
        return answer.json if answer.status == 200 else None

    return dict(wait_until(sent, "an answer", 60))


def test_the_list_of_orders_is_the_same_twice(recorded_mesh: RecordedMesh) -> None:
    """Paging over a list that grows shows each order once."""
    names = [order.name for order in pages(recorded_mesh.stubs, "ExchangeService.ListOrders", "orders")]
    assert len(set(names)) == len(names)
