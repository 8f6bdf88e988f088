from services.supervisor.catalog import read

SERVICE = {"Service": "market", "Port": 4001, "Meta": {"instance": "market-1-ab", "metrics_port": "4002"}}


def _check(status: str) -> dict[str, str]:
    return {"ServiceID": "id-1", "Status": status}


def test_an_instance_passes_when_all_of_its_checks_do() -> None:
    (one,) = read({"id-1": SERVICE}, {"a": _check("passing"), "b": _check("passing")})
    assert (one.id, one.service, one.instance, one.passing) == ("id-1", "market", "market-1-ab", True)
    assert one.ports == {"grpc": 4001, "metrics": 4002}
    (one,) = read({"id-1": SERVICE}, {"a": _check("passing"), "b": _check("critical")})
    assert not one.passing


def test_an_instance_without_a_check_does_not_pass() -> None:
    (one,) = read(
        {"id-1": {"Service": "market", "Meta": None}}, {"a": {"ServiceID": "other", "Status": "passing"}}
    )
    assert (one.instance, one.passing, one.ports) == ("id-1", False, {})
