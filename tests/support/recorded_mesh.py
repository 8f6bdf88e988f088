"""The whole mesh on recorded data, once per test run, for the end-to-end tests; and the ways into it."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from trademesh.simvenue.v1 import simvenue_service_pb2

from tests.support.account_books import ACCOUNT, pages, wait_booked
from tests.support.doors import Rest, Stubs, rpc_named
from tests.support.grpcurl import Grpcurl
from tests.support.mesh import MeshHarness, wait_until
from tests.support.recorded import recorded_data
from tests.support.xds_caller import xds_caller

INSTRUMENT = "venues/sim/instruments/btc-usdt"
STRATEGY = "strategies/sma-cross"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class RecordedMesh:
    """A running mesh that replays a recording.

    Attributes:
        harness: the commands on it.
        started: what the first ``up`` said.
        recording: folder of the recording.
        rest: REST at its edge.
        stubs: gRPC at its edge.
    """

    harness: MeshHarness
    started: subprocess.CompletedProcess[str]
    recording: Path
    rest: Rest
    stubs: Stubs

    def call(self, rpc: str, **request: Any) -> Any:
        """One call by the generated stubs, as in ``call("ExchangeService.GetOrder", name=...)``."""
        return self.stubs.call(rpc_named(rpc), request)

    def status(self) -> Any:
        """Whether it trades."""
        return self.call("OrchestratorService.GetTradingStatus")

    def start_trading(self) -> None:
        """Let signals become orders, whatever stopped them."""
        self.call("OrchestratorService.StartTrading", request_id=str(uuid4()), reason="a test goes on")

    def rest_order(self, quantity: str = "0.001", **more: Any) -> dict[str, Any]:
        """The body of a limit order that rests far below the market."""
        bid = self.call("MarketService.GetTicker", name=f"{INSTRUMENT}/ticker").bid_price
        order = {"instrument": INSTRUMENT, "side": "SIDE_BUY", "quantity": quantity}
        return {"request_id": str(uuid4()), "order": order | {"limit": {"price": _far_below(bid)}} | more}

    def resting_order(self) -> str:
        """The name of a new order that rests."""
        order = self.call("ExchangeService.CreateOrder", parent=ACCOUNT, **self.rest_order())
        assert order.state == _OPEN, order
        return str(order.name)

    def wait_filled_cycles(self, more: int, bound: float = 60.0) -> None:
        """Waits until so many more cycles have traded."""
        before = self.status().filled_cycle_count
        wait_until(lambda: self._filled() >= before + more, f"{more} more cycles", bound)

    def come_to_rest(self) -> None:
        """Stop trading, cancel what is open, and wait until everybody has heard of everything."""
        self.call("OrchestratorService.StopTrading", request_id=str(uuid4()), reason="a test looks")
        wait_until(lambda: self.status().running_cycle_count == 0, "no cycle running")
        for order in pages(self.stubs, "ExchangeService.ListOrders", "orders"):
            if order.state in {_OPEN, _PARTIALLY_FILLED}:
                self.call("ExchangeService.CancelOrder", name=order.name, request_id=str(uuid4()))
        wait_booked(self.stubs)

    def grpcurl(self, binary: Path) -> Grpcurl:
        """grpcurl at its edge."""
        return Grpcurl(binary, f"127.0.0.1:{self.harness.edge}")

    async def venue_fills(self, folder: Path) -> list[Any]:
        """The account's fills by the venue itself, asked as the exchange service asks it.

        Args:
            folder: for files of the call.
        """
        state = self.harness.state_dir
        (exchange,) = self.harness.instances("exchange")
        ask = simvenue_service_pb2.ListFillsRequest(account="paper", page_size=_PAGE)
        found: list[Any] = []
        async with xds_caller(
            ads_address=f"127.0.0.1:{self.harness.ads}",
            ads_roots=state / "controlplane" / "ca" / "ca.pem",
            certificates=state / "run" / exchange.instance / "tls" / "current",
            service="exchange",
            target="simvenue",
            folder=folder,
        ) as caller:
            while True:
                ask.after_trade_id = found[-1].trade_id if found else 0
                path = "/trademesh.simvenue.v1.SimvenueService/ListFills"
                answer = simvenue_service_pb2.ListFillsResponse.FromString(
                    await caller.call(path, ask.SerializeToString())
                )
                found += answer.fills
                if len(answer.fills) < _PAGE:
                    return found

    def logged(self, service: str, correlation_id: str) -> list[dict[str, Any]]:
        """The log lines of a service under a correlation id."""
        lines = (line for line in self.harness.log(service).splitlines() if correlation_id in line)
        values = (json.loads(line) for line in lines)
        return [value for value in values if value["correlation_id"] == correlation_id]

    def _filled(self) -> int:
        return int(self.status().filled_cycle_count)


_OPEN = 4
_PARTIALLY_FILLED = 5


def _far_below(price: str) -> str:
    """A tenth below, on a whole number of the quote asset: on the tick of every instrument here."""
    return str(int(float(price) * 0.9))


@pytest.fixture(scope="session")
def recorded_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedMesh]:
    """The mesh on the recording. Leave it trading, with every service up."""
    recording = recorded_data() / "binance_spot"
    harness = MeshHarness.fresh(tmp_path_factory.mktemp("recorded") / "state")
    try:
        started = harness.up("--recording", str(recording))
        assert started.returncode == 0, started.stdout + started.stderr
        with grpc.insecure_channel(f"127.0.0.1:{harness.edge}") as channel:
            yield RecordedMesh(harness, started, recording, Rest(harness.edge), Stubs(channel))
    finally:
        harness.close()
        assert harness.processes() == []
