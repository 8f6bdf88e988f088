import pytest

from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.plan import require_packages


def test_a_service_without_a_package_is_one_line() -> None:
    with pytest.raises(MeshError) as refusal:
        require_packages(["supervisor", "astrology"])
    assert refusal.value.code is ExitCode.PACKAGE_MISSING
    assert refusal.value.message == (
        "service astrology is in services/registry.toml "
        "but services.astrology cannot be started: no __main__.py"
    )
