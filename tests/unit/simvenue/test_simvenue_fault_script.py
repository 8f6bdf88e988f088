"""Fault scripts as text, the dice, and latencies."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from unittest.mock import Mock

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from services.simvenue.domain.faults import Dice, FaultKind, FaultRule, FaultScript
from services.simvenue.domain.orders import MarketTerms, NewOrder, Order
from services.simvenue.domain.terms import CloseReason, OrderStatus, Side
from services.simvenue.doors import Doors
from services.simvenue.fault_script import FaultScriptError, read_script
from services.simvenue.handlers import OrderWithFills
from services.simvenue.latency import Delay, LatencyModel, Leg, Operation, read_delay
from services.simvenue.metrics import SimvenueMetrics
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


_ZERO = Decimal(0)
CANCELLED = OrderWithFills(
    Order(
        1,
        "",
        NewOrder("", "btc-usdt", Side.BUY, Decimal(1), MarketTerms()),
        OrderStatus.CANCELLED,
        CloseReason.CANCELLED_BY_OWNER,
        _ZERO,
        _ZERO,
        _ZERO,
        1,
        1,
    ),
    (),
)


class Trading:
    """Notes what arrives, and in which order it is answered."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str]] = []

    async def place(self, account: str, request: NewOrder, pieces: int) -> str:
        assert pieces == 1
        self.arrived.append((account, f"place {request.client_order_id}"))
        return f"place {request.client_order_id}"

    async def cancel(self, account: str, order_id: str) -> Any:
        self.arrived.append((account, f"cancel {order_id}"))
        return CANCELLED._replace(order=replace(CANCELLED.order, account=f"cancel {order_id}"))


async def test_a_fast_cancel_never_overtakes_the_slow_order_it_is_for() -> None:
    delays = {
        "place_request": Delay(0.003, 1.0),
        "cancel_request": Delay(0.0001),
        "place_matching": Delay(0.001, 0.5),
        "cancel_answer": Delay(0.0001),
    }
    trading: Any = Trading()
    metrics = SimvenueMetrics(CollectorRegistry())
    doors = Doors(trading, Mock(), Mock(), LatencyModel(delays), metrics, 0, Mock())
    sent: list[tuple[str, str]] = []
    answered: list[tuple[str, str]] = []

    async def send(account: str, call: Coroutine[Any, Any, Any]) -> None:
        answer = await call
        answered.append((account, answer if isinstance(answer, str) else answer.order.account))

    calls = []
    for number in range(12):
        for account in ("one", "two"):
            order: Any = NewOrder(str(number), "btc-usdt", Side.BUY, Decimal(1), MarketTerms())
            sent += [(account, f"place {number}"), (account, f"cancel {number}")]
            calls.append(asyncio.ensure_future(send(account, doors.place(account, order))))
            calls.append(asyncio.ensure_future(send(account, doors.cancel(account, str(number)))))
    await asyncio.gather(*calls)
    for account in ("one", "two"):
        mine = [each for each in sent if each[0] == account]
        assert [each for each in trading.arrived if each[0] == account] == mine
        assert [each for each in answered if each[0] == account] == mine
    assert trading.arrived != sent  # one account's slow order does not hold the other up
