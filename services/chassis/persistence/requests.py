"""Answers by request id (AIP-155): the same request gives the first answer again.

The row commits in the transaction of the mutation's effect, so either both exist or neither does.
Write transactions run one after another, so a repeat that comes while the first runs waits for it.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Column, LargeBinary, MetaData, Table, Text, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence.database import Database
from services.chassis.persistence.types import UtcDateTime
from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind

KEEP = timedelta(days=7)
"""Least time that an answer is kept."""

Answer = TypeVar("Answer", bound=Message)


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

    async def once(
        self,
        database: Database,
        clock: Clock,
        request: Message,
        make: Callable[[], Answer],
        work: Callable[[AsyncConnection], Awaitable[Answer]],
    ) -> Answer:
        """Run a mutation that is one write transaction, once for each request id.

        Args:
            database: opens the transaction.
            clock: the time that the answer is kept from.
            request: carries ``request_id``.
            make: makes an empty answer, to be filled from the stored bytes.
            work: the mutation; runs only where the request is new.

        Raises:
            DomainError: REQUEST_ID_REUSED, or whatever ``work`` raises; nothing is changed then.
        """
        async with database.write() as connection:
            stored = await self.recall(connection, request, make)
            if stored is not None:
                return stored
            answer = await work(connection)
            await self.remember(connection, request, answer, clock.now())
            return answer

    async def recall(
        self, connection: AsyncConnection, request: Message, make: Callable[[], Answer]
    ) -> Answer | None:
        """The first answer to this request, or None where it is new.

        Args:
            connection: the write transaction of the mutation.
            request: carries ``request_id``.
            make: makes an empty answer, to be filled from the stored bytes.

        Raises:
            DomainError: REQUEST_ID_REUSED where the id came before with another body.
        """
        request_id = _request_id(request)
        columns = self.table.c
        row = (
            await connection.execute(
                select(columns.fingerprint, columns.answer).where(columns.request_id == request_id)
            )
        ).one_or_none()
        if row is None:
            return None
        if row.fingerprint != fingerprint(request):
            raise request_id_reused(request_id)
        answer = make()
        answer.ParseFromString(row.answer)
        return answer

    async def remember(
        self, connection: AsyncConnection, request: Message, answer: Message, now: datetime
    ) -> None:
        """Keep the answer, in the transaction of the effect, and drop those past :data:`KEEP`."""
        columns = self.table.c
        await connection.execute(delete(self.table).where(columns.create_time < now - KEEP))
        await connection.execute(
            insert(self.table).values(
                request_id=_request_id(request),
                fingerprint=fingerprint(request),
                answer=answer.SerializeToString(),
                create_time=now,
            )
        )


def fingerprint(request: Message) -> str:
    """What makes two requests the same: type and content."""
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + request.SerializeToString(deterministic=True)).hexdigest()


def request_id_reused(request_id: str) -> DomainError:
    """The error for an id that came before with another body."""
    return DomainError(
        "REQUEST_ID_REUSED",
        f"request_id {request_id} was used before with another request",
        kind=ErrorKind.ALREADY_EXISTS,
        metadata={"requestId": request_id},
    )


def _request_id(request: Message) -> str:
    # Lower case: a uuid is the same uuid in either case.
    return str(getattr(request, "request_id")).lower()  # noqa: B009 - the type has no such field for mypy
