"""One correlation id finds every step of a trade in the logs of all services it went through."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.account_books import ACCOUNT
from tests.support.mesh import wait_until
from tests.support.recorded_mesh import RecordedMesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.mark.parametrize("header", ["x-correlation-id", "x-request-id"])
def test_of_an_order_by_rest(recorded_mesh: RecordedMesh, header: str) -> None:
    mine = f"test-{uuid4()}"
    body = recorded_mesh.rest_order("0.001")
    del body["order"]["limit"]
    body["order"]["market"] = {}
    answer = recorded_mesh.rest.send("POST", f"/v1/{ACCOUNT}/orders", body, {header: mine})
    assert answer.status == 200, answer.text
    assert answer.headers["x-correlation-id"] == mine
    assert answer.json["correlation_id"] == mine
    (fill,) = recorded_mesh.rest.send("GET", f"/v1/{ACCOUNT}/fills?order={answer.json['name']}").json["fills"]
    assert fill["correlation_id"] == mine
    for service in ("edge", "exchange", "risk", "simvenue", "portfolio"):
        lines = _wait_logged(recorded_mesh, service, mine)
        assert {line["service"] for line in lines} == {service}
    (served,) = recorded_mesh.logged("edge", mine)
    assert served["path"] == f"/v1/{ACCOUNT}/orders"


def test_of_a_signal(recorded_mesh: RecordedMesh) -> None:
    recorded_mesh.wait_filled_cycles(1)
    answer = recorded_mesh.call("OrchestratorService.ListCycles", states=["CYCLE_STATE_COMPLETED"])
    cycle = answer.cycles[0]
    (signal,) = [
        signal
        for signal in recorded_mesh.call("StrategyService.ListSignals", parent=cycle.strategy).signals
        if signal.name == cycle.signal
    ]
    assert signal.correlation_id == cycle.correlation_id
    for service in ("strategy", "orchestrator", "risk", "exchange", "simvenue", "portfolio"):
        lines = _wait_logged(recorded_mesh, service, cycle.correlation_id)
        assert {line["service"] for line in lines} == {service}


def _wait_logged(mesh: RecordedMesh, service: str, correlation_id: str) -> list[dict[str, Any]]:
    found = wait_until(
        lambda: mesh.logged(service, correlation_id), f"{correlation_id} in the log of {service}", 15
    )
    return list(found)
