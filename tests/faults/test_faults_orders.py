"""Orders under fire, on the mesh as it comes: whatever is killed, none is lost and none is doubled."""

import os
import random
import resource
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import psutil
import pytest
from trademesh.exchange.v1 import order_pb2

from tests.support.account_books import ACCOUNT
from tests.support.doors import rpc_named
from tests.support.hurt_mesh import HurtMesh
from tests.support.mesh import wait_until
from tests.support.order_load import OrderLoad

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SEED = 20_261
INSTRUMENT = "venues/sim/instruments/btc-usdt"
KINDS = ("MARKET_EVENT_KIND_ORDER_BOOK", "MARKET_EVENT_KIND_TRADE")


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
        wait_until(
            lambda: len(orders.acknowledged) > count + 3 and orders.cancelled, "orders and cancels go on", 60
        )
    return orders


@pytest.mark.parametrize(
    ("service", "kills"), [("exchange", 10), ("simvenue", 3), ("risk", 2), ("portfolio", 2)]
)
def test_killed_under_orders(lone: HurtMesh, service: str, kills: int) -> None:
    orders = _place_while_killing(lone, service, kills, SEED)
    lone.wait_filled_cycles(1)
    evidence = lone.check(orders.acknowledged)
    assert len(orders.acknowledged) > kills
    assert any(fill.order in set(orders.acknowledged.values()) for fill in evidence.books.fills)


@pytest.mark.parametrize("service", ["strategy", "orchestrator", "market"])
def test_killed_between_signal_and_order(lone: HurtMesh, service: str) -> None:
    """One cycle for each signal, also for those that were on their way."""
    for _ in range(2):
        lone.wait_filled_cycles(1)
        lone.kill(service)
    lone.wait_filled_cycles(1)
    lone.check()


def test_a_disk_that_takes_nothing(lone: HurtMesh) -> None:
    """One clear error for each order, reads go on, nothing half written; then everything goes on."""
    (exchange,) = lone.harness.instances("exchange")
    order: dict[str, object] = {
        "instrument": INSTRUMENT,
        "side": "SIDE_BUY",
        "quantity": "0.001",
        "market": {},
    }
    request_id = str(uuid4())
    body = {"request_id": request_id, "order": order}
    wal = lone.harness.state_dir / "data" / "exchange.sqlite3-wal"
    with OrderLoad(lone.harness.edge, SEED).running() as orders:
        wait_until(lambda: orders.acknowledged, "an order")
        # What the kernel answers to a write past the limit is what SQLite sees of a disk that fails.
        resource.prlimit(exchange.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        try:
            size = wal.stat().st_size
            for _ in range(3):
                answer = lone.rest.send("POST", f"/v1/{ACCOUNT}/orders", body)
                assert answer.status == 503, answer
                (info,) = [one for one in answer.json["details"] if one["@type"].endswith("ErrorInfo")]
                assert info["reason"] == "STORAGE_UNAVAILABLE"
                assert lone.rest.send("GET", f"/v1/{ACCOUNT}/orders?page_size=5").status == 200
            assert wal.stat().st_size == size
        finally:
            resource.prlimit(exchange.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        placed = lone.eventually(lambda: _placed(lone, body), "the order is placed")
        count = len(orders.acknowledged)
        wait_until(lambda: len(orders.acknowledged) > count + 3, "orders go on", 60)
    assert lone.harness.instances("exchange")[0].pid == exchange.pid
    evidence = lone.check({**orders.acknowledged, request_id: placed})
    assert [one.name for one in evidence.books.orders].count(placed) == 1


def test_readers_who_do_not_read(lone: HurtMesh) -> None:
    """They cost their place only: the memory of nobody grows with them, and all others are served."""
    services = ("market", "exchange", "edge")
    targets = [f"/v1/{INSTRUMENT}:watch?kinds={kind}&depth=100" for kind in KINDS] * 10
    targets += [f"/v1/{ACCOUNT}/orders:watch"] * 20
    with ExitStack() as stack:
        deaf = [stack.enter_context(_opened(lone.harness.edge, target)) for target in targets]
        for connection in deaf:
            assert connection.recv(12) == b"HTTP/1.1 200"
        load = stack.enter_context(lone.caller.load(40))
        with OrderLoad(lone.harness.edge, SEED).running() as orders:
            load.more(20)
            before = {name: _memory(lone, name) for name in services}
            load.more(80)
            grown = {name: _memory(lone, name) - before[name] for name in services}
        report = load.report()
    assert report.failures == []
    assert max(grown.values()) < 30_000_000, grown
    lone.check(orders.acknowledged)


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


def _placed(mesh: HurtMesh, body: Mapping[str, object]) -> str:
    answer = mesh.rest.send("POST", f"/v1/{ACCOUNT}/orders", body)
    assert answer.status == 200, answer
    return str(answer.json["name"])


@contextmanager
def _opened(port: int, target: str) -> Iterator[socket.socket]:
    """A stream by REST whose caller takes nothing but the first bytes."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", port))
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield connection


def _memory(mesh: HurtMesh, service: str) -> int:
    """Resident bytes of a service and the processes it owns."""
    (row,) = mesh.harness.instances(service)
    owner = psutil.Process(row.pid)
    return sum(int(one.memory_info().rss) for one in (owner, *owner.children(recursive=True)))


def test_the_kill_switch_needs_neither_consul_nor_the_control_plane(lone: HurtMesh) -> None:
    """With both frozen, all orders are cancelled by the venue's word, and no new one leaves."""
    resting = [_rest(lone) for _ in range(3)]
    assert {order.state for order in resting} == {order_pb2.ORDER_STATE_OPEN}
    frozen = [row.pid for name in ("consul", "controlplane") for row in lone.harness.instances(name)]
    assert len(frozen) == 2
    everybody = {"account": "accounts/-", "reason": "a fault test"}
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        thrown = {**everybody, "request_id": str(uuid4()), "cancel_open_orders": True}
        state = _call(lone, "RiskService.HaltTrading", **thrown)
        assert (state.confirmed, list(state.open_orders), state.changed_by) == (True, [], "edge")
        after = [_call(lone, "ExchangeService.GetOrder", name=order.name) for order in resting]
        assert {order.state for order in after} == {order_pb2.ORDER_STATE_CANCELLED}
        refused = _rest(lone)
        assert (refused.state, refused.reason) == (order_pb2.ORDER_STATE_DENIED, "TRADING_HALTED")
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        _call(lone, "RiskService.ResumeTrading", **everybody, request_id=str(uuid4()))
    lone.wait_all_serving()
    lone.wait_filled_cycles(1)


def _rest(mesh: HurtMesh) -> Any:
    """An order that rests far below the market, or is denied."""
    bid = _call(mesh, "MarketService.GetTicker", name=f"{INSTRUMENT}/ticker").bid_price
    price = f"{int(float(bid) * 0.7)}"
    order = {"instrument": INSTRUMENT, "side": "SIDE_BUY", "quantity": "0.001", "limit": {"price": price}}
    request = {"parent": ACCOUNT, "request_id": str(uuid4()), "order": order}
    return _call(mesh, "ExchangeService.CreateOrder", **request)


def _call(mesh: HurtMesh, rpc: str, **request: Any) -> Any:
    return mesh.stubs.call(rpc_named(rpc), request)
