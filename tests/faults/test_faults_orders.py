"""Orders under fire, on the mesh as it comes: whatever is killed, none is lost and none is doubled."""

import os
import random
import signal
import time

import pytest

from tests.support.hurt_mesh import HurtMesh
from tests.support.mesh import wait_until
from tests.support.order_load import OrderLoad

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SEED = 20_261


def _place_while_killing(mesh: HurtMesh, service: str, kills: int, seed: int) -> OrderLoad:
    """Orders from several hands while a service is killed again and again, at moments the seed decides."""
    chance = random.Random(f"{seed}/{service}")
    with OrderLoad(mesh.harness.edge, seed).running() as orders:
        for _ in range(kills):
            count = len(orders.acknowledged)
            # Between the first order after it came back and half a second later: somewhere on an order's way.
            wait_until(lambda: len(orders.acknowledged) > count, "an order", 60)  # noqa: B023
            time.sleep(chance.uniform(0, 0.5))
            mesh.kill(service, hurry=True)
        count = len(orders.acknowledged)
        wait_until(lambda: len(orders.acknowledged) > count + 3, "orders go on", 60)
    return orders


@pytest.mark.parametrize(
    ("service", "kills"), [("exchange", 10), ("simvenue", 3), ("risk", 2), ("portfolio", 2)]
)
def test_killed_under_orders(lone: HurtMesh, service: str, kills: int) -> None:
    orders = _place_while_killing(lone, service, kills, SEED)
    lone.wait_filled_cycles(1)
    evidence = lone.check(orders.acknowledged)
    assert len(orders.acknowledged) > kills
    assert orders.cancelled
    assert any(fill.order in set(orders.acknowledged.values()) for fill in evidence.books.fills)


@pytest.mark.parametrize("service", ["strategy", "orchestrator", "market"])
def test_killed_between_signal_and_order(lone: HurtMesh, service: str) -> None:
    """One cycle for each signal, also for those that were on their way."""
    for _ in range(2):
        lone.wait_filled_cycles(1)
        lone.kill(service)
    lone.wait_filled_cycles(1)
    lone.check()


def test_the_supervisor_is_killed(lone: HurtMesh) -> None:
    """Its children die with it; the next ``up`` goes on with everything that was there."""
    before = lone.check()
    processes = lone.harness.processes()
    os.kill(lone.harness.status().pid, signal.SIGKILL)
    wait_until(lambda: not any(process.is_alive() for process in processes), "nothing is left", 10)
    started = lone.harness.up()
    assert started.returncode == 0, started.stdout + started.stderr
    lone.wait_filled_cycles(1)
    after = lone.check()
    assert {order.name for order in before.books.orders} < {order.name for order in after.books.orders}
    assert {fill.name for fill in before.books.fills} < {fill.name for fill in after.books.fills}
    assert len(after.logs["exchange"]) > len(before.logs["exchange"])
