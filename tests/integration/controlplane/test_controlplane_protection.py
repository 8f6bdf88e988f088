"""Circuit breaking and outlier detection, as the registry sets them, on both kinds of clients."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from services.chassis.registry import REGISTRY_FILE
from tests.support.consul import ConsulServer, until
from tests.support.controlplane import ControlPlaneProcess, Member, backend, calling
from tests.support.envoy import EnvoyEdge, envoy_edge
from tests.support.xds_caller import Caller

pytestmark = pytest.mark.integration

METHOD = "/trademesh.market.v1.MarketService/WatchMarket"
READ = "/trademesh.market.v1.MarketService/GetTicker"
STRICT = """
[services.market]
database = false
calls = ["simvenue"]
circuit_breaker = { max_requests = 2 }
outlier_detection = { consecutive_5xx = 3, request_volume = 5, interval_ms = 300, base_ejection_ms = 60000 }
"""


@pytest.fixture
async def strict_plane(consul: ConsulServer, tmp_path: Path) -> AsyncIterator[ControlPlaneProcess]:
    """A control plane that allows little towards market."""
    text = REGISTRY_FILE.read_text(encoding="utf-8")
    start = text.index("[services.market]")
    end = text.index("[services.", start + 1)
    registry = tmp_path / "registry.toml"
    registry.write_text(text[:start] + STRICT.lstrip() + "\n" + text[end:], encoding="utf-8")
    settings = {"TRADEMESH_CONTROLPLANE_REGISTRY": str(registry)}
    process = ControlPlaneProcess(consul, tmp_path / "state", settings)
    await process.start()
    yield process
    await process.stop()


def codes(answers: list[dict[str, str]]) -> Counter[str]:
    return Counter(one["code"] for one in answers)


async def slow(_: bytes, __: Any) -> bytes:
    await asyncio.sleep(0.5)
    return b"slow"


async def succeeds(caller: Caller) -> bool:
    return codes(await caller.burst(READ, 1)) == {"OK": 1}


async def test_a_channel_refuses_what_is_above_the_bound(
    consul: ConsulServer, strict_plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "market", tmp_path / "market") as market,
        Member(consul, "strategy", tmp_path / "strategy") as strategy,
        backend(market, "one") as one,
        calling(strict_plane, strategy, "market") as caller,
    ):
        await consul.register("market", one.port)
        await until(lambda: succeeds(caller))
        one.answer = slow
        assert codes(await caller.burst(METHOD, 5, together=True)) == {"OK": 2, "UNAVAILABLE": 3}
        assert codes(await caller.burst(METHOD, 2, together=True)) == {"OK": 2}


async def test_a_channel_leaves_out_an_instance_that_fails(
    consul: ConsulServer, strict_plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "market", tmp_path / "market") as market,
        Member(consul, "strategy", tmp_path / "strategy") as strategy,
        backend(market, "one") as one,
        backend(market, "two") as two,
        calling(strict_plane, strategy, "market") as caller,
    ):
        await consul.register("market", one.port)
        await consul.register("market", two.port)
        await until(lambda: both_called(caller, one.calls, two.calls))
        two.failures = 1_000_000

        async def ejected() -> bool:
            return codes(await caller.burst(METHOD, 20)) == {"OK": 20}

        assert not await ejected()
        await until(ejected)


async def both_called(caller: Caller, *calls: list[str]) -> bool:
    """Whether both instances take calls."""
    await caller.burst(READ, 4)
    return all(calls)


async def test_the_edge_opens_its_circuit_breaker_and_ejects(
    consul: ConsulServer, strict_plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "market", tmp_path / "market") as market,
        backend(market, "one") as one,
        backend(market, "two") as two,
        envoy_edge(consul, strict_plane, tmp_path / "edge") as edge,
        grpc.aio.insecure_channel(f"127.0.0.1:{edge.port}") as channel,
    ):
        await consul.register("market", one.port)
        await consul.register("market", two.port)
        await until(lambda: members(edge, 2))
        one.answer = two.answer = slow
        outcome = Counter(await asyncio.gather(*(code_of(channel) for _ in range(6))))
        assert outcome == {"OK": 2, "UNAVAILABLE": 4}
        assert await statistic(edge, "upstream_rq_active_overflow") == 4

        one.answer = two.answer = None
        two.failures = 1_000_000
        await until(lambda: one_ejected(edge, channel))
        assert Counter([await code_of(channel) for _ in range(20)]) == {"OK": 20}


async def one_ejected(edge: EnvoyEdge, channel: grpc.aio.Channel) -> bool:
    """Whether Envoy has left one instance out, after some more calls."""
    for _ in range(4):
        await code_of(channel)
    return await statistic(edge, "outlier_detection.ejections_active") == 1


async def code_of(channel: grpc.aio.Channel) -> str:
    """How a call that is never repeated ends."""
    method: Any = channel.unary_unary(METHOD)
    try:
        await method(b"", timeout=5)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def members(edge: EnvoyEdge, count: int) -> bool:
    """Whether Envoy knows so many instances of market."""
    return await statistic(edge, "membership_healthy") == count


async def statistic(edge: EnvoyEdge, name: str) -> float:
    """One of Envoy's figures for market."""
    found = await edge.statistics(f"^cluster.market.{name}$")
    return found.get(f"cluster.market.{name}", 0)
