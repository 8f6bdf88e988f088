"""Writes on one connection. Whoever writes a fact also appends its event: neither goes alone."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection
from trademesh.exchange.v1 import order_events_pb2

from services.chassis.events import outbox
from services.chassis.persistence import change_row, insert_if_absent
from services.chassis.telemetry.correlation import correlation_id
from services.exchange import convert
from services.exchange.domain.fills import Fill, Transfer
from services.exchange.domain.order import Order
from services.exchange.domain.sweeps import Swept
from services.exchange.ports import Cursors, Method, OrderResult, RequestClaim
from services.exchange.storage.queries import SqlQueries, answer_bytes, batch_bytes, sweep_bytes
from services.exchange.storage.rows import fill_row, order_row, transfer_row
from services.exchange.storage.tables import CURSORS, FILLS, ORDERS, REQUESTS, TRANSFERS
from services.kernel.errors import DomainError, ErrorKind

_ADD_ORDER = insert(ORDERS)
_UNANSWERED = update(REQUESTS).where(REQUESTS.c.answer.is_(None)).values(answer=bindparam("answer"))
_ANSWER_REQUEST = _UNANSWERED.where(
    REQUESTS.c.account == bindparam("of_account"), REQUESTS.c.request_id == bindparam("of_request")
)
_ANSWER_CREATION = _UNANSWERED.where(
    REQUESTS.c.order_id == bindparam("of_order"),
    REQUESTS.c.method.in_((Method.CREATE.value, Method.REPLACE.value)),
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

    async def record_order(self, order: Order) -> None:
        """Insert version 1, or replace the version before this one; appends OrderChanged.

        Raises:
            DomainError: INTERNAL where the version before is not the one in the table.
        """
        row = order_row(order)
        if order.version == 1:
            await self._connection.execute(_ADD_ORDER, row)
        else:
            await self._replace(order, row)
        await outbox.append(
            self._connection,
            order_events_pb2.OrderChanged(order=convert.order_to_proto(order)),
            subject=order.name,
            now=order.update_time,
            correlation_id=order.correlation_id,
        )
        self.recorded.append(order)

    async def record_fill(self, fill: Fill) -> bool:
        """Book a fill once; appends FillRecorded. Answers whether it is new."""
        if not await insert_if_absent(self._connection, FILLS, fill_row(fill)):
            return False
        await outbox.append(
            self._connection,
            order_events_pb2.FillRecorded(fill=convert.fill_to_proto(fill)),
            subject=fill.name,
            now=fill.receive_time,
            correlation_id=fill.correlation_id,
        )
        return True

    async def record_transfer(self, transfer: Transfer) -> bool:
        """Book a transfer once; appends TransferRecorded. Answers whether it is new."""
        if not await insert_if_absent(self._connection, TRANSFERS, transfer_row(transfer)):
            return False
        await outbox.append(
            self._connection,
            order_events_pb2.TransferRecorded(transfer=convert.transfer_to_proto(transfer)),
            subject=transfer.name,
            now=transfer.receive_time,
            correlation_id=correlation_id.get(),
        )
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

    async def answer_batch(self, account: str, request_id: str, answer: Sequence[OrderResult]) -> None:
        """Keep the first answer of a request for several orders; a later one changes nothing."""
        await self._keep_answer(account, request_id, batch_bytes(answer))

    async def answer_sweep(self, account: str, request_id: str, answer: Swept) -> None:
        """Keep the first answer of a request to cancel all orders; a later one changes nothing."""
        await self._keep_answer(account, request_id, sweep_bytes(answer))

    async def answer_creation(self, order: Order) -> None:
        """Keep the first answer of the request that made an order, if it has none yet."""
        await self._connection.execute(
            _ANSWER_CREATION, {"of_order": str(order.order_id), "answer": answer_bytes(order)}
        )

    async def save_cursors(self, account: str, venue: str, cursors: Cursors) -> None:
        """Remember how far we have followed."""
        values = {"stream": cursors.stream, "fills": cursors.fills, "transfers": cursors.transfers}
        row = {"account": account, "venue": venue, **values}
        if not await insert_if_absent(self._connection, CURSORS, row):
            await change_row(self._connection, CURSORS, {"account": account, "venue": venue}, values)

    async def _keep_answer(self, account: str, request_id: str, answer: bytes) -> None:
        keys = {"of_account": account, "of_request": request_id}
        await self._connection.execute(_ANSWER_REQUEST, {**keys, "answer": answer})

    async def _replace(self, order: Order, row: dict[str, object]) -> None:
        before = {"order_id": row["order_id"], "version": order.version - 1}
        if not await change_row(self._connection, ORDERS, before, row):
            raise DomainError(
                "INTERNAL",
                f"{order.name} is not at version {order.version - 1}",
                kind=ErrorKind.INTERNAL,
            )
