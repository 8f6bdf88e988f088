"""Writes on one connection. Whoever writes a fact also appends its event: neither goes alone."""

from collections.abc import Callable, Sequence
from datetime import datetime

from google.protobuf.message import Message
from sqlalchemy import bindparam, insert, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from trademesh.exchange.v1 import order_events_pb2

from services.chassis.events import outbox
from services.chassis.persistence import Prepared, change_row, insert_if_absent
from services.chassis.telemetry.correlation import correlation_id
from services.exchange import convert
from services.exchange.domain.fills import Fill, Transfer
from services.exchange.domain.links import NO_LINKS
from services.exchange.domain.order import Order
from services.exchange.domain.sweeps import Swept
from services.exchange.ports import Cursors, Method, OrderResult, RequestClaim, StaleOrderError
from services.exchange.storage.queries import SqlQueries, answer_bytes, batch_bytes, sweep_bytes
from services.exchange.storage.rows import fill_row, order_row, progress_row, transfer_row
from services.exchange.storage.tables import CURSORS, FILLS, ORDERS, REQUESTS, TRANSFERS

_ADD_ORDER = Prepared(insert(ORDERS))
_UNANSWERED = update(REQUESTS).where(REQUESTS.c.answer.is_(None)).values(answer=bindparam("answer"))
_ANSWER_REQUEST = Prepared(
    _UNANSWERED.where(
        REQUESTS.c.account == bindparam("of_account"), REQUESTS.c.request_id == bindparam("of_request")
    )
)
_ANSWER_CREATION = Prepared(
    _UNANSWERED.where(
        REQUESTS.c.order_id == bindparam("of_order"),
        or_(REQUESTS.c.method == Method.CREATE.value, REQUESTS.c.method == Method.REPLACE.value),
    )
)


class SqlTransaction(SqlQueries):
    """``ports.Transaction`` on a connection of ``Database.write()``.

    Args:
        connection: inside its one transaction.
        now: our clock.

    Attributes:
        recorded: the orders that were written, in order.
    """

    def __init__(self, connection: AsyncConnection, now: Callable[[], datetime]) -> None:
        super().__init__(connection)
        self._now = now
        self.recorded: list[Order] = []
        self._events: list[outbox.Entry] = []

    async def append_events(self) -> None:
        """Append the events of all that was written, in their order. Once, at the end."""
        if self._events:
            await outbox.append_all(self._connection, self._events)

    async def record_order(self, order: Order) -> None:
        """Insert version 1, or replace the version before this one; appends OrderChanged.

        Raises:
            StaleOrderError: the version before is not the one in the table.
        """
        if order.version == 1:
            await _ADD_ORDER.run(self._connection, order_row(order))
        else:
            await self._replace(order)
        message = convert.order_to_proto(order)
        self._tell(
            order_events_pb2.OrderChanged(order=message),
            message.name,
            order.update_time,
            order.correlation_id,
        )
        self.recorded.append(order)

    async def record_fill(self, fill: Fill) -> bool:
        """Book a fill once; appends FillRecorded. Answers whether it is new."""
        if not await insert_if_absent(self._connection, FILLS, fill_row(fill)):
            return False
        message = convert.fill_to_proto(fill)
        self._tell(
            order_events_pb2.FillRecorded(fill=message), message.name, fill.receive_time, fill.correlation_id
        )
        return True

    async def record_transfer(self, transfer: Transfer) -> bool:
        """Book a transfer once; appends TransferRecorded. Answers whether it is new."""
        if not await insert_if_absent(self._connection, TRANSFERS, transfer_row(transfer)):
            return False
        message = order_events_pb2.TransferRecorded(transfer=convert.transfer_to_proto(transfer))
        self._tell(message, transfer.name, transfer.receive_time, correlation_id.get())
        return True

    async def claim_request(self, account: str, request_id: str, claim: RequestClaim) -> bool:
        """Bind a request_id to a body and an order. Answers whether it was free."""
        row = {
            "account": account,
            "request_id": request_id,
            "method": claim.method.value,
            "fingerprint": claim.fingerprint,
            "order_id": str(claim.order_id),
            "answer": None,
            "create_time": self._now(),
        }
        return await insert_if_absent(self._connection, REQUESTS, row)

    async def answer_request(self, account: str, request_id: str, answer: Order) -> None:
        """Keep the first answer of a request; a later one changes nothing."""
        await self._keep_answer(account, request_id, answer_bytes(answer))

    async def answer_batch(self, account: str, request_id: str, answer: Sequence[OrderResult]) -> bool:
        """Keep the first answer of a request for several orders. Answers whether it had none yet."""
        return await self._keep_answer(account, request_id, batch_bytes(answer))

    async def answer_sweep(self, account: str, request_id: str, answer: Swept) -> None:
        """Keep the first answer of a request to cancel all orders; a later one changes nothing."""
        await self._keep_answer(account, request_id, sweep_bytes(answer))

    async def answer_creation(self, order: Order) -> bool:
        """Keep the first answer of the request that made an order. Answers whether it had none yet."""
        values = {"of_order": str(order.order_id), "answer": answer_bytes(order)}
        return await _ANSWER_CREATION.run(self._connection, values) == 1

    async def save_cursors(self, account: str, venue: str, cursors: Cursors) -> None:
        """Remember how far we have followed."""
        values = {"stream": cursors.stream, "fills": cursors.fills, "transfers": cursors.transfers}
        row = {"account": account, "venue": venue, **values}
        if not await insert_if_absent(self._connection, CURSORS, row):
            await change_row(self._connection, CURSORS, {"account": account, "venue": venue}, values)

    async def save_stream(self, account: str, venue: str, cursor: str) -> None:
        """Remember how far we have followed the stream."""
        key = {"account": account, "venue": venue}
        if not await change_row(self._connection, CURSORS, key, {"stream": cursor}):
            row = {**key, "stream": cursor, "fills": "", "transfers": ""}
            await insert_if_absent(self._connection, CURSORS, row)

    async def _keep_answer(self, account: str, request_id: str, answer: bytes) -> bool:
        keys = {"of_account": account, "of_request": request_id}
        return await _ANSWER_REQUEST.run(self._connection, {**keys, "answer": answer}) == 1

    async def _replace(self, order: Order) -> None:
        before = {"order_id": str(order.order_id), "version": order.version - 1}
        # What makes up a plain order never changes: most columns and all indexes are left alone.
        plain = order.trigger is None and order.links == NO_LINKS
        row = progress_row(order) if plain else order_row(order)
        if not await change_row(self._connection, ORDERS, before, row):
            raise StaleOrderError(order)

    def _tell(self, payload: Message, subject: str, moment: datetime, cause: str) -> None:
        self._events.append(outbox.Entry(payload, subject, moment, cause))
