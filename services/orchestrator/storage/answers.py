"""Answers by request id, for mutations that take more than one transaction."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.protobuf.message import Message

from services.chassis.persistence import Database
from services.chassis.persistence.requests import RequestLog
from services.kernel.clock import Clock
from services.orchestrator.storage.tables import REQUESTS

Answer = TypeVar("Answer", bound=Message)


class Answers:
    """See :meth:`__call__`.

    Args:
        database: the orchestrator's database.
        clock: the time that answers are kept from.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._requests = RequestLog(REQUESTS)

    async def __call__(
        self, request: Message, make: Callable[[], Answer], work: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Give the first answer again, or do the work and remember its answer.

        The work changes nothing where it is done twice, so two calls at once may both do it; the
        first answer stored is the answer of both.

        Raises:
            DomainError: REQUEST_ID_REUSED where the id came before with another body.
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
