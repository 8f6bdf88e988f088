"""Runs a mutation of what risk knows once for each request id."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.protobuf.message import Message

from services.chassis.persistence import Connection, Database
from services.chassis.persistence.requests import RequestLog
from services.kernel.clock import Clock
from services.risk.ports import RiskWriter
from services.risk.storage.store import SqlRiskWriter
from services.risk.storage.tables import REQUESTS

Answer = TypeVar("Answer", bound=Message)


class Once:
    """See :meth:`__call__`.

    Args:
        database: risk's database.
        clock: the time that answers are kept from.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._requests = RequestLog(REQUESTS)

    async def __call__(
        self,
        request: Message,
        make: Callable[[], Answer],
        work: Callable[[RiskWriter], Awaitable[Answer]],
    ) -> Answer:
        """Run ``work`` in one write transaction, or give the first answer again.

        Raises:
            DomainError: REQUEST_ID_REUSED where the id came before with another body.
        """

        async def on(connection: Connection) -> Answer:
            return await work(SqlRiskWriter(connection))

        return await self._requests.once(self._database, self._clock, request, make, on)
