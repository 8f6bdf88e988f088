"""Makes the database of a service where its PostgreSQL server has none of that name yet."""

from sqlalchemy import exc, make_url, text
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.chassis.persistence.errors import StorageUnavailableError

CONNECT_TIMEOUT_S = 5.0
_MAINTENANCE = "postgres"
_NO_SUCH_DATABASE = "3D000"
# Another instance made it at the same moment: the second is a race inside the server.
_THERE_ALREADY = frozenset({"42P04", "23505"})


async def provide(url: str) -> bool:
    """Make sure that a database is there and takes connections.

    A missing PostgreSQL database is made through the server's database ``postgres``, with the user of
    the URL, who therefore needs the right to do so (``CREATEDB``) only where somebody else has not made
    it before. A SQLite file needs nothing: it is made when it is opened.

    Args:
        url: of the database.

    Returns:
        Whether this call made it.

    Raises:
        StorageUnavailableError: the server does not answer, refuses the user, or refuses to make it.
        ValueError: it is no URL of a database.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise ValueError(f"{url} is no URL of a database") from error
    if parsed.get_backend_name() != "postgresql":
        return False
    missing = await _refusal(parsed, "SELECT 1")
    if missing is None:
        return False
    if _state(missing) != _NO_SUCH_DATABASE or not parsed.database:
        raise _unavailable(parsed, missing)
    name = parsed.database.replace('"', '""')
    refused = await _refusal(parsed.set(database=_MAINTENANCE), f'CREATE DATABASE "{name}"')
    if refused is not None and _state(refused) not in _THERE_ALREADY:
        text_of = f"there is no database {parsed.database}, and it cannot be made"
        raise StorageUnavailableError(f"{text_of}: {_told(parsed, refused)}")
    return refused is None


async def _refusal(url: URL, statement: str) -> Exception | None:
    """Run one statement outside a transaction; what the server or the way to it had against it."""
    arguments = {"timeout": CONNECT_TIMEOUT_S}
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args=arguments,
        isolation_level="AUTOCOMMIT",
    )
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    except (exc.SQLAlchemyError, OSError, TimeoutError) as error:
        return error
    except Exception as error:
        # asyncpg's own errors, where connecting fails: SQLAlchemy lets them through.
        if getattr(error, "sqlstate", None) is None:
            raise
        return error
    finally:
        await engine.dispose()
    return None


def _state(error: Exception) -> str | None:
    cause = getattr(error, "orig", None) or error
    state: str | None = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state


def _unavailable(url: URL, error: Exception) -> StorageUnavailableError:
    return StorageUnavailableError(f"the database {url.database} cannot be used: {_told(url, error)}")


def _told(url: URL, error: Exception) -> str:
    cause = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return f"{url.username or 'the default user'}@{url.host or 'localhost'}: {cause.splitlines()[0][:200]}"
