"""What Prometheus reads: rate, errors and latency of every rpc, and the state of the mesh."""

import urllib.request
from collections import defaultdict

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.chassis.registry import load_registry
from tests.support.account_books import ACCOUNT
from tests.support.doors import RefusedError, rpc_named
from tests.support.recorded_mesh import RecordedMesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
SERVICES = tuple(load_registry().services)
Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]
# An rpc of each service, and a request that it refuses.
REFUSED = {
    "MarketService.GetTicker": {"name": "venues/sim/instruments/x-y/ticker"},
    "StrategyService.GetStrategy": {"name": "strategies/nothing"},
    "ExchangeService.GetOrder": {"name": f"{ACCOUNT}/orders/none"},
    "RiskService.GetExposure": {"name": "accounts/nobody/exposure"},
    "PortfolioService.GetPortfolio": {"name": "accounts/nobody/portfolio"},
    "OrchestratorService.ListCycles": {"page_token": "foreign"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_rate_errors_and_latency_of_an_rpc(recorded_mesh: RecordedMesh, name: str) -> None:
    rpc = rpc_named(name)
    before = _page(recorded_mesh, rpc.policy.area)
    with pytest.raises(RefusedError) as refusal:
        recorded_mesh.stubs.call(rpc, REFUSED[name])
    after = _page(recorded_mesh, rpc.policy.area)
    refused = (("code", refusal.value.code), ("method", rpc.path))
    assert refusal.value.code in {"NOT_FOUND", "INVALID_ARGUMENT"}
    assert _grown(before, after, "trademesh_rpc_requests_total", refused) == 1
    assert _grown(before, after, "trademesh_rpc_seconds_count", (("method", rpc.path),)) == 1
    assert _grown(before, after, "trademesh_rpc_seconds_sum", (("method", rpc.path),)) > 0


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_counts_its_calls(recorded_mesh: RecordedMesh, service: str) -> None:
    page = _page(recorded_mesh, service)
    fine = [
        value
        for labels, value in page["trademesh_rpc_requests_total"].items()
        if ("code", "OK") in labels and f"trademesh.{service}.v1" in dict(labels)["method"]
    ]
    assert sum(fine) > 0


def test_the_control_plane_shows_the_state_of_the_mesh(recorded_mesh: RecordedMesh) -> None:
    page = _page(recorded_mesh, "controlplane")
    endpoints = page["trademesh_controlplane_endpoints"]
    for service in SERVICES:
        assert endpoints[(("service", service), ("state", "ready"))] == 1
        assert endpoints[(("service", service), ("state", "critical"))] == 0
    assert sum(page["trademesh_controlplane_pushes_total"].values()) > 0
    assert sum(page["trademesh_controlplane_nacks_total"].values()) == 0
    assert page["trademesh_controlplane_snapshot_age_seconds"][()] >= 0
    views = {dict(labels)["view"] for labels in page["trademesh_controlplane_streams"]}
    assert len(views) == 2


def _page(mesh: RecordedMesh, service: str) -> Samples:
    (instance,) = mesh.harness.instances(service)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{instance.ports['metrics']}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    samples: Samples = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        if family.type == "counter":
            samples[f"{family.name}_total"] = {}  # known, though nothing was counted yet
        for sample in family.samples:
            samples[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return dict(samples)


def _grown(before: Samples, after: Samples, name: str, labels: tuple[tuple[str, str], ...]) -> float:
    return after[name][labels] - before[name].get(labels, 0.0)
