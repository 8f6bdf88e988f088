"""Fault scripts as text, the dice, and latencies."""

import asyncio
from pathlib import Path
from random import Random
from statistics import median

import pytest
from pydantic import ValidationError

from services.simvenue.domain.faults import Dice, FaultKind, FaultRule, FaultScript
from services.simvenue.fault_script import FaultScriptError, read_script
from services.simvenue.latency import Delay, LatencyModel, Leg, Operation, read_delay
from services.simvenue.settings import SimvenueSettings

SCRIPT = FaultScript(
    seed=7,
    rules={FaultKind.LOST_ACK: FaultRule(0.05), FaultKind.RESET: FaultRule(0.5, 2)},
    away_seconds=1.5,
)
TOML = """
seed = 7
away_seconds = 1.5
lost_ack = 0.05

[reset]
rate = 0.5
limit = 2
"""


def test_a_script_is_a_line_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(TOML)
    assert read_script(str(file)) == SCRIPT
    assert read_script("seed=7 lost_ack=0.05  reset=0.5:2 away_seconds=1.5") == SCRIPT
    assert read_script("  ") is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seed=7 lost_akc=0.05", "there is no lost_akc"),
        ("lost_ack=1.5", "out of range"),
        ("lost_ack=-0.1", "out of range"),
        ("lost_ack=nan", "out of range"),
        ("lost_ack=often", "no number"),
        ("seed=1 lost_ack", "no name=value"),
        ("/nowhere/faults.toml", "fault script /nowhere"),
    ],
)
def test_a_script_that_cannot_be_meant_is_named(text: str, complaint: str) -> None:
    with pytest.raises(FaultScriptError, match=complaint):
        read_script(text)
    with pytest.raises(ValidationError, match=complaint):
        SimvenueSettings(faults=text)


def test_the_dice_strike_as_often_as_told_and_the_same_each_time() -> None:
    script = FaultScript(
        seed=3, rules={FaultKind.LOST_ACK: FaultRule(0.25), FaultKind.RESET: FaultRule(1, 2)}
    )
    one, two, other = Dice(script), Dice(script), Dice(script, run=1)
    drawn = [one.strikes(FaultKind.LOST_ACK) for _ in range(4000)]
    assert drawn == [two.strikes(FaultKind.LOST_ACK) for _ in range(4000)]
    assert drawn != [other.strikes(FaultKind.LOST_ACK) for _ in range(4000)]
    assert 900 < sum(drawn) < 1100
    assert [one.strikes(FaultKind.RESET) for _ in range(4)] == [True, True, False, False]
    assert not one.strikes(FaultKind.RESTART)
    assert one.struck == {FaultKind.LOST_ACK: sum(drawn), FaultKind.RESET: 2}


def test_a_lognormal_latency_has_its_median() -> None:
    random = Random(1)
    times = [read_delay("lognormal 0.005 0.4").draw(random) for _ in range(2001)]
    assert 0.0045 < median(times) < 0.0055
    assert max(times) > 0.01
    assert read_delay("constant 0.005").draw(random) == 0.005


@pytest.mark.parametrize("text", ["0.005", "constant -1", "lognormal 0.1", "uniform 1 2", "constant inf"])
def test_a_latency_that_cannot_be_meant_is_named(text: str) -> None:
    with pytest.raises(ValidationError):
        SimvenueSettings(latency={"place_request": text})


def test_an_unknown_leg_is_named() -> None:
    with pytest.raises(ValidationError, match="there is no leg place; known are place_request"):
        SimvenueSettings(latency={"place": "constant 1"})


async def test_calls_of_one_account_never_overtake_each_other() -> None:
    model = LatencyModel({"place_request": Delay(0.004, 1.5), "cancel_request": Delay(0.0001)}, seed=2)
    arrived: list[tuple[str, int]] = []

    async def travel(account: str, number: int) -> None:
        operation = Operation.CANCEL if number % 3 == 0 else Operation.PLACE
        await model.pass_leg(operation, Leg.REQUEST, account)
        arrived.append((account, number))

    calls = [asyncio.ensure_future(travel(account, number)) for number in range(30) for account in "ab"]
    calls[20].cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    for account in "ab":
        numbers = [number for name, number in arrived if name == account]
        assert numbers == sorted(numbers)
    assert arrived != sorted(arrived, key=lambda each: each[1])  # the accounts did overtake each other
