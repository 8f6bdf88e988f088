"""Two instances of every service: any one of them may go at any time, and no call fails."""

import json
import os
import signal
import urllib.request
from uuid import uuid4

import pytest

from tests.support.hurt_mesh import SERVICES, HurtMesh
from tests.support.mesh import wait_until
from tests.support.order_load import OrderLoad
from tests.support.read_load import GRPC, REST, XDS, LoadReport

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RATE = 60.0
_INSTRUMENT = "venues/sim/instruments/btc-usdt"
_ORDERS = "/v1/accounts/paper/orders"
CHECK_TTL_S = 10.0


def test_scaling_there_and_back(pair: HurtMesh) -> None:
    with pair.caller.load(RATE) as load:
        pair.harness.supervisor.scale("market", 3)
        pair.harness.wait_serving("market", 3)
        pair.wait_called("market", 3)
        pair.harness.supervisor.scale("market", 2)
        assert [row.slot for row in pair.harness.instances("market")] == [1, 2]
        load.more(20)
    _none_failed(load.report())


@pytest.mark.parametrize("service", SERVICES)
def test_one_of_two_is_killed(pair: HurtMesh, service: str) -> None:
    with pair.caller.load(RATE) as load:
        for slot in (1, 2):
            pair.kill(service, slot)
            pair.wait_called(service, slot)
    report = load.report()
    _none_failed(report)
    assert report.calls.keys() == {XDS, GRPC, REST}


def test_the_control_plane_is_killed(pair: HurtMesh) -> None:
    with pair.caller.load(RATE) as load:
        pair.kill("controlplane")
        _none_failed(load.report())
        # It is followed again: by channels and by the edge.
        pair.kill("market", 1)
        pair.wait_called("market", 1)
        wait_until(lambda: _calls_through_edge(pair, "market", 1), "calls through the edge")
        edge = _calls_through_edge(pair, "market", 1)
        wait_until(lambda: pair.calls_of("market", 1) > edge + 5, "calls past the edge")
    _none_failed(load.report())


def test_consul_is_killed(pair: HurtMesh) -> None:
    before = _registered(pair)
    with pair.caller.load(RATE) as load:
        pair.kill("consul")
        wait_until(lambda: _registered(pair) == before, "the registrations are back")
        _none_failed(load.report())
        pair.kill("market", 2)
        pair.wait_called("market", 2)
    _none_failed(load.report())
    assert len(_registered(pair)) == len(before)


def test_consul_is_away_for_longer(pair: HurtMesh) -> None:
    """Frozen for longer than a health check lasts: what was known last stays in use."""
    (consul,) = pair.harness.instances("consul")
    with pair.caller.load(RATE) as load:
        os.kill(consul.pid, signal.SIGSTOP)
        try:
            _none_failed(load.more(int(CHECK_TTL_S * 1.2 * RATE / 4)))
        finally:
            os.kill(consul.pid, signal.SIGCONT)
        pair.wait_all_serving()
        pair.kill("market", 1)
        pair.wait_called("market", 1)
    _none_failed(load.report())


def test_cancels_pass_while_all_that_they_do_not_need_is_away(pair: HurtMesh) -> None:
    """Consul, the control plane, risk and market are frozen: the exchange and the venue are enough."""
    bid = float(pair.harness.get(f"v1/{_INSTRUMENT}/ticker")["bid_price"])
    order = {
        "instrument": _INSTRUMENT,
        "side": "SIDE_BUY",
        "quantity": "0.001",
        "limit": {"price": str(int(bid * 0.97))},
    }
    resting = []
    for _ in range(3):
        body = {"request_id": str(uuid4()), "order": order}
        resting.append(pair.rest.send("POST", _ORDERS, body).json["name"])
    away = ("consul", "controlplane", "risk", "market")
    frozen = [row.pid for service in away for row in pair.harness.instances(service)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        # Twice, so that it comes to the writer and to the other instance.
        answers = [
            pair.rest.send("POST", f"{_ORDERS}:cancelAll", {"request_id": str(uuid4())}) for _ in range(2)
        ]
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert [(each.status, each.json["complete"]) for each in answers] == [(200, True), (200, True)]
    taken_back = {each["name"]: each["state"] for each in answers[0].json["orders"]}
    assert set(resting) <= taken_back.keys()
    assert {taken_back[name] for name in resting} == {"ORDER_STATE_CANCELLED"}
    pair.wait_all_serving()


def test_envoy_is_killed(pair: HurtMesh) -> None:
    with pair.caller.load(RATE) as load:
        pair.kill_envoy()
        pair.eventually(lambda: pair.harness.get("v1/trading/status"), "the edge answers")
        # Each way in has found the new one.
        hurt = load.more(1)
        assert hurt.failed_at(XDS) == []
        assert load.more(20).failures == hurt.failures
    assert load.report().failures == hurt.failures


def test_orders_survive_the_writer(pair: HurtMesh) -> None:
    """The exchange's writer is killed: the other instance takes over, and every caller gets an answer."""
    with OrderLoad(pair.harness.edge, seed=7).running() as orders:
        for slot in (1, 2, 1):
            count = len(orders.acknowledged)
            pair.kill("exchange", slot)
            wait_until(lambda: len(orders.acknowledged) > count + 5, "orders go on", 60)  # noqa: B023
        pair.wait_filled_cycles(1)
    evidence = pair.check(orders.acknowledged)
    assert not any("writer" in trouble for trouble in orders.troubles), orders.troubles
    assert len(evidence.books.orders) > len(orders.acknowledged)


def test_nothing_is_doubled(pair: HurtMesh) -> None:
    """After everything above: one runner, one writer, one effect of each event."""
    pair.wait_filled_cycles(2)
    evidence = pair.check()
    signals = [event.subject for event in evidence.logs["strategy"]]
    assert len(set(signals)) == len(signals)
    names = [fill.name for fill in evidence.books.fills]
    booked = [entry.source for entry in evidence.books.ledger if "/fills/" in entry.source]
    assert set(booked) == set(names)


def _none_failed(report: LoadReport) -> None:
    assert report.failures == [], f"{len(report.failures)} of {report.calls}"


def _calls_through_edge(pair: HurtMesh, service: str, slot: int) -> int:
    """Calls that Envoy has sent to an instance."""
    row = next(row for row in pair.harness.instances(service) if row.slot == slot)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{pair.harness.admin}/clusters?format=json", timeout=5) as answer:
        clusters = json.load(answer)["cluster_statuses"]
    for cluster in clusters:
        for host in cluster.get("host_statuses", []):
            address = host["address"].get("socket_address", {})
            if cluster["name"] == service and address.get("port_value") == row.ports["grpc"]:
                stats = {one["name"]: int(one.get("value", 0)) for one in host["stats"]}
                return stats["rq_total"]
    return 0


def _registered(pair: HurtMesh) -> set[str]:
    """Ids of the instances that Consul calls healthy."""
    token = (pair.harness.state_dir / "consul" / "tokens" / "management").read_text()
    request = urllib.request.Request(
        f"http://127.0.0.1:{pair.harness.consul}/v1/health/state/passing", headers={"X-Consul-Token": token}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=5) as answer:
        return {check["ServiceID"] for check in json.load(answer) if check["ServiceID"]}
