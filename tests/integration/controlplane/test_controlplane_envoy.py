"""The edge's view on a real Envoy: REST, gRPC, errors, retries and identity."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import grpc.aio
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from trademesh.exchange.v1 import exchange_service_pb2_grpc, order_pb2
from trademesh.market.v1 import market_service_pb2, market_service_pb2_grpc, ticker_pb2

from tests.support.consul import ConsulServer, until
from tests.support.controlplane import ControlPlaneProcess, Member, serving
from tests.support.envoy import EnvoyEdge, envoy_edge

pytestmark = pytest.mark.integration

TICKER = "/v1/venues/sim/instruments/btc-usdt/ticker"
ABSENT = "venues/sim/instruments/eth-usdt/ticker"
UNAVAILABLE = 14
Context = grpc.aio.ServicerContext[Any, Any]


class Market(market_service_pb2_grpc.MarketServiceServicer):
    """Answers as told; the rest of the contract is not asked."""

    def __init__(self) -> None:
        self.failures = 0
        self.calls = 0
        self.metadata: dict[str, str] = {}
        self.remaining = 0.0

    async def GetTicker(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.calls += 1
        self.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        self.remaining = context.time_remaining() or 0.0
        if self.failures:
            self.failures -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "told to fail")
        if "eth" in request.name:
            await not_found(context)
        return ticker_pb2.Ticker(name=request.name, bid_price="60000.5")

    async def ListCandles(self, request: Any, context: Context) -> Any:  # noqa: N802
        await asyncio.sleep(60)

    async def WatchMarket(self, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: N802
        for _ in range(2):
            yield market_service_pb2.WatchMarketResponse()


class Exchange(exchange_service_pb2_grpc.ExchangeServiceServicer):
    """Refuses every order for the moment, and counts."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.refusing = True

    async def CreateOrder(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.bodies.append(request)
        if self.refusing:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        return order_pb2.Order(name="accounts/paper/orders/o-1", quantity=request.order.quantity)


async def not_found(context: Context) -> None:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="INSTRUMENT_NOT_FOUND", domain="market.trademesh"))
    status = status_pb2.Status(code=5, message="no such instrument", details=[detail])
    await context.abort_with_status(rpc_status.to_status(status))


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
async def test_rest_and_grpc_reach_a_service(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path, delta: bool
) -> None:
    market = Market()
    async with (
        Member(consul, "market", tmp_path / "market") as member,
        serving(
            member, lambda server: market_service_pb2_grpc.add_MarketServiceServicer_to_server(market, server)
        ) as port,
        envoy_edge(consul, plane, tmp_path / "edge", delta=delta) as edge,
    ):
        status, body, _ = await edge.get(TICKER)
        assert (status, json.loads(body)["code"]) == (503, UNAVAILABLE)
        await consul.register("market", port)
        await until(lambda: answers(edge, 200))

        status, body, headers = await edge.get(TICKER, x_request_id="request-1")
        assert json.loads(body)["name"] == "venues/sim/instruments/btc-usdt/ticker"
        assert json.loads(body)["bid_price"] == "60000.5"
        assert json.loads(body)["ask_price"] == ""
        assert market.metadata["x-request-id"] == market.metadata["x-correlation-id"] == "request-1"
        assert headers["x-correlation-id"] == headers["x-request-id"] == "request-1"
        assert 0 < market.remaining <= 2

        await edge.get(TICKER, x_request_id="request-2", x_correlation_id="cause-2")
        assert market.metadata["x-correlation-id"] == "cause-2"

        status, body, headers = await edge.get("/v1/venues/sim/instruments/btc-usdt:watch")
        assert (status, len(body.splitlines())) == (200, 2)

        async with grpc.aio.insecure_channel(f"127.0.0.1:{edge.port}") as channel:
            stub = market_service_pb2_grpc.MarketServiceStub(channel)
            request = market_service_pb2.GetTickerRequest(name="venues/sim/instruments/btc-usdt/ticker")
            assert (await stub.GetTicker(request, timeout=5)).bid_price == "60000.5"
            hidden: Any = channel.unary_unary("/trademesh.events.v1.OutboxService/StreamEvents")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await hidden(b"", timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert await plane.metric(r"_nacks_total\{") == 0
        assert await edge.statistics("update_rejected") == dict.fromkeys(
            await edge.statistics("update_rejected"), 0
        )


async def answers(edge: EnvoyEdge, status: int) -> bool:
    """Whether a read answers with that status now."""
    return (await edge.get(TICKER))[0] == status


async def test_every_error_has_the_shape_of_a_status(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    market = Market()
    async with (
        Member(consul, "market", tmp_path / "market") as member,
        serving(
            member, lambda server: market_service_pb2_grpc.add_MarketServiceServicer_to_server(market, server)
        ) as port,
        envoy_edge(consul, plane, tmp_path / "edge") as edge,
    ):
        await consul.register("market", port)
        await until(lambda: answers(edge, 200))
        candles = "/v1/venues/sim/instruments/btc-usdt/candles?interval=1m"
        expected = {
            "/v1/venues/sim/instruments/eth-usdt/ticker": (404, 5),
            "/v1/nothing": (404, 5),
            TICKER + "?colour=red": (400, 3),
            candles: (504, 4),
            "/v1/accounts/paper/portfolio": (503, UNAVAILABLE),
            "/v1/venues/%2e%2f/instruments/x/ticker": (400, 3),
        }
        for path, (status, code) in expected.items():
            got, body, headers = await edge.get(path)
            assert (path, got) == (path, status), body
            assert headers["content-type"] == "application/json", path
            document = json.loads(body)
            assert document["code"] == code, path
            assert document["message"], path
            kinds = [detail["@type"].rpartition(".")[2] for detail in document["details"]]
            # Server and edge reach the deadline together; the server's gRPC runtime gives no details.
            assert kinds == ["ErrorInfo"] or (path == candles and not kinds), path
        _, body, _ = await edge.get("/v1/venues/sim/instruments/eth-usdt/ticker")
        assert json.loads(body)["details"][0]["reason"] == "INSTRUMENT_NOT_FOUND"
        _, body, _ = await edge.get("/v1/nothing")
        assert json.loads(body)["details"][0]["domain"] == "edge.trademesh"
        async with grpc.aio.insecure_channel(f"127.0.0.1:{edge.port}") as channel:
            stub = market_service_pb2_grpc.MarketServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.GetTicker(market_service_pb2.GetTickerRequest(name=ABSENT), timeout=5)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        read = "/trademesh.market.v1.MarketService/GetTicker"
        # REST: the transcoder has made the HTTP status of it, and nothing is guessed back from that.
        await until(lambda: logged(edge, rpc=read, path=f"/v1/{ABSENT}", status=404, grpc_status=None))
        await until(lambda: logged(edge, rpc=read, path=read, status=200, grpc_status="5"))
        await until(lambda: logged(edge, rpc=read, path=TICKER, status=200, grpc_status="0"))


def logged(edge: EnvoyEdge, **fields: Any) -> bool:
    """Whether the access log has a line with these fields."""
    lines = [json.loads(line) for line in edge.output.splitlines() if line.startswith("{")]
    return any(fields.items() <= line.items() for line in lines)


async def test_reads_are_sent_again_and_orders_are_not(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    market, exchange = Market(), Exchange()

    def add(server: grpc.aio.Server) -> None:
        market_service_pb2_grpc.add_MarketServiceServicer_to_server(market, server)

    def add_exchange(server: grpc.aio.Server) -> None:
        exchange_service_pb2_grpc.add_ExchangeServiceServicer_to_server(exchange, server)

    async with (
        Member(consul, "market", tmp_path / "market") as market_member,
        Member(consul, "exchange", tmp_path / "exchange") as exchange_member,
        serving(market_member, add) as market_port,
        serving(exchange_member, add_exchange) as exchange_port,
        serving(market_member, add_exchange) as impostor_port,
        envoy_edge(consul, plane, tmp_path / "edge") as edge,
    ):
        await consul.register("market", market_port)
        await until(lambda: answers(edge, 200))
        market.calls, market.failures = 0, 2
        assert (await edge.get(TICKER))[0] == 200
        assert market.calls == 3
        retries = await edge.statistics("cluster.market.upstream_rq_retry$")
        assert retries["cluster.market.upstream_rq_retry"] >= 2

        impostor = await consul.register("exchange", impostor_port)
        await until(lambda: listed(edge, "exchange", impostor_port))
        status, _ = await create_order(edge)
        assert (status, exchange.bodies) == (503, [])
        assert (await edge.statistics("fail_verify_san"))["cluster.exchange.ssl.fail_verify_san"] > 0

        await consul.deregister(impostor)
        await consul.register("exchange", exchange_port)
        await until(lambda: listed(edge, "exchange", exchange_port))
        status, _ = await create_order(edge)
        assert (status, len(exchange.bodies)) == (503, 1)
        exchange.refusing = False
        status, body = await create_order(edge)
        assert (status, json.loads(body)["quantity"]) == (200, "0.01")
        remaining = await edge.statistics("cluster.exchange.circuit_breakers.default.remaining_rq")
        assert remaining["cluster.exchange.circuit_breakers.default.remaining_rq"] == 1024


async def listed(edge: EnvoyEdge, service: str, port: int) -> bool:
    """Whether that is the one endpoint of a service that Envoy knows."""
    url = f"http://127.0.0.1:{edge.admin_port}/clusters?format=json"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        document = await response.json(content_type=None)
    hosts = next(one for one in document["cluster_statuses"] if one["name"] == service).get(
        "host_statuses", []
    )
    return [host["address"]["socket_address"]["port_value"] for host in hosts] == [port]


async def create_order(edge: EnvoyEdge) -> tuple[int, str]:
    """The issue's own example."""
    body = {
        "request_id": "7f4df8c0-9a0c-4f6a-8f5a-6a3c1f6ad001",
        "order": {
            "instrument": "venues/sim/instruments/btc-usdt",
            "side": "SIDE_BUY",
            "quantity": "0.01",
            "limit": {"price": "60000"},
        },
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{edge.url}/v1/accounts/paper/orders", json=body) as response,
    ):
        return response.status, await response.text()


async def test_a_new_root_of_the_mesh_reaches_everybody_without_a_restart(
    consul: ConsulServer, plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    market = Market()

    def add(server: grpc.aio.Server) -> None:
        market_service_pb2_grpc.add_MarketServiceServicer_to_server(market, server)

    async with (
        Member(consul, "market", tmp_path / "market") as member,
        serving(member, add) as port,
        envoy_edge(consul, plane, tmp_path / "edge") as edge,
    ):
        await consul.register("market", port)
        await until(lambda: answers(edge, 200))
        before = member.identity.material
        failures = 0
        await consul.request(
            "PUT",
            "/v1/connect/ca/configuration",
            {"Provider": "consul", "Config": {"LeafCertTTL": "72h", "PrivateKey": new_key(), "RootCert": ""}},
        )
        async with asyncio.timeout(30):
            while member.identity.material.certificate == before.certificate or not await renewed(edge):
                failures += not await answers(edge, 200)
        assert failures == 0
        # New connections, with new certificates on both sides.
        async with serving(member, add) as fresh:
            await consul.register("market", fresh)
            await consul.deregister(f"market-{port}")
            await until(lambda: listed(edge, "market", fresh))
            assert await answers(edge, 200)
        # The control plane accepts the new certificates too.
        await plane.kill()
        await plane.start()
        await until(lambda: edges(plane, 1))


def new_key() -> str:
    """A private key for another root."""
    key = ec.generate_private_key(ec.SECP256R1())
    kind = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


async def renewed(edge: EnvoyEdge) -> bool:
    """Whether Envoy has taken up another certificate for market."""
    name = "cluster.market.client_ssl_socket_factory.ssl_context_update_by_sds"
    return (await edge.statistics(name))[name] > 2


async def edges(plane: ControlPlaneProcess, count: int) -> bool:
    """Whether so many edges have a stream."""
    return await plane.metric(r'_streams\{.*view="envoy"') == count
