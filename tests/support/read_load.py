"""A steady load of all public reads: over ``xds:///`` channels, and through the edge as gRPC and REST.

:class:`Loader` makes it, inside the program of ``tests.support.member``; :class:`ReadLoad` is its
remote control in a test.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import grpc
import grpc.aio

from services.chassis.descriptor import RetryClass
from tests.support.mesh import wait_until
from tests.support.public_rpcs import PublicRpc, public_rpcs

if TYPE_CHECKING:
    from tests.support.member import Member

XDS: Final = "xds"
GRPC: Final = "edge gRPC"
REST: Final = "edge REST"
DOORS: Final = (XDS, GRPC, XDS, REST)
"""Half of the calls go past the edge."""

PATIENCE_S: Final = 10.0
"""Deadline of a call: what is tested is that calls do not fail, on a machine that may be busy."""

_RECONNECT: Final = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))
_INSTRUMENT = "venues/sim/instruments/btc-usdt"
_STRATEGY = "strategies/sma-cross"
_ACCOUNT = "accounts/paper"
_WANTED = {"instrument": _INSTRUMENT, "side": "SIDE_BUY", "quantity": "0.001"}
_CHECKED = {**_WANTED, "account": _ACCOUNT, "validate_only": True}
_NAMED_BY: Mapping[str, tuple[str, str]] = {
    "ExchangeService.GetOrder": ("ExchangeService.ListOrders", "orders"),
    "RiskService.GetDecision": ("RiskService.ListDecisions", "decisions"),
}
"""Reads of what the mesh itself has named: who lists them, and in which field."""

_REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "MarketService.ListInstruments": {"parent": "venues/sim"},
    "MarketService.GetInstrument": {"name": _INSTRUMENT},
    "MarketService.GetTicker": {"name": f"{_INSTRUMENT}/ticker"},
    "MarketService.GetOrderBook": {"name": f"{_INSTRUMENT}/orderBook", "depth": 5},
    "MarketService.ListTrades": {"parent": _INSTRUMENT, "page_size": 5},
    "MarketService.ListCandles": {"parent": _INSTRUMENT, "interval": "1m", "page_size": 5},
    "StrategyService.ListStrategies": {"page_size": 5},
    "StrategyService.GetStrategy": {"name": _STRATEGY},
    "StrategyService.ListSignals": {"parent": _STRATEGY, "page_size": 5},
    "ExchangeService.ListVenues": {},
    "ExchangeService.GetVenue": {"name": "venues/sim"},
    "ExchangeService.GetOrder": {},
    "ExchangeService.ListOrders": {"parent": _ACCOUNT, "page_size": 5},
    "ExchangeService.ListFills": {"parent": _ACCOUNT, "page_size": 5},
    "ExchangeService.ListBalances": {"parent": _ACCOUNT},
    "ExchangeService.ListPositions": {"parent": _ACCOUNT},
    "ExchangeService.PreviewOrder": {"parent": _ACCOUNT, "order": {**_WANTED, "market": {}}},
    "RiskService.GetLimits": {"name": f"{_ACCOUNT}/limits"},
    "RiskService.GetExposure": {"name": f"{_ACCOUNT}/exposure"},
    "RiskService.CheckOrders": {"account": _ACCOUNT, "orders": [_CHECKED]},
    "RiskService.GetTradingState": {"name": f"{_ACCOUNT}/tradingState"},
    "RiskService.ListTradingStateChanges": {"parent": _ACCOUNT, "page_size": 5},
    "RiskService.ListDecisions": {"parent": _ACCOUNT, "page_size": 5},
    "RiskService.GetDecision": {},
    "RiskService.GetProtections": {"name": f"{_ACCOUNT}/protections"},
    "RiskService.ListLocks": {"parent": _ACCOUNT},
    "RiskService.GetRiskMetrics": {
        "name": f"{_ACCOUNT}/riskMetrics",
        "parameters": {"interval": "1m", "window": 10},
    },
    "RiskService.RunStress": {"account": _ACCOUNT, "scenarios": ["crash-20"]},
    "RiskService.PreviewExposure": {"account": _ACCOUNT, "orders": [_CHECKED]},
    "PortfolioService.GetPortfolio": {"name": f"{_ACCOUNT}/portfolio"},
    "PortfolioService.ListPositions": {"parent": _ACCOUNT},
    "PortfolioService.ListLedgerEntries": {"parent": _ACCOUNT, "page_size": 5},
    "PortfolioService.GetTrialBalance": {"name": f"{_ACCOUNT}/trialBalance"},
    "PortfolioService.ListTaxLots": {"parent": _ACCOUNT, "page_size": 5},
    "PortfolioService.ListRealizedGains": {"parent": _ACCOUNT, "page_size": 5},
    "PortfolioService.GetAccountSettings": {"name": f"{_ACCOUNT}/accountSettings"},
    "PortfolioService.ListEquityPoints": {"parent": _ACCOUNT, "page_size": 5},
    "PortfolioService.GetReconciliation": {"name": f"{_ACCOUNT}/reconciliation"},
    "OrchestratorService.GetTradingStatus": {},
    "OrchestratorService.ListCycles": {"page_size": 5},
}


@dataclass
class LoadReport:
    """What became of a load so far.

    Attributes:
        calls: how many answers came, by door.
        failures: what failed, each as ``<seconds> <door> <rpc>: <why>``.
        slowest_ms: the longest call, by door.
    """

    calls: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    slowest_ms: dict[str, float] = field(default_factory=dict)

    def failed_at(self, *doors: str) -> list[str]:
        """The failures at some doors."""
        return [line for line in self.failures if any(f" {door} " in line for door in doors)]


class ReadLoad:
    """A load that runs in a member's process.

    Args:
        member: the process.
    """

    def __init__(self, member: "Member") -> None:
        self._member = member

    def report(self) -> LoadReport:
        """What became of it so far."""
        return self._member.report()

    def more(self, count: int, *doors: str) -> LoadReport:
        """What became of it, once so many more calls were answered at each of some doors (all of them)."""
        wanted = doors or (XDS, GRPC, REST)
        before = self.report().calls

        def enough() -> LoadReport | None:
            report = self.report()
            grown = all(report.calls.get(door, 0) >= before.get(door, 0) + count for door in wanted)
            return report if grown else None

        report: LoadReport = wait_until(enough, f"{count} more calls at {wanted}", 60)
        return report

    def stop(self) -> None:
        """End it; calls in flight are waited for."""
        self._member.ask(do="stop")


class Loader:
    """Makes calls at a steady pace, whatever becomes of each.

    Args:
        channel: gives the channel to a service.
        edge: port of the edge.
        itself: the service that it is.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel], edge: int, itself: str) -> None:
        self._channel = channel
        self._itself = itself
        self._edge = edge
        self._report = LoadReport()
        self._running: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._began = 0.0

    async def start(self, rate: float) -> list[str]:
        """Begin, with so many calls a second; answers which rpcs are called."""
        reads = public_reads()
        self._began = time.monotonic()
        self._report = LoadReport()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._run(reads, rate, ready))
        await ready
        return [rpc.name for rpc, _ in reads]

    async def stop(self) -> None:
        """End, and wait for the calls in flight."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    def report(self) -> dict[str, Any]:
        """What became of it so far, as values of JSON."""
        done = self._report
        return {"calls": done.calls, "failures": done.failures, "slowest_ms": done.slowest_ms}

    async def _run(
        self, reads: list[tuple[PublicRpc, Mapping[str, Any]]], rate: float, ready: "asyncio.Future[None]"
    ) -> None:
        loop = asyncio.get_running_loop()
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{self._edge}") as session,
            grpc.aio.insecure_channel(f"127.0.0.1:{self._edge}", options=_RECONNECT) as edge,
        ):
            reads = await self._with_names(reads)
            ready.set_result(None)
            # Each rpc comes through each door: the two cycles have no length in common.
            turns = zip(itertools.cycle(reads), itertools.cycle(DOORS), strict=False)
            due = loop.time()
            try:
                for (rpc, request), turn in turns:
                    # Nobody of the mesh calls the orchestrator: only the edge may.
                    door = GRPC if rpc.policy.area == self._itself and turn == XDS else turn
                    call = self._at(door, rpc, request, session, edge)
                    task = asyncio.create_task(self._observed(door, rpc, call))
                    self._calls.add(task)
                    task.add_done_callback(self._calls.discard)
                    due += 1 / rate
                    await asyncio.sleep(due - loop.time())
            finally:
                await asyncio.gather(*self._calls, return_exceptions=True)

    def _at(
        self,
        door: str,
        rpc: PublicRpc,
        request: Mapping[str, Any],
        session: aiohttp.ClientSession,
        edge: grpc.aio.Channel,
    ) -> Awaitable[None]:
        if door == REST:
            return _rest(session, rpc, request)
        return _grpc(edge if door == GRPC else self._channel(rpc.policy.area), rpc, request)

    async def _observed(self, door: str, rpc: PublicRpc, call: Awaitable[None]) -> None:
        report, began = self._report, time.monotonic()
        try:
            await call
        except Exception as error:  # noqa: BLE001 - any failure counts
            when = f"{began - self._began:.2f} s, after {time.monotonic() - began:.2f} s"
            report.failures.append(f"{when} {door} {rpc.name}: {_told(error)}")
        else:
            report.calls[door] = report.calls.get(door, 0) + 1
        slowest = report.slowest_ms.get(door, 0.0)
        report.slowest_ms[door] = max(slowest, round((time.monotonic() - began) * 1000, 1))

    async def _with_names(
        self, reads: list[tuple[PublicRpc, Mapping[str, Any]]]
    ) -> list[tuple[PublicRpc, Mapping[str, Any]]]:
        """The reads, with names of an order and a decision that are there."""
        known = {rpc.name: (rpc, request) for rpc, request in reads}
        named: dict[str, Mapping[str, Any]] = {}
        for reader, (lister, listed) in _NAMED_BY.items():
            rpc, request = known[lister]
            method: Any = self._channel(rpc.policy.area).unary_unary(rpc.path)
            text = await method(
                _message(rpc, request).SerializeToString(), timeout=PATIENCE_S, wait_for_ready=True
            )
            answer: Any = rpc.response_class.FromString(text)
            named[reader] = {"name": getattr(answer, listed)[0].name}
        return [(rpc, named.get(rpc.name, request)) for rpc, request in reads]


def public_reads() -> list[tuple[PublicRpc, Mapping[str, Any]]]:
    """Every public unary read of every service with a request, service by service in turn.

    Raises:
        KeyError: a new one has no request here.
    """
    found: dict[str, list[tuple[PublicRpc, Mapping[str, Any]]]] = {}
    for rpc in public_rpcs():
        if rpc.policy.retry is RetryClass.READ and not rpc.policy.streaming:
            found.setdefault(rpc.policy.area, []).append((rpc, _REQUESTS[rpc.name]))
    rounds = max(len(each) for each in found.values())
    turns = [each[number % len(each)] for number in range(rounds) for each in found.values()]
    counts = Counter(rpc.name for rpc, _ in turns)
    assert counts.keys() == _REQUESTS.keys()
    # An odd length, so that doors and rpcs meet in every pairing.
    return turns if len(turns) % 2 else [*turns, turns[0]]


def _message(rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
    from google.protobuf import json_format  # noqa: PLC0415 - beside the only use

    return json_format.ParseDict(dict(request), rpc.request_class())


async def _grpc(channel: grpc.aio.Channel, rpc: PublicRpc, request: Mapping[str, Any]) -> None:
    method: Any = channel.unary_unary(rpc.path)
    await method(_message(rpc, request).SerializeToString(), timeout=PATIENCE_S)


async def _rest(session: aiohttp.ClientSession, rpc: PublicRpc, request: Mapping[str, Any]) -> None:
    http = rpc.http_call(request)
    deadline = {"grpc-timeout": f"{int(PATIENCE_S * 1000)}m"}
    bound = aiohttp.ClientTimeout(total=PATIENCE_S)
    call = session.request(http.method, http.target, json=http.body, headers=deadline, timeout=bound)
    async with call as answer:
        text = await answer.text()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {text}")


def _told(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return repr(error)
