"""Answers by request id (AIP-155): the same request gives the first answer again.

Use :class:`Once` where the mutation is one transaction: the answer commits with the effect, so either
both exist or neither does, and write transactions run one after another, so a repeat that comes while
the first runs waits for it. Use :class:`FirstAnswers` where it takes several.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Column, LargeBinary, MetaData, Table, Text, bindparam, delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence.database import Database
from services.chassis.persistence.prepared import Prepared
from services.chassis.persistence.statements import row_at
from services.chassis.persistence.types import UtcDateTime
from services.kernel.clock import Clock
from services.kernel.errors import request_id_reused

KEEP = timedelta(days=7)
"""Least time that an answer is kept."""

Answer = TypeVar("Answer", bound=Message)
Writer_co = TypeVar("Writer_co", covariant=True)


def request_tables(metadata: MetaData) -> Table:
    """The ``requests`` table, for a service's metadata."""
    return Table("requests", metadata, *_columns())


def create_request_tables(op: Any) -> None:
    """Make the ``requests`` table in an Alembic migration."""
    op.create_table("requests", *_columns())


def _columns() -> list[Column[Any]]:
    return [
        Column("request_id", Text, primary_key=True),
        Column("fingerprint", Text, nullable=False),
        Column("answer", LargeBinary, nullable=False),
        Column("create_time", UtcDateTime, nullable=False, index=True),
    ]


@dataclass(frozen=True, slots=True)
class RequestLog:
    """Remembers what each request id was answered.

    Attributes:
        table: the table of :func:`request_tables`.
    """

    table: Table

    async def recall(
        self, connection: AsyncConnection, request: Message, make: Callable[[], Answer]
    ) -> Answer | None:
        """The first answer to this request, or None where it is new.

        Args:
            connection: any; the write transaction of the mutation where it has only one.
            request: carries ``request_id``.
            make: makes an empty answer, to be filled from the stored bytes.

        Raises:
            DomainError: REQUEST_ID_REUSED where the id came before with another body.
        """
        request_id = _request_id(request)
        row = await row_at(connection, self.table, {"request_id": request_id})
        if row is None:
            return None
        if row["fingerprint"] != fingerprint(request):
            raise request_id_reused(request_id)
        answer = make()
        answer.ParseFromString(row["answer"])
        return answer

    async def remember(
        self, connection: AsyncConnection, request: Message, answer: Message, now: datetime
    ) -> None:
        """Keep the answer, in the transaction of the effect, and drop those past :data:`KEEP`."""
        forget, keep = _statements(self.table)
        await forget.run(connection, {"oldest": now - KEEP})
        values = {
            "request_id": _request_id(request),
            "fingerprint": fingerprint(request),
            "answer": answer.SerializeToString(),
            "create_time": now,
        }
        await keep.run(connection, values)


class Once(Generic[Writer_co]):
    """Runs a mutation that is one write transaction, once for each request id.

    Args:
        database: of the service.
        clock: the time that answers are kept from.
        table: the table of :func:`request_tables`.
        writer: what the mutation writes with, made of its transaction.
    """

    def __init__(
        self, database: Database, clock: Clock, table: Table, writer: Callable[[AsyncConnection], Writer_co]
    ) -> None:
        self._database = database
        self._clock = clock
        self._requests = RequestLog(table)
        self._writer = writer

    async def __call__(
        self, request: Message, make: Callable[[], Answer], work: Callable[[Writer_co], Awaitable[Answer]]
    ) -> Answer:
        """The answer of ``work``, which runs only where the request is new.

        Args:
            request: carries ``request_id``.
            make: makes an empty answer, to be filled from the stored bytes.
            work: the mutation.

        Raises:
            DomainError: REQUEST_ID_REUSED, or whatever ``work`` raises; nothing is changed then.
        """
        async with self._database.write() as connection:
            stored = await self._requests.recall(connection, request, make)
            if stored is not None:
                return stored
            answer = await work(self._writer(connection))
            await self._requests.remember(connection, request, answer, self._clock.now())
            return answer


class FirstAnswers:
    """Gives a repeated request its first answer, for mutations of more than one transaction.

    Args:
        database: of the service.
        clock: the time that answers are kept from.
        table: the table of :func:`request_tables`.
    """

    def __init__(self, database: Database, clock: Clock, table: Table) -> None:
        self._database = database
        self._clock = clock
        self._requests = RequestLog(table)

    async def __call__(
        self, request: Message, make: Callable[[], Answer], work: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The first answer again, or that of ``work``, which is remembered.

        Args:
            request: carries ``request_id``.
            make: makes an empty answer, to be filled from the stored bytes.
            work: the mutation. It must change nothing where it is done twice: two calls at once may
                both do it, and the first answer stored is the answer of both.

        Raises:
            DomainError: REQUEST_ID_REUSED, or whatever ``work`` raises.
        """
        async with self._database.read() as connection:
            stored = await self._requests.recall(connection, request, make)
        if stored is not None:
            return stored
        answer = await work()
        async with self._database.write() as connection:
            faster = await self._requests.recall(connection, request, make)
            if faster is not None:
                return faster
            await self._requests.remember(connection, request, answer, self._clock.now())
        return answer


@cache
def _statements(table: Table) -> tuple[Prepared, Prepared]:
    """Drop the old, and insert one."""
    return Prepared(delete(table).where(table.c.create_time < bindparam("oldest"))), Prepared(insert(table))


def fingerprint(request: Message) -> str:
    """What makes two requests the same: type and content. Their id is not part of it."""
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("request_id")
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + content.SerializeToString(deterministic=True)).hexdigest()


def _request_id(request: Message) -> str:
    # Lower case: a uuid is the same uuid in either case.
    return str(getattr(request, "request_id")).lower()  # noqa: B009 - the type has no such field for mypy
