"""PostgreSQL: any number of processes, one write transaction at a time per database.

Write transactions run at READ COMMITTED and take one advisory lock as their first statement. Every
later statement then sees all that earlier write transactions committed, so write transactions are
serial, exactly as they are on SQLite: the same repository code is right on both, without retries,
write skew or deadlocks between writers. SERIALIZABLE was the other choice; there the counter of the
outbox, which every transaction with an event moves, would make concurrent writers fail and try again
instead of waiting their turn. Readers never wait: they read a snapshot (REPEATABLE READ, read only).
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.chassis.persistence.backends import Role

READERS = 8
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0
_POOL_WAIT_S = 10.0
_WRITE_LOCK = text("SELECT pg_advisory_xact_lock(8420461753)")
_SERVER_SETTINGS = {
    "timezone": "UTC",
    "jit": "off",
    "lock_timeout": "10s",
    # A client that vanished inside a transaction must not hold the write lock for ever.
    "idle_in_transaction_session_timeout": "30s",
}


class PostgresqlBackend:
    """A database on a PostgreSQL server."""

    name = "postgresql"

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+asyncpg")

    def claim(self) -> None:
        """Nothing to do: the server arbitrates."""

    def release(self) -> None:
        """Nothing to do."""

    def engine(self, role: Role) -> AsyncEngine:
        """See ``Backend``."""
        arguments: dict[str, Any] = {"timeout": CONNECT_TIMEOUT_S, "server_settings": _SERVER_SETTINGS}
        if role is Role.MIGRATION:
            return create_async_engine(self._url, poolclass=NullPool, connect_args=arguments)
        arguments["command_timeout"] = COMMAND_TIMEOUT_S
        reader = role is Role.READER
        engine = create_async_engine(
            self._url,
            connect_args=arguments,
            pool_size=READERS if reader else 1,
            max_overflow=0,
            pool_timeout=_POOL_WAIT_S,
            pool_pre_ping=True,
        )
        if reader:
            return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return engine

    async def begin_write(self, connection: AsyncConnection) -> None:
        """Begin a transaction and take the write lock of the database."""
        await connection.begin()
        await connection.execute(_WRITE_LOCK)
