"""Write transactions that stand in line share one commit.

A commit waits for the disk, or for the server; the work between two commits takes a fraction of that.
So whoever is done with its block does not commit by itself: it leaves the transaction open and puts one
commit behind those who stand in line already. They work in the same transaction, each behind a savepoint
of its own, so that one that fails takes back its own work only. Everybody is told after the commit. With
nobody in line this is one transaction, as ever.
"""

import asyncio
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.persistence.backends import Writer
from services.chassis.persistence.errors import StorageUnavailableError, typed
from services.chassis.persistence.notices import Notices, take_announced
from services.chassis.persistence.turns import Turns
from services.chassis.persistence.whole_steps import outlast, to_the_end

_MOST: Final = 64


class Batch:
    """An open transaction and those who wait for its commit.

    Args:
        writer: inside its transaction.
        connection: that of the transaction.
    """

    def __init__(self, writer: Writer, connection: AsyncConnection) -> None:
        self.connection = connection
        self.size = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer = writer

    @property
    def full(self) -> bool:
        """Whether it takes no more: the first of a batch shall not wait for ever."""
        return self.size >= _MOST

    async def enter(self) -> None:
        """Begin one member's work.

        Raises:
            BatchLostError: the transaction is gone, with the work of the members before.
        """
        if self.size:
            try:
                await self._writer.set_savepoint()
            except Exception as error:
                raise BatchLostError(error) from error

    async def keep(self) -> None:
        """End one member's work.

        Raises:
            BatchLostError: as in :meth:`enter`.
        """
        # A savepoint that fails leaves a transaction whose commit would write nothing, and not say so.
        try:
            await (self._writer.release_savepoint() if self.size else self._writer.prove_open())
        except Exception as error:
            raise BatchLostError(error) from error
        self.size += 1

    async def take_back(self, reason: BaseException) -> None:
        """Take back one member's own statements.

        Args:
            reason: why.

        Raises:
            BatchLostError: as in :meth:`enter`; also where there is no other member, who has all to lose.
        """
        if not self.size:
            raise BatchLostError(reason)
        try:
            await self._writer.return_to_savepoint()
        except Exception as error:
            raise BatchLostError(reason) from error

    def fail(self, error: BaseException) -> None:
        """Tell everybody that nothing was written, or that nobody knows."""
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # the members may all have been cancelled

    def succeed(self) -> None:
        """Tell everybody that it is written."""
        if not self.done.done():
            self.done.set_result(None)


class BatchLostError(Exception):
    """A member's failure ended the whole transaction (disk full, connection lost)."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.reason = reason

    def for_the_others(self) -> StorageUnavailableError:
        """What the members before are told: nothing of theirs was written."""
        return StorageUnavailableError(f"the transaction was lost: {self.reason}")


class WriteLine:
    """Those who write, one after another, and the commits between them.

    Args:
        writer: of the database.
        notices: told what was announced, after the commit.
    """

    def __init__(self, writer: Writer, notices: Notices) -> None:
        self._writer = writer
        self._notices = notices
        self._turns = Turns(1)
        self._writing: asyncio.Task[Any] | None = None
        self._batch: Batch | None = None
        self._committing: set[asyncio.Task[None]] = set()

    async def begin(self, within: float) -> Batch:
        """Wait for the turn and join the open transaction, or begin one.

        Args:
            within: longest wait for the turn in seconds.
        """
        task = asyncio.current_task()
        if self._writing is task:
            raise RuntimeError("write() inside write(): pass the connection on instead")
        try:
            await self._turns.take(within)
        except TimeoutError as error:
            raise StorageUnavailableError(f"no turn to write within {within:g} s") from error
        self._writing = task
        try:
            return await self._joined()
        except BaseException:
            self._give_turn()
            raise

    async def end(self, batch: Batch, error: BaseException | None) -> None:
        """End a member's work, give the turn to the next, and wait for the commit.

        Args:
            batch: of :meth:`begin`.
            error: what the work raised; it is taken back then, and there is no commit to wait for.
        """
        try:
            if error is None:
                await batch.keep()
                if batch.size == 1:
                    self._commit_after_those_in_line(batch)
            else:
                await batch.take_back(error)
        except BatchLostError as lost:
            await self._drop(batch, lost)
            if lost.reason is not error:
                raise typed(lost.reason) from lost
        finally:
            self._give_turn()
        if error is None:
            await outlast(batch.done)

    async def close(self) -> None:
        """Commit what waits for it, and disconnect."""
        await self._turns.take()
        try:
            if self._batch is not None:
                await self._commit(self._batch)
            await self._writer.close()
        finally:
            self._turns.give_back()

    async def _joined(self) -> Batch:
        if self._batch is not None and self._batch.full:
            await self._commit(self._batch)
        if self._batch is None:
            try:
                connection = await self._writer.begin()
            except Exception as error:
                raise typed(error, connecting=True) from error
            take_announced(connection)
            self._batch = Batch(self._writer, connection)
        batch = self._batch
        try:
            await batch.enter()
        except BatchLostError as lost:
            await self._drop(batch, lost)
            raise typed(lost.reason) from lost
        return batch

    def _give_turn(self) -> None:
        self._writing = None
        self._turns.give_back()

    def _commit_after_those_in_line(self, batch: Batch) -> None:
        committing = asyncio.create_task(self._commit_in_turn(batch))
        self._committing.add(committing)
        committing.add_done_callback(self._committing.discard)

    async def _commit_in_turn(self, batch: Batch) -> None:
        await self._turns.take()
        try:
            if batch is self._batch:
                await self._commit(batch)
        finally:
            self._turns.give_back()

    async def _commit(self, batch: Batch) -> None:
        """Commit and tell everybody; a cancellation of the caller is his own affair. The turn is ours."""
        self._batch = None
        await to_the_end(self._commit_and_tell(batch))

    async def _commit_and_tell(self, batch: Batch) -> None:
        try:
            await self._writer.commit()
        except BaseException as error:  # noqa: BLE001 - whoever waits for the commit raises it
            batch.fail(error)
        else:
            for topic in take_announced(batch.connection):
                self._notices.publish(topic)
            batch.succeed()
        finally:
            await self._writer.end()

    async def _drop(self, batch: Batch, lost: BatchLostError) -> None:
        """Take the whole transaction back. The turn is ours."""
        self._batch = None
        batch.fail(lost.for_the_others())
        await self._writer.end()
