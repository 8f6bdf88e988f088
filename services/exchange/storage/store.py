"""The store: transactions behind one writer per account."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis.events import outbox
from services.chassis.persistence import Database, Prepared
from services.exchange.domain.errors import writer_fenced
from services.exchange.domain.order import Order
from services.exchange.ports import Queries, Transaction
from services.exchange.storage.queries import SqlQueries
from services.exchange.storage.tables import REQUESTS, WRITERS
from services.exchange.storage.transaction import SqlTransaction
from services.kernel.clock import Clock

_POLL_S = 0.25
_EPOCH = Prepared(select(WRITERS.c.epoch).where(WRITERS.c.account == bindparam("of_account")))


class SqlStore:
    """``ports.Store`` on a database.

    Each account has one writer: the instance whose epoch stands in the account's row. Every
    transaction on the account reads that row first. Write transactions are serial, so an instance
    that was replaced, however late it wakes up, changes nothing any more.

    Args:
        database: opened and migrated.
        clock: our clock.
        owner: id of this instance.
    """

    def __init__(self, database: Database, clock: Clock, owner: str) -> None:
        self._database = database
        self._clock = clock
        self._owner = owner
        self._epochs: dict[str, int] = {}
        self._listeners: list[Callable[[Order], None]] = []

    @asynccontextmanager
    async def writing(self, account: str) -> AsyncIterator[Transaction]:
        """One transaction on an account.

        Raises:
            DomainError: WRITER_FENCED where this instance is not the account's writer now.
        """
        async with self._database.write() as connection:
            epoch = self._epochs.get(account)
            if epoch is None or epoch != await _epoch(connection, account):
                self._epochs.pop(account, None)
                raise writer_fenced(account)
            transaction = SqlTransaction(connection, self._clock.now)
            yield transaction
            await transaction.append_events()
        for order in transaction.recorded:
            for hear in self._listeners:
                hear(order)

    def listen(self, hear: Callable[[Order], None]) -> None:
        """Have each change of an order told, once it has committed in this process."""
        self._listeners.append(hear)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Queries]:
        """One snapshot."""
        async with self._database.read() as connection:
            yield SqlQueries(connection)

    def is_writer(self, account: str) -> bool:
        """Whether this instance holds the account, as far as it knows; a transaction proves it."""
        return account in self._epochs

    async def take_writer(self, account: str, ttl: float) -> bool:
        """Become the writer of an account under a new epoch, unless another one's lease runs.

        A SQLite file has one process, and we are it: whoever held the lease is dead.
        """
        now = self._clock.now()
        values = {"owner": self._owner, "expire_time": now + timedelta(seconds=ttl)}
        async with self._database.write() as connection:
            query = select(WRITERS).where(WRITERS.c.account == account)
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                epoch = 1
                await connection.execute(insert(WRITERS).values(account=account, epoch=epoch, **values))
            elif self._may_replace(row.owner, row.expire_time, now):
                epoch = row.epoch + 1
                change = update(WRITERS).where(WRITERS.c.account == account)
                await connection.execute(change.values(epoch=epoch, **values))
            else:
                return False
        self._epochs[account] = epoch
        return True

    async def renew_writer(self, account: str, ttl: float) -> bool:
        """Prolong the lease. False: this instance is not the writer any more."""
        return await self._set_expiry(account, self._clock.now() + timedelta(seconds=ttl))

    async def lease_end(self, account: str) -> datetime | None:
        """When the lease of an account's writer, whoever that is, runs out; None: there was none."""
        async with self._database.read() as connection:
            query = select(WRITERS.c.expire_time).where(WRITERS.c.account == account)
            moment: datetime | None = (await connection.execute(query)).scalar_one_or_none()
        return moment

    async def release_writer(self, account: str) -> None:
        """Let the lease end at once, so that another instance need not wait for it."""
        await self._set_expiry(account, self._clock.now())
        self._epochs.pop(account, None)

    async def forget_requests(self, before: datetime) -> int:
        """Remove answered requests that are older. Answers how many."""
        async with self._database.write() as connection:
            old = delete(REQUESTS).where(REQUESTS.c.create_time < before, REQUESTS.c.answer.is_not(None))
            return (await connection.execute(old)).rowcount

    def change_count(self) -> int:
        """A number that grows with each commit of events in this process."""
        return self._database.notices.version(outbox.TOPIC)

    async def wait_for_change(self, seen: int, within: float) -> None:
        """Wait until something was committed after ``seen``.

        Commits of other instances give no notice here, so on PostgreSQL it returns early to look.
        """
        limit = within if self._database.backend == "sqlite" else min(within, _POLL_S)
        await self._database.notices.wait(outbox.TOPIC, seen, limit)

    def _may_replace(self, owner: str, expire_time: datetime, now: datetime) -> bool:
        return self._database.backend == "sqlite" or owner == self._owner or expire_time <= now

    async def _set_expiry(self, account: str, moment: datetime) -> bool:
        epoch = self._epochs.get(account)
        if epoch is None:
            return False
        async with self._database.write() as connection:
            mine = update(WRITERS).where(WRITERS.c.account == account, WRITERS.c.epoch == epoch)
            result = await connection.execute(mine.values(expire_time=moment))
        if result.rowcount == 1:
            return True
        self._epochs.pop(account, None)
        return False


async def _epoch(connection: AsyncConnection, account: str) -> int | None:
    epoch: int | None = await _EPOCH.value(connection, {"of_account": account})
    return epoch
