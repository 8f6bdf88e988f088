import pytest

from services.cli.show import next_steps

TICKER = "curl localhost:8080/v1/venues/sim/instruments/btc-usdt/ticker"
LIST = "grpcurl -plaintext localhost:8080 list"


@pytest.mark.parametrize(
    ("services", "call", "log"),
    [
        (["simvenue", "market", "exchange", "orchestrator"], TICKER, "orchestrator"),
        (["simvenue", "market"], TICKER, "simvenue"),
        (["market"], "trademesh status", "market"),
        (["risk", "portfolio"], "trademesh status", "risk"),
        ([], "trademesh status", "edge"),
    ],
)
def test_only_what_runs_is_suggested(services: list[str], call: str, log: str) -> None:
    steps = next_steps(8080, ["consul", "controlplane", *services, "edge"])
    assert steps == (call, LIST, f"trademesh logs {log} -f")
