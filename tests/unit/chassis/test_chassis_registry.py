"""The registry is read strictly."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from services.chassis.registry import LbPolicy, RegistryError, load_registry, parse_registry
from tests.support.echo_mesh import REGISTRY


def document(**changes: Any) -> dict[str, Any]:
    return tomllib.loads(REGISTRY) | changes


def test_the_installed_registry_is_the_mesh_of_the_design() -> None:
    registry = load_registry()
    with_database = {"simvenue", "strategy", "exchange", "risk", "portfolio", "orchestrator"}
    # At least these: whoever adds a service has nothing to change here.
    assert set(registry.services) >= with_database | {"market"}
    assert all(registry[name].database for name in with_database)
    assert not registry["market"].database
    allowed = set(registry.calls())
    assert {caller for caller, callee in allowed if callee == "simvenue"} == {"market", "exchange"}
    assert {caller for caller, callee in allowed if callee == "risk"} >= {"exchange", "orchestrator", "edge"}
    assert "simvenue" not in registry.infrastructure["edge"]


def test_a_service_overrides_single_keys_of_the_defaults() -> None:
    registry = parse_registry(document())
    assert registry["echo"].circuit_breaker.max_requests == 7
    assert registry["echo"].circuit_breaker.max_connections == 1
    assert registry["hidden"].circuit_breaker.max_requests == 3
    assert registry["hidden"].retry.attempts == 1
    assert registry["hidden"].retry.backoff == timedelta(milliseconds=25)
    assert registry["echo"].lb_policy is LbPolicy.LEAST_REQUEST
    assert set(registry.calls()) == {("echo", "hidden"), ("edge", "echo")}


@pytest.mark.parametrize(
    ("service", "wrong"),
    [
        ({"colour": "red"}, "colour"),
        ({"instances": "two"}, "echo.instances"),
        ({"instances": True}, "echo.instances"),
        ({"instances": -1}, "echo.instances"),
        ({"calls": ["nobody"]}, "nobody"),
        ({"calls": ["hidden", "hidden"]}, "echo.calls"),
        ({"lb_policy": "fastest"}, "echo.lb_policy"),
        ({"weight": 0}, "echo.weight"),
        ({"retry": {"attempts": 6}}, "retry.attempts"),
        ({"retry": {"codes": ["not-found"]}}, "not-found"),
        ({"retry": {"backoff": 5}}, "backoff"),
        ({"retry": {"backoff_ms": 9000}}, "backoff_ms"),
        ({"circuit_breaker": {"max_requests": 0}}, "max_requests"),
        ({"circuit_breaker": 3}, "circuit_breaker"),
        ({"outlier_detection": {"failure_percentage": 101}}, "failure_percentage"),
        ({"outlier_detection": {"interval_ms": 0}}, "interval_ms"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(service: Mapping[str, Any], wrong: str) -> None:
    changed = document(services={"echo": service, "hidden": {}}, infrastructure={})
    with pytest.raises(RegistryError, match=wrong):
        parse_registry(changed)


def test_unknown_sections_and_missing_defaults_are_refused() -> None:
    with pytest.raises(RegistryError, match="extra"):
        parse_registry(document(extra={}))
    with pytest.raises(RegistryError, match="defaults"):
        parse_registry({"services": {}, "infrastructure": {}})
    with pytest.raises(RegistryError, match="both"):
        parse_registry(document(infrastructure={"echo": {"calls": []}}))
    with pytest.raises(RegistryError, match="service name"):
        parse_registry(document(services={"Echo": {}}, infrastructure={}))
