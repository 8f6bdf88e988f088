"""What differs between the databases that trademesh runs on."""

from enum import Enum, auto
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Role(Enum):
    """What an engine is for."""

    READER = auto()
    WRITER = auto()
    MIGRATION = auto()


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

    def engine(self, role: Role) -> AsyncEngine:
        """A new engine for a role."""
        ...

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Begin a transaction that no other write transaction of any process runs beside."""
        ...
