"""The emergency stop: halts the account, cancels what is open, and StartTrading ends it."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.account_books import ACCOUNT
from tests.support.recorded_mesh import RecordedMesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_it_halts_and_cancels_and_start_resumes(recorded_mesh: RecordedMesh) -> None:
    recorded_mesh.start_trading()
    resting = [recorded_mesh.resting_order() for _ in range(3)]
    try:
        stopped = _control(recorded_mesh, "emergencyStop", "smoke in the server room")
        assert stopped["mode"] == "TRADING_MODE_EMERGENCY_STOPPED"
        assert stopped["reason"] == "smoke in the server room"
        assert stopped["unconfirmed_cancels"] == []
        for name in resting:
            assert recorded_mesh.rest.send("GET", f"/v1/{name}").json["state"] == "ORDER_STATE_CANCELLED"
        exposure = recorded_mesh.rest.send("GET", f"/v1/{ACCOUNT}/exposure").json
        assert exposure["open_order_count"] == 0
        assert exposure["trading_state"]["mode"] == "TRADING_MODE_HALTED"

        denied = recorded_mesh.rest.send("POST", f"/v1/{ACCOUNT}/orders", recorded_mesh.rest_order())
        assert (denied.status, denied.json["state"]) == (200, "ORDER_STATE_DENIED")
        assert denied.json["reason"] == "TRADING_HALTED"
        assert denied.json["venue_order_id"] == ""
    finally:
        running = _control(recorded_mesh, "start", "it was only toast")
    assert running["mode"] == "TRADING_MODE_RUNNING"
    exposure = recorded_mesh.rest.send("GET", f"/v1/{ACCOUNT}/exposure").json
    assert exposure["trading_state"]["mode"] == "TRADING_MODE_ACTIVE"
    recorded_mesh.wait_filled_cycles(1)


def _control(mesh: RecordedMesh, verb: str, reason: str) -> dict[str, Any]:
    body = {"request_id": str(uuid4()), "reason": reason}
    answer = mesh.rest.send("POST", f"/v1/trading:{verb}", body)
    assert answer.status == 200, answer.text
    return dict(answer.json)
