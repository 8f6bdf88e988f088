"""What must hold of a mesh that has traded, whatever was killed meanwhile.

I1 each acknowledged request made one order, and the venue has our orders, each once; I2 the fills are the
same at the venue, in exchange and in portfolio; I3 a position is the sum of its fills; I4 cash and
positions are what came in plus gains less fees, exactly; I5 event logs have no gap and are read to their
end, and the books are what the log makes when it is booked anew; and one signal has one cycle. Everything is
read through the doors of the services, the venue's own contract among them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from trademesh.events.v1 import outbox_service_pb2 as events_pb
from trademesh.exchange.v1 import order_events_pb2, order_pb2
from trademesh.simvenue.v1 import account_pb2, simvenue_service_pb2

from tests.support.account_books import ACCOUNT, Books, check_books, pages, read_books, wait_booked
from tests.support.doors import Door, RefusedError, rpc_named
from tests.support.member import Member
from tests.support.mesh import MeshHarness, wait_until
from tests.support.metrics_page import samples
from tests.support.rebuilt_books import check_rebuilt

_OUTBOX: Final = "/trademesh.events.v1.OutboxService/"
_VENUE: Final = "/trademesh.simvenue.v1.SimvenueService/"
_VENUE_ACCOUNT: Final = "paper"
_S = order_pb2.OrderState
_NEVER_LEFT = {_S.ORDER_STATE_DENIED}
_MAYBE_LEFT = {_S.ORDER_STATE_REJECTED, _S.ORDER_STATE_CANCELLED}
_OPEN = {_S.ORDER_STATE_OPEN, _S.ORDER_STATE_PARTIALLY_FILLED}
_FINAL = {
    _S.ORDER_STATE_FILLED,
    _S.ORDER_STATE_CANCELLED,
    _S.ORDER_STATE_DENIED,
    _S.ORDER_STATE_REJECTED,
    _S.ORDER_STATE_EXPIRED,
}
_CONSUMERS: Final = {
    "risk": ("exchange",),
    "portfolio": ("exchange",),
    "orchestrator": ("exchange", "strategy"),
}


@dataclass(frozen=True, slots=True)
class Venue:
    """An account by the venue itself.

    Attributes:
        orders: the newest state of each order, by client order id.
        venue_ids: the venue's ids of an order, by client order id.
        fills: every fill.
    """

    orders: Mapping[str, Any]
    venue_ids: Mapping[str, frozenset[int]]
    fills: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A mesh at rest.

    Attributes:
        books: the account by exchange, portfolio and risk.
        venue: the account by the venue.
        cycles: every cycle of the orchestrator.
        signals: every signal of the strategies that was there when the cycles were read.
        logs: the whole event log of a service, by service.
    """

    books: Books
    venue: Venue
    cycles: tuple[Any, ...]
    signals: tuple[Any, ...]
    logs: Mapping[str, list[Any]]


def come_to_rest(mesh: MeshHarness, door: Door, bound: float = 60.0) -> None:
    """Stops trading, ends what is open, and waits until everybody has heard of everything.

    Args:
        mesh: the mesh; every instance serves.
        door: a way into it.
        bound: seconds each step may take.
    """
    ask = {"request_id": str(uuid4()), "reason": "a test looks"}
    persistent(door, "OrchestratorService.StopTrading", ask, bound)

    def settled() -> bool:
        orders = pages(door, "ExchangeService.ListOrders", "orders")
        for order in orders:
            if order.state in _OPEN:
                ask = {"name": order.name, "request_id": str(uuid4())}
                persistent(door, "ExchangeService.CancelOrder", ask, bound)
        status = persistent(door, "OrchestratorService.GetTradingStatus", {}, bound)
        return status.running_cycle_count == 0 and all(order.state in _FINAL for order in orders)

    wait_until(settled, "every order final and no cycle running", bound)
    wait_booked(door, bound)


def start_trading(door: Door) -> None:
    """Lets signals become orders again."""
    ask = {"request_id": str(uuid4()), "reason": "a test goes on"}
    persistent(door, "OrchestratorService.StartTrading", ask, 30)


def persistent(door: Door, rpc: str, request: Mapping[str, Any], bound: float) -> Any:
    """A call that is made again, with the same request_id, until it is answered.

    An answer that says the call cannot be done any more (the order was filled meanwhile) is one too.
    """

    def answered() -> Any:
        try:
            return door.call(rpc_named(rpc), request)
        except RefusedError as error:
            if error.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED"}:
                return None
            if error.code == "FAILED_PRECONDITION":
                return error
            raise
        except OSError:
            return None

    return wait_until(answered, f"an answer to {rpc}", bound)


def gather(door: Door, orchestrator: Member, exchange: Member) -> Evidence:
    """Reads everything; nothing may trade meanwhile.

    Args:
        door: a way into the mesh.
        orchestrator: a member that may read the event logs.
        exchange: a member that may call the venue.
    """
    signals: list[Any] = []
    for strategy in _pages(door, "StrategyService.ListStrategies", "strategies"):
        signals += _pages(door, "StrategyService.ListSignals", "signals", parent=strategy.name)
    return Evidence(
        books=read_books(door),
        venue=read_venue(exchange),
        cycles=_cycles_of(door, signals),
        signals=tuple(signals),
        logs={service: read_log(orchestrator, service) for service in ("exchange", "strategy")},
    )


def read_venue(exchange: Member) -> Venue:
    """The account's whole past, as the venue streams it."""
    ask = simvenue_service_pb2.GetBalancesRequest(account=_VENUE_ACCOUNT)
    balances = exchange.call("simvenue", f"{_VENUE}GetBalances", ask, account_pb2.Balances)
    stream = simvenue_service_pb2.StreamAccountRequest(account=_VENUE_ACCOUNT)
    events = exchange.stream(
        "simvenue", f"{_VENUE}StreamAccount", stream, account_pb2.AccountEvent, balances.sequence
    )
    assert [event.sequence for event in events] == list(range(1, balances.sequence + 1))
    reports = [event.execution_report for event in events if event.HasField("execution_report")]
    ids: dict[str, set[int]] = {}
    for report in reports:
        ids.setdefault(report.order.client_order_id, set()).add(report.order.venue_order_id)
    return Venue(
        orders={report.order.client_order_id: report.order for report in reports},
        venue_ids={client_id: frozenset(found) for client_id, found in ids.items()},
        fills=tuple(report.fill for report in reports if report.HasField("fill")),
    )


def read_log(reader: Member, service: str) -> list[Any]:
    """Every event of a service's log."""
    head = reader.call(service, f"{_OUTBOX}GetHead", events_pb.GetHeadRequest(), events_pb.Head)
    events: list[Any] = []
    while len(events) < head.latest_sequence:
        start, frame = reader.stream(
            service,
            f"{_OUTBOX}StreamEvents",
            events_pb.StreamEventsRequest(after_sequence=len(events)),
            events_pb.StreamEventsResponse,
            2,
        )
        assert start.HasField("start")
        events.extend(frame.page.events)
    return events[: head.latest_sequence]


def check(evidence: Evidence, acknowledged: Mapping[str, str] | None = None) -> None:
    """I1 to I5, and one cycle for each signal.

    Args:
        evidence: of the mesh.
        acknowledged: the order each of the test's own requests was answered with, by request_id.
    """
    _check_requests(evidence.books.orders, acknowledged or {})
    _check_venue_orders(evidence.books.orders, evidence.venue)
    check_books(evidence.books, evidence.venue.fills)
    check_rebuilt(evidence.books, evidence.logs["exchange"])
    for log in evidence.logs.values():
        _check_log(log)
    _check_order_events(evidence.logs["exchange"], evidence.books)
    _check_cycles(evidence)


def wait_logs_read(mesh: MeshHarness, evidence: Evidence, bound: float = 30.0) -> None:
    """Waits until every instance of every consumer has applied each log to its end (I5).

    Signals go on while trading is stopped, so an instance may be further than the evidence.
    """
    heads = {service: len(log) for service, log in evidence.logs.items()}

    def behind() -> list[str]:
        return [
            f"{row.instance} is at {at} of {heads[source]} of {source}"
            for row in mesh.status().instances
            for source in _CONSUMERS.get(row.service, ())
            if (at := _position(row.ports["metrics"], source)) < heads[source]
        ]

    wait_until(lambda: behind() == [], "every log read to its end", bound)


def _position(port: int, source: str) -> int:
    return int(samples(port, "trademesh_subscription_position", source=source))


def _check_requests(orders: Iterable[Any], acknowledged: Mapping[str, str]) -> None:
    """I1: each acknowledged request has an order of its own."""
    names = Counter(order.name for order in orders)
    assert max(names.values(), default=1) == 1
    assert max(Counter(acknowledged.values()).values(), default=1) == 1
    lost = [f"{request} -> {name}" for request, name in acknowledged.items() if name not in names]
    assert lost == []


def _check_venue_orders(orders: Iterable[Any], venue: Venue) -> None:
    """I1: the orders at the venue are ours, each there once, in the state that we say."""
    ours = {order.client_order_id: order for order in orders}
    assert {client_id: ids for client_id, ids in venue.venue_ids.items() if len(ids) != 1} == {}
    assert venue.orders.keys() <= ours.keys(), "the venue has orders that we do not know"
    for client_id, order in ours.items():
        if client_id in venue.orders:
            theirs = venue.orders[client_id]
            assert order.state not in _NEVER_LEFT, order
            assert order.venue_order_id == str(theirs.venue_order_id), order
            assert order.filled_quantity == theirs.filled_quantity, order
        else:
            assert order.state in _NEVER_LEFT | _MAYBE_LEFT, f"lost at the venue: {order}"


def _check_log(log: list[Any]) -> None:
    """I5: sequences without a gap, and no event twice."""
    assert [event.sequence for event in log] == list(range(1, len(log) + 1))
    assert len({event.event_id for event in log}) == len(log)


def _check_order_events(log: list[Any], books: Books) -> None:
    """I5: the log alone tells the same as the read model."""
    versions: dict[str, int] = {}
    newest: dict[str, Any] = {}
    fills: dict[str, Any] = {}
    for event in log:
        changed, recorded = order_events_pb2.OrderChanged(), order_events_pb2.FillRecorded()
        if event.payload.Unpack(changed):
            order = changed.order
            assert order.version == versions.get(order.name, 0) + 1, order
            versions[order.name], newest[order.name] = order.version, order
        elif event.payload.Unpack(recorded):
            assert recorded.fill.name not in fills, recorded
            fills[recorded.fill.name] = recorded.fill
    assert newest == {order.name: order for order in books.orders}
    assert fills == {fill.name: fill for fill in books.fills}


def _cycles_of(door: Door, signals: list[Any]) -> tuple[Any, ...]:
    """Every cycle, once each of the signals has one. Signals go on while trading is stopped."""
    wanted = {signal.name for signal in signals}

    def found() -> list[Any]:
        cycles = _pages(door, "OrchestratorService.ListCycles", "cycles")
        return cycles if wanted <= {cycle.signal for cycle in cycles} else []

    return tuple(wait_until(found, "a cycle for each signal") if wanted else ())


def _check_cycles(evidence: Evidence) -> None:
    """One cycle for each signal, at most one order for each cycle, and no order of a strategy without one."""
    signals = Counter(event.subject for event in evidence.logs["strategy"])
    assert max(signals.values(), default=1) == 1
    cycles = Counter(cycle.signal for cycle in evidence.cycles)
    assert max(cycles.values(), default=1) == 1
    assert {signal.name for signal in evidence.signals} <= cycles.keys() <= signals.keys()
    ordered = Counter(cycle.order for cycle in evidence.cycles if cycle.order)
    assert max(ordered.values(), default=1) == 1
    ours = {order.name: order for order in evidence.books.orders if order.strategy}
    assert ordered.keys() == ours.keys()
    for cycle in evidence.cycles:
        if cycle.order and ours[cycle.order].state in _FINAL:
            assert (cycle.filled_quantity or "0") == (ours[cycle.order].filled_quantity or "0"), cycle


def _pages(door: Door, rpc: str, field: str, **request: Any) -> list[Any]:
    found: list[Any] = []
    token = ""
    while True:
        answer = door.call(rpc_named(rpc), {**request, "page_size": 200, "page_token": token})
        found += getattr(answer, field)
        token = answer.next_page_token
        if not token:
            return found


__all__ = [
    "ACCOUNT",
    "Evidence",
    "Venue",
    "check",
    "come_to_rest",
    "gather",
    "persistent",
    "read_log",
    "read_venue",
    "start_trading",
    "wait_logs_read",
]
