"""What differs between the databases that trademesh runs on."""

from enum import Enum, auto
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Role(Enum):
    """What an engine is for."""

    READER = auto()
    WRITER = auto()
    MIGRATION = auto()


class Readers(Protocol):
    """Connections that see one snapshot each and cannot write."""

    async def take(self) -> AsyncConnection:
        """One, at the start of a snapshot. Cancelled, it takes none."""
        ...

    async def give_back(self, connection: AsyncConnection) -> None:
        """End the snapshot."""
        ...

    async def close(self) -> None:
        """Disconnect all."""
        ...


class Writer(Protocol):
    """The transaction that writes, one at a time; in it, one savepoint at a time.

    No step is cut in half by a cancellation, which takes effect after it.
    """

    async def begin(self) -> AsyncConnection:
        """Begin a transaction that no other write transaction of any process runs beside."""
        ...

    async def prove_open(self) -> None:
        """Raise where it shows that the transaction is gone and a commit would write nothing."""
        ...

    async def set_savepoint(self) -> None:
        """Set the savepoint."""
        ...

    async def release_savepoint(self) -> None:
        """Keep what was done since the savepoint, and drop it."""
        ...

    async def return_to_savepoint(self) -> None:
        """Take back what was done since the savepoint, and drop it."""
        ...

    async def commit(self) -> None:
        """Commit."""
        ...

    async def end(self) -> None:
        """Take back what is not committed."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class Backend(Protocol):
    """One kind of database."""

    @property
    def name(self) -> str:
        """``sqlite`` or ``postgresql``."""
        ...

    def claim(self) -> None:
        """Make the database ours, before anything connects.

        Raises:
            StorageInUseError: another process has it.
            StorageUnavailableError: it cannot be reached or made.
        """
        ...

    def release(self) -> None:
        """Let others have the database, after everything has disconnected."""
        ...

    def readers(self) -> Readers:
        """New readers."""
        ...

    def writer(self) -> Writer:
        """The writer; make one."""
        ...

    def engine(self, role: Role) -> AsyncEngine:
        """A new engine for a role."""
        ...

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Begin such a transaction as of :meth:`Writer.begin` on a connection of any engine."""
        ...
