"""What storage failures look like to the rest of a service.

A driver's exception never leaves this package for a reason that lies outside the program: the disk
is full, the server is gone, a lock is held too long. Errors that lie in the program (a broken
constraint, a wrong statement) pass unchanged, since only the caller knows what they mean.
"""

import sqlite3
from datetime import timedelta

from sqlalchemy import exc

from services.kernel.errors import DomainError, ErrorKind

_SQLITE_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_INTERRUPT,
    }
)
# Classes of SQLSTATE: connection, resources (disk full, too many connections), operator
# intervention (shutdown, statement timeout), system error, invalid authorisation.
_POSTGRESQL_UNAVAILABLE = ("08", "53", "57", "58", "28")
_POSTGRESQL_UNAVAILABLE_STATES = frozenset({"55P03", "25P03", "25P04", "25006", "3D000"})
_POSTGRESQL_CONFLICT = frozenset({"40001", "40P01"})
_RETRY_AFTER = timedelta(milliseconds=200)


class StorageUnavailableError(DomainError):
    """The database cannot be used now. Nothing of the transaction was written.

    Attributes:
        outcome_unknown: the connection was lost while the commit was on its way, so the transaction
            is either wholly there or wholly absent; only reading again tells.
    """

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(
            "STORAGE_UNAVAILABLE",
            message,
            kind=ErrorKind.UNAVAILABLE,
            metadata={"outcomeUnknown": "true"} if outcome_unknown else None,
            retry_after=_RETRY_AFTER,
        )
        self.outcome_unknown = outcome_unknown


class StorageConflictError(DomainError):
    """The database refused the transaction because of a concurrent one. Run it again from its start."""

    def __init__(self, message: str) -> None:
        super().__init__("STORAGE_CONFLICT", message, kind=ErrorKind.ABORTED, retry_after=_RETRY_AFTER)


class StorageInUseError(DomainError):
    """Another process has this database file open."""

    def __init__(self, message: str) -> None:
        super().__init__("STORAGE_IN_USE", message, kind=ErrorKind.PRECONDITION)


class StorageSchemaError(DomainError):
    """The schema in the database does not fit this version of the program."""

    def __init__(self, message: str) -> None:
        super().__init__("STORAGE_SCHEMA_UNKNOWN", message, kind=ErrorKind.PRECONDITION)


def typed(error: BaseException, *, connecting: bool = False) -> BaseException:
    """The typed error of :func:`translate`, or the exception itself.

    Args:
        error: what was raised.
        connecting: on the way to the database, where the operating system's errors are its errors.
    """
    told = translate(error)
    if told is None and connecting and isinstance(error, OSError | TimeoutError):
        return StorageUnavailableError(f"cannot reach the database: {error}")
    return told or error


def from_driver(error: sqlite3.Error, statement: str) -> exc.StatementError:
    """SQLAlchemy's exception for one of the driver."""
    return exc.DBAPIError.instance(statement, None, error, sqlite3.Error)


def translate(error: BaseException) -> DomainError | None:
    """The typed error that a driver's exception stands for.

    Returns:
        None when the exception is none of the storage's own troubles: it then passes unchanged.
    """
    if isinstance(error, exc.TimeoutError):
        return StorageUnavailableError("no database connection became free in time")
    if not isinstance(error, exc.DBAPIError):
        return None
    cause = error.orig
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    code = getattr(cause, "sqlite_errorcode", None)
    detail = _first_line(cause)
    if state in _POSTGRESQL_CONFLICT:
        return StorageConflictError(f"a concurrent transaction won: {detail}")
    if _is_unavailable(state, code) or error.connection_invalidated or _is_lost_connection(error, state):
        return StorageUnavailableError(f"the database cannot be used now: {detail}")
    return None


def _is_unavailable(state: str | None, code: int | None) -> bool:
    if code is not None:
        return code & 0xFF in _SQLITE_UNAVAILABLE  # the low byte is the primary code
    if state is not None:
        return state.startswith(_POSTGRESQL_UNAVAILABLE) or state in _POSTGRESQL_UNAVAILABLE_STATES
    return False


def _is_lost_connection(error: exc.DBAPIError, state: str | None) -> bool:
    # A closed connection has neither a code nor a state of its own.
    return isinstance(error, exc.InterfaceError) and state is None


def _first_line(cause: BaseException | None) -> str:
    text = str(cause).strip()
    return text.splitlines()[0][:200] if text else type(cause).__name__
