"""Reads on one connection."""

from collections.abc import Mapping, Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from trademesh.exchange.v1 import exchange_service_pb2, order_events_pb2, order_pb2

from services.chassis.events import outbox
from services.chassis.persistence import Prepared, Row, row_at
from services.exchange import convert, convert_results
from services.exchange.domain.fills import Fill
from services.exchange.domain.order import Order
from services.exchange.domain.states import OrderState
from services.exchange.domain.sweeps import Swept
from services.exchange.domain.terms import TimeInForce
from services.exchange.ports import (
    Cursors,
    FillFilter,
    LogEntry,
    Method,
    OrderFilter,
    OrderResult,
    StoredBatch,
    StoredRequest,
    StoredSweep,
)
from services.exchange.storage.rows import fill_of, order_of
from services.exchange.storage.tables import CURSORS, FILLS, ORDERS, OUTBOX, REQUESTS

_EVENT = OUTBOX.event
_CHANGED = order_events_pb2.OrderChanged.DESCRIPTOR.full_name
_FILLED = order_events_pb2.FillRecorded.DESCRIPTOR.full_name

_OLDEST_FIRST = (ORDERS.c.create_time, ORDERS.c.order_id)
_LIVE = (ORDERS.c.live.is_(True), ORDERS.c.account == bindparam("account"))
_LISTED = Prepared(
    select(ORDERS).where(ORDERS.c.order_list == bindparam("order_list")).order_by(*_OLDEST_FIRST)
)
_LINKED = Prepared(
    select(ORDERS)
    .where(*_LIVE, or_(ORDERS.c.order_list.is_not(None), ORDERS.c.replaces.is_not(None)))
    .order_by(*_OLDEST_FIRST)
)
_LOGGED = Prepared(
    select(_EVENT.c.sequence, _EVENT.c.subject, _EVENT.c.type, _EVENT.c.payload)
    .where(_EVENT.c.sequence > bindparam("after"))
    .order_by(_EVENT.c.sequence)
    .limit(bindparam("most", type_=Integer))
)


@cache
def _live(at_venue: bool, states: frozenset[OrderState] | None) -> Prepared:
    """Live orders of an account, of one venue or of all, in some states or in any."""
    venue = [ORDERS.c.venue == bindparam("venue")] if at_venue else []
    some = [] if states is None else [_in_one_of(states)]
    return Prepared(select(ORDERS).where(*_LIVE, *venue, *some).order_by(*_OLDEST_FIRST))


@cache
def _ending(states: frozenset[OrderState]) -> Prepared:
    """Live orders of an account at a venue that have an end, in some states."""
    ends = or_(*(ORDERS.c.time_in_force == each.value for each in (TimeInForce.GTD, TimeInForce.DAY)))
    mine = (*_LIVE, ORDERS.c.venue == bindparam("venue"))
    return Prepared(select(ORDERS).where(*mine, _in_one_of(states), ends).order_by(*_OLDEST_FIRST))


def _in_one_of(states: frozenset[OrderState]) -> ColumnElement[bool]:
    return or_(*(ORDERS.c.state == state.value for state in sorted(states)))


class SqlQueries:
    """``ports.Queries`` on a connection of ``Database.read()`` or ``Database.write()``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def order(self, order_id: UUID) -> Order | None:
        """An order by its id."""
        return await self._one_order({"order_id": str(order_id)})

    async def order_at(self, venue: str, account: str, client_order_id: str) -> Order | None:
        """An order by our id of it at the venue."""
        return await self._one_order({"venue": venue, "account": account, "client_order_id": client_order_id})

    async def orders(self, wanted: OrderFilter, limit: int) -> Sequence[Order]:
        """Orders, newest first."""
        query = select(ORDERS).where(ORDERS.c.account == wanted.account)
        if wanted.states:
            query = query.where(ORDERS.c.state.in_([state.value for state in wanted.states]))
        if wanted.instrument:
            query = query.where(ORDERS.c.venue == wanted.venue, ORDERS.c.instrument == wanted.instrument)
        if wanted.before is not None:
            moment, last = wanted.before
            earlier = ORDERS.c.create_time < moment
            same = and_(ORDERS.c.create_time == moment, ORDERS.c.order_id < str(last))
            query = query.where(or_(earlier, same))
        query = query.order_by(ORDERS.c.create_time.desc(), ORDERS.c.order_id.desc()).limit(limit)
        return await self._all_orders(query)

    async def fills(self, wanted: FillFilter, limit: int) -> Sequence[Fill]:
        """Fills, newest first."""
        query = select(FILLS).where(FILLS.c.account == wanted.account)
        if wanted.order_id is not None:
            query = query.where(FILLS.c.order_id == str(wanted.order_id))
        if wanted.start is not None:
            query = query.where(FILLS.c.exchange_time >= wanted.start)
        if wanted.end is not None:
            query = query.where(FILLS.c.exchange_time < wanted.end)
        if wanted.before is not None:
            moment, last = wanted.before
            earlier = FILLS.c.exchange_time < moment
            same = and_(FILLS.c.exchange_time == moment, FILLS.c.fill_id < str(last))
            query = query.where(or_(earlier, same))
        query = query.order_by(FILLS.c.exchange_time.desc(), FILLS.c.fill_id.desc()).limit(limit)
        rows = (await self._connection.execute(query)).mappings()
        return [fill_of(row) for row in rows]

    async def live_orders(
        self, account: str, venue: str = "", states: frozenset[OrderState] | None = None
    ) -> Sequence[Order]:
        """Orders that are not final, oldest first."""
        values = {"account": account, "venue": venue} if venue else {"account": account}
        return await self._orders_by(_live(bool(venue), states), values)

    async def list_orders(self, order_list: UUID) -> Sequence[Order]:
        """The orders of a list and those that took their places, oldest first."""
        return await self._orders_by(_LISTED, {"order_list": str(order_list)})

    async def linked_orders(self, account: str) -> Sequence[Order]:
        """Orders that have to do with others and are not final, oldest first."""
        return await self._orders_by(_LINKED, {"account": account})

    async def unprotected_orders(self, account: str) -> Sequence[Order]:
        """Entries with an alarm, final ones too. It reads the whole table: for the start only."""
        query = select(ORDERS).where(ORDERS.c.unprotected.is_(True), ORDERS.c.account == account)
        return await self._all_orders(query)

    async def ending_orders(self, account: str, venue: str, states: frozenset[OrderState]) -> Sequence[Order]:
        """Orders in these states that have an end (GTD and DAY), oldest first."""
        return await self._orders_by(_ending(states), {"account": account, "venue": venue})

    async def request(self, account: str, request_id: str) -> StoredRequest | None:
        """What a request_id stands for."""
        row = await self._request_row(account, request_id)
        if row is None:
            return None
        several = row["method"] in {Method.CREATE_ORDERS, Method.CANCEL_ALL}
        answer = None if several or row["answer"] is None else answer_of(row["answer"])
        return StoredRequest(row["fingerprint"], UUID(row["order_id"]), answer)

    async def batch(self, account: str, request_id: str) -> StoredBatch | None:
        """What a request_id stands for that was used for several orders; None for any other."""
        row = await self._request_row(account, request_id)
        if row is None or row["method"] != Method.CREATE_ORDERS:
            return None
        answer = None if row["answer"] is None else batch_of(row["answer"])
        return StoredBatch(row["fingerprint"], UUID(row["order_id"]), answer)

    async def sweep(self, account: str, request_id: str) -> StoredSweep | None:
        """What a request_id stands for that was used to cancel all orders; None for any other."""
        row = await self._request_row(account, request_id)
        if row is None or row["method"] != Method.CANCEL_ALL:
            return None
        answer = None if row["answer"] is None else sweep_of(row["answer"])
        return StoredSweep(row["fingerprint"], answer)

    async def cursors(self, account: str, venue: str) -> Cursors:
        """How far we have followed."""
        row = await row_at(self._connection, CURSORS, {"account": account, "venue": venue})
        return Cursors() if row is None else Cursors(row["stream"], row["fills"], row["transfers"])

    async def log_head(self) -> tuple[str, int]:
        """Identity and newest sequence of the outbox."""
        head = await outbox.head(self._connection)
        return head.log_id, head.latest_sequence

    async def log_start(self) -> int:
        """Oldest sequence of the outbox that is kept; the next one where none is."""
        return await outbox.first_sequence(self._connection)

    async def log_after(self, account: str, sequence: int, limit: int) -> tuple[Sequence[LogEntry], int]:
        """Changes of an account after a sequence, and the sequence up to which was looked."""
        prefix = f"accounts/{account}/"
        entries: list[LogEntry] = []
        looked = sequence
        for row in await _LOGGED.rows(self._connection, {"after": sequence, "most": limit}):
            looked = row["sequence"]
            if row["subject"].startswith(prefix):
                entries += _entry(looked, row["type"], row["payload"])
        return entries, looked

    async def _request_row(self, account: str, request_id: str) -> Row | None:
        return await row_at(self._connection, REQUESTS, {"account": account, "request_id": request_id})

    async def _one_order(self, key: Mapping[str, str]) -> Order | None:
        row = await row_at(self._connection, ORDERS, key)
        return None if row is None else order_of(row)

    async def _orders_by(self, statement: Prepared, values: Mapping[str, str]) -> Sequence[Order]:
        return [order_of(row) for row in await statement.rows(self._connection, values)]

    async def _all_orders(self, query: "Select[tuple[object, ...]]") -> Sequence[Order]:
        return [order_of(row) for row in (await self._connection.execute(query)).mappings()]


def answer_of(data: bytes) -> Order:
    """A kept answer."""
    return convert.order_of(order_pb2.Order.FromString(data))


def answer_bytes(order: Order) -> bytes:
    """An answer to keep."""
    return convert.order_to_proto(order).SerializeToString(deterministic=True)


def batch_of(data: bytes) -> Sequence[OrderResult]:
    """A kept answer on several orders."""
    return convert_results.results_of(exchange_service_pb2.CreateOrdersResponse.FromString(data))


def batch_bytes(answer: Sequence[OrderResult]) -> bytes:
    """An answer on several orders, to keep."""
    return convert_results.results_to_proto(answer).SerializeToString(deterministic=True)


def _entry(sequence: int, kind: str, payload: bytes) -> list[LogEntry]:
    if kind == _CHANGED:
        changed = order_events_pb2.OrderChanged.FromString(payload)
        return [LogEntry(sequence, order=convert.order_of(changed.order))]
    if kind == _FILLED:
        filled = order_events_pb2.FillRecorded.FromString(payload)
        return [LogEntry(sequence, fill=convert.fill_of(filled.fill))]
    return []


def sweep_of(data: bytes) -> Swept:
    """A kept answer to CancelAllOrders."""
    return convert.swept_of(exchange_service_pb2.CancelAllOrdersResponse.FromString(data))


def sweep_bytes(answer: Swept) -> bytes:
    """An answer to CancelAllOrders to keep."""
    return convert.swept_to_proto(answer).SerializeToString(deterministic=True)
