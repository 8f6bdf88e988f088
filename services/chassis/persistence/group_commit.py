"""Write transactions that stand in line share one commit.

A commit waits for the disk, or for the server; the work between two commits takes a fraction of that.
So whoever is done with its block does not commit by itself: it leaves the transaction open and puts one
commit behind those who stand in line already. They work in the same transaction, each behind a savepoint
of its own, so that one that fails takes back its own work only. Everybody is told after the commit. With
nobody in line this is one transaction, as ever.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence.errors import StorageUnavailableError
from services.chassis.persistence.whole_steps import to_the_end

_MOST: Final = 64
_SAVEPOINT: Final = "block"


class Batch:
    """An open transaction and those who wait for its commit.

    Args:
        connection: inside its transaction.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.size = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def full(self) -> bool:
        """Whether it takes no more: the first of a batch shall not wait for ever."""
        return self.size >= _MOST

    @asynccontextmanager
    async def block(self) -> AsyncIterator[AsyncConnection]:
        """One member's work. What it raises takes back its own statements only.

        Raises:
            BatchLostError: the transaction is gone, with the work of the members before.
        """
        if self.size == 0:
            yield self.connection
        else:
            await self._or_lost(f"SAVEPOINT {_SAVEPOINT}")
            try:
                yield self.connection
            except BaseException as error:
                await self._take_back(error)
                raise
            await self._or_lost(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        self.size += 1

    def fail(self, error: BaseException) -> None:
        """Tell everybody that nothing was written, or that nobody knows."""
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # the members may all have been cancelled

    def succeed(self) -> None:
        """Tell everybody that it is written."""
        if not self.done.done():
            self.done.set_result(None)

    async def _or_lost(self, statement: str) -> None:
        """A savepoint that fails leaves a transaction whose commit would write nothing, and not say so."""
        try:
            await to_the_end(self._run(statement))
        except Exception as error:
            raise BatchLostError(error) from error

    async def _run(self, statement: str) -> None:
        await self.connection.exec_driver_sql(statement)

    async def _take_back(self, reason: BaseException) -> None:
        try:
            await to_the_end(self._roll_back())
        except Exception as error:
            raise BatchLostError(reason) from error

    async def _roll_back(self) -> None:
        await self.connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        await self.connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")


class BatchLostError(Exception):
    """A member's failure ended the whole transaction (disk full, connection lost)."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.reason = reason

    def for_the_others(self) -> StorageUnavailableError:
        """What the members before are told: nothing of theirs was written."""
        return StorageUnavailableError(f"the transaction was lost: {self.reason}")
