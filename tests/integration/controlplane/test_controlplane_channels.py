"""``xds:///`` channels through a real control plane on a real Consul, with mutual TLS."""

import asyncio
from collections import Counter
from pathlib import Path

import grpc
import grpc.aio
import pytest
from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2

from tests.support.consul import ConsulServer, until
from tests.support.controlplane import ControlPlaneProcess, Member, announced, backend, calling
from tests.support.xds_caller import Caller, CallFailedError

pytestmark = pytest.mark.integration

READ = "/trademesh.market.v1.MarketService/GetTicker"
TTL_S = 2.0
NEVER = "/trademesh.market.v1.MarketService/WatchMarket"


async def answers(caller: Caller, count: int = 20) -> Counter[str]:
    """Who answers ``count`` calls."""
    return Counter(
        bytes.fromhex(one["text"]).decode() if one["code"] == "OK" else one["text"]
        for one in await caller.burst(READ, count)
    )


async def only(caller: Caller, names: set[str]) -> bool:
    """Whether exactly these answer now."""
    return set(await answers(caller)) == names


async def test_calls_spread_over_instances_that_pass(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "market", tmp_path / "market") as market,
        Member(consul, "strategy", tmp_path / "strategy") as strategy,
        backend(market, "one") as one,
        backend(market, "two") as two,
        calling(plane, strategy, "market") as caller,
    ):
        await consul.register("market", one.port)
        second = await consul.register("market", two.port)
        await until(lambda: only(caller, {"one", "two"}))
        assert await answers(caller) == {"one": 10, "two": 10}

        await consul.report(second, "critical")
        await until(lambda: only(caller, {"one"}))
        await consul.report(second, "passing")
        await until(lambda: only(caller, {"one", "two"}))
        assert await plane.metric(r"_nacks_total\{") == 0
        assert await plane.metric(r'_endpoints\{service="market",state="ready"\}') == 2

        for instance in (second, f"market-{one.port}"):
            await consul.deregister(instance)
        await until(lambda: refused(caller))


async def refused(caller: Caller) -> bool:
    """Whether a call finds nobody."""
    try:
        await caller.call(READ, within=2)
    except CallFailedError as error:
        return error.code is grpc.StatusCode.UNAVAILABLE
    return False


async def test_a_server_of_another_identity_is_refused(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "risk", tmp_path / "risk") as impostor,
        Member(consul, "market", tmp_path / "market") as market,
        Member(consul, "strategy", tmp_path / "strategy") as strategy,
        backend(impostor, "impostor") as wrong,
        backend(market, "true") as right,
        calling(plane, strategy, "market") as caller,
    ):
        await consul.register("market", wrong.port)
        with pytest.raises(CallFailedError) as caught:
            await caller.call(READ, within=5)
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
        assert "SANs from certificate did not match" in caught.value.details
        await consul.register("market", right.port)
        await until(lambda: answered(caller, "true"))
        assert wrong.calls == []


async def answered(caller: Caller, name: str) -> bool:
    """Whether that backend answers the next call."""
    try:
        return await caller.call(READ, within=2) == name.encode()
    except CallFailedError:
        return False


async def test_reads_are_sent_again_and_other_calls_are_not(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "market", tmp_path / "market") as market,
        Member(consul, "strategy", tmp_path / "strategy") as strategy,
        backend(market, "one") as one,
        calling(plane, strategy, "market") as caller,
    ):
        await consul.register("market", one.port)
        await until(lambda: answered(caller, "one"))
        one.calls.clear()
        one.failures = 2
        assert await caller.call(READ) == b"one"
        assert one.calls == [READ] * 3

        one.calls.clear()
        one.failures = 1
        with pytest.raises(CallFailedError, match="told to fail"):
            await caller.call(NEVER)
        assert one.calls == [NEVER]


async def test_the_last_snapshot_outlives_consul(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "market", tmp_path / "market") as market,
        Member(consul, "strategy", tmp_path / "strategy") as strategy,
        backend(market, "one") as one,
        backend(market, "two") as two,
        announced(consul, "market", one.port),
        announced(consul, "market", two.port),
    ):
        async with calling(plane, strategy, "market") as caller:
            await until(lambda: only(caller, {"one", "two"}))
            await consul.kill()
            await until(lambda: "consul_watch_lost" in plane.log)
            await served_by_both(caller)
        # Away for longer than the TTL: when it comes back, it takes every check for critical.
        await asyncio.sleep(TTL_S)
        async with calling(plane, strategy, "market") as fresh:
            await served_by_both(fresh)
            starting = asyncio.create_task(consul.start())
            while not (starting.done() and recovered(plane)):
                await served_by_both(fresh)
            await starting
            # It is news again what Consul says.
            async with announced(consul, "market", 1):
                await until(lambda: ready(plane, 3))
            await until(lambda: ready(plane, 2), within=30)
            await served_by_both(fresh)


def recovered(plane: ControlPlaneProcess) -> bool:
    """Whether the watch of market has found Consul again."""
    told = ('"event": "consul_watch_recovered"', '"watch": "market"')
    return any(all(part in line for part in told) for line in plane.log.splitlines())


async def served_by_both(caller: Caller) -> None:
    """Every call is answered, and soon both instances take part."""

    async def both() -> bool:
        names = set(await answers(caller))
        assert names <= {"one", "two"}
        return names == {"one", "two"}

    await until(both)


async def test_an_amnesic_consul_does_not_empty_the_mesh(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "market", tmp_path / "market") as market,
        backend(market, "one") as one,
        backend(market, "two") as two,
    ):
        await consul.register("market", one.port)
        await consul.register("market", two.port)
        await until(lambda: ready(plane, 2))
        await consul.kill()
        consul.forget()
        await consul.start()
        await until(lambda: recovered(plane))
        assert await ready(plane, 2)
        await consul.register("market", one.port)
        # One came back within the grace time, the other did not: then only the one counts.
        await until(lambda: "kept_instances_dropped" in plane.log)
        assert await ready(plane, 1)


async def ready(plane: ControlPlaneProcess, count: int) -> bool:
    """Whether so many instances of market take calls."""
    return await plane.metric(r'_endpoints\{service="market",state="ready"\}') == count


async def test_calls_go_on_without_the_control_plane(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "market", tmp_path / "market") as market,
        Member(consul, "strategy", tmp_path / "strategy") as strategy,
        backend(market, "one") as one,
        backend(market, "two") as two,
        calling(plane, strategy, "market") as caller,
    ):
        await consul.register("market", one.port)
        await until(lambda: only(caller, {"one"}))
        await plane.kill()
        assert await answers(caller) == {"one": 20}
        await plane.start()
        await consul.register("market", two.port)
        await until(lambda: only(caller, {"one", "two"}))


async def test_only_members_open_streams(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    async with (
        Member(consul, "stranger", tmp_path / "stranger") as stranger,
        Member(consul, "market", tmp_path / "market") as market,
    ):
        for member, cluster in ((stranger, "stranger"), (market, "edge")):
            assert await open_stream(plane, member, cluster) is grpc.StatusCode.PERMISSION_DENIED
        assert await open_stream(plane, None, "market") is grpc.StatusCode.UNAVAILABLE
        await until(lambda: counted(plane, 2))


async def counted(plane: ControlPlaneProcess, refusals: int) -> bool:
    """Whether so many streams were refused for their identity."""
    return await plane.metric(r'_refused_streams_total\{reason="identity"\}') == refusals


async def open_stream(plane: ControlPlaneProcess, member: Member | None, cluster: str) -> grpc.StatusCode:
    """How an ADS stream of that member, saying it is ``cluster``, ends."""
    material = None if member is None else member.identity.material
    shown = (material.private_key, material.certificate) if material else (None, None)
    credentials = grpc.ssl_channel_credentials(plane.roots.read_bytes(), *shown)
    async with grpc.aio.secure_channel(plane.address, credentials) as channel:
        stub = ads_pb2_grpc.AggregatedDiscoveryServiceStub(channel)
        stream = stub.StreamAggregatedResources(timeout=10)
        try:
            await stream.write(discovery_pb2.DiscoveryRequest(node=Node(id="test", cluster=cluster)))
            await stream.read()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass
        code: grpc.StatusCode = await stream.code()
        return code


async def test_it_works_with_a_token_and_says_when_the_token_does_not(
    consul_with_acl: ConsulServer, tmp_path: Path
) -> None:
    consul = consul_with_acl
    plane = ControlPlaneProcess(consul, tmp_path / "state")
    await plane.start()
    try:
        await consul.register("market", 1)
        await until(lambda: ready(plane, 1))
        await until(lambda: announced_itself(consul))
        (tmp_path / "state" / "token").write_text("99999999-2222-3333-4444-555555555555")
        await consul.register("market", 2)
        await until(lambda: "consul_watch_lost" in plane.log)
        assert "99999999" not in plane.log
        # What was known stays, and the watch is back as soon as the token is.
        assert await ready(plane, 1) or await ready(plane, 2)
        (tmp_path / "state" / "token").write_text(str(consul.token))
        await until(lambda: ready(plane, 2))
    finally:
        code = await plane.stop()
    assert code == 0
    assert await consul.request("GET", "/v1/health/service/controlplane") == []


async def announced_itself(consul: ConsulServer) -> bool:
    """Whether the control plane is in Consul, and passes."""
    return bool(await consul.request("GET", "/v1/health/service/controlplane?passing=1"))
