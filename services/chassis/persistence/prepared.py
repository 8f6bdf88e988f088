"""Statements that are built and compiled once, for paths that run thousands of times a second.

SQLAlchemy takes twenty times as long around a statement as SQLite takes to run it. So on SQLite the
compiled text runs straight on our driver's connection, in the same transaction as everything else that
runs on the ``AsyncConnection``; values go through the column types as ever. On PostgreSQL, where the
way to the server is what costs, SQLAlchemy runs it.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NoReturn, TypeAlias

from sqlalchemy import (
    CompoundSelect,
    CursorResult,
    Dialect,
    Insert,
    RowMapping,
    Select,
    TextClause,
    Update,
    UpdateBase,
    exc,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from services.chassis.persistence.sqlite_connections import in_transaction, reach
from services.chassis.persistence.sqlite_driver import Connection

Row: TypeAlias = Mapping[str, Any] | RowMapping
"""A row by column name, whoever read it."""
Parameters: TypeAlias = Mapping[str, Any]
Statement: TypeAlias = Select[Any] | CompoundSelect[Any] | UpdateBase | TextClause
_Processor: TypeAlias = Callable[[Any], Any]
_NONE: Final[Parameters] = {}


class Prepared:
    """A statement of SQLAlchemy Core, ready to run. Make it once, at module level.

    An insert or update without ``values`` of its own sets the columns that the parameters name.

    Args:
        statement: without expanding parameters (no ``IN`` with a list) and without defaults that
            Python computes; columns of its result have names that differ.

    Every method raises what ``AsyncConnection.execute`` raises (``IntegrityError`` ...), and:
        sqlalchemy.exc.InvalidRequestError: the statement is one that cannot be prepared.
    """

    __slots__ = ("_by_names", "_checked", "_plans", "_reads", "_statement")

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._reads = isinstance(statement, Select | CompoundSelect)
        self._by_names = isinstance(statement, Insert | Update)
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._checked: set[tuple[str, ...]] = set()

    async def rows(self, connection: AsyncConnection, parameters: Parameters = _NONE) -> list[dict[str, Any]]:
        """All rows, by column name."""
        driver = reach(connection)
        if driver is None:
            found = await self._by_sqlalchemy(connection, parameters)
            return [_by_name(row) for row in found.mappings()]
        plan, cursor = self._execute(connection, driver, parameters)
        names, read = plan.reading(cursor)
        if not read:
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return [_read(names, read, row) for row in cursor.fetchall()]

    async def row(self, connection: AsyncConnection, parameters: Parameters = _NONE) -> dict[str, Any] | None:
        """The first row, by column name; None where there is none."""
        driver = reach(connection)
        if driver is None:
            found = (await self._by_sqlalchemy(connection, parameters)).mappings().first()
            return None if found is None else _by_name(found)
        plan, cursor = self._execute(connection, driver, parameters)
        row = self._first(cursor)
        return None if row is None else _read(*plan.reading(cursor), row)

    async def value(self, connection: AsyncConnection, parameters: Parameters = _NONE) -> Any:
        """The first column of the first row; None where there is none."""
        driver = reach(connection)
        if driver is None:
            return (await self._by_sqlalchemy(connection, parameters)).scalar()
        plan, cursor = self._execute(connection, driver, parameters)
        row = self._first(cursor)
        if row is None:
            return None
        names, read = plan.reading(cursor)
        return read[0][1](row[0]) if read and read[0][0] == names[0] else row[0]

    async def run(self, connection: AsyncConnection, parameters: Parameters = _NONE) -> int:
        """Run it; answers how many rows it changed."""
        driver = reach(connection)
        if driver is None:
            return (await self._by_sqlalchemy(connection, parameters)).rowcount
        _, cursor = self._execute(connection, driver, parameters)
        if cursor.description is not None:
            cursor.fetchall()  # SQLite counts when the last row is out
        return cursor.rowcount

    async def run_many(self, connection: AsyncConnection, many: Sequence[Parameters]) -> None:
        """Run it once for each set of parameters; all name what the first names. Nothing where there is none.

        One that fails leaves those before it in the transaction, on SQLite.
        """
        if not many:
            return
        driver = reach(connection)
        if driver is None:
            self._check(connection, many[0])
            await connection.execute(self._statement, many)
            return
        plan = self._plan(connection, many[0])
        in_transaction(driver)
        try:
            driver.executemany(plan.sql, [plan.arguments(parameters) for parameters in many])
        except Exception as error:  # noqa: BLE001 - raised again in SQLAlchemy's type
            plan.fail(error, many)

    async def _by_sqlalchemy(self, connection: AsyncConnection, parameters: Parameters) -> CursorResult[Any]:
        self._check(connection, parameters)
        return await connection.execute(self._statement, parameters)

    def _check(self, connection: AsyncConnection, parameters: Parameters) -> None:
        """Refuse what is refused on SQLite, so that one statement does the same on both."""
        names = tuple(parameters) if self._by_names else ()
        if names not in self._checked:
            _Plan(self._statement, connection.dialect, names)
            self._checked.add(names)

    def _plan(self, connection: AsyncConnection, parameters: Parameters) -> "_Plan":
        names = tuple(parameters) if self._by_names else ()
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = _Plan(self._statement, connection.dialect, names)
        return plan

    def _execute(
        self, connection: AsyncConnection, driver: Connection, parameters: Parameters
    ) -> "tuple[_Plan, sqlite3.Cursor]":
        plan = self._plan(connection, parameters)
        in_transaction(driver)
        try:
            return plan, driver.execute(plan.sql, plan.arguments(parameters))
        except Exception as error:  # noqa: BLE001 - raised again in SQLAlchemy's type
            plan.fail(error, parameters)

    def _first(self, cursor: sqlite3.Cursor) -> tuple[Any, ...] | None:
        if self._reads:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
        # A change is whole only when its last row is out.
        return next(iter(cursor.fetchall()), None)


class _Plan:
    """A statement compiled for one dialect: its text, and what its values go through on their way.

    Args:
        statement: to compile.
        dialect: of the connection.
        names: of the parameters, which are the columns that an insert or update sets.
    """

    __slots__ = ("_binders", "_dialect", "_fixed", "_names", "_pick", "_reading", "_types", "sql")

    def __init__(self, statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> None:
        compiled = statement.compile(
            dialect=dialect, column_keys=list(names) if isinstance(statement, Insert | Update) else None
        )
        if not isinstance(compiled, SQLCompiler):
            raise exc.InvalidRequestError("only a statement that reads or changes rows can be prepared")
        _refuse_what_needs_sqlalchemy(compiled)
        self.sql = compiled.string
        self._dialect = dialect
        self._names = tuple(compiled.positiontup or ())
        self._pick = _picker(self._names)
        bound = [compiled.binds[name] for name in self._names]
        self._fixed = {
            name: bind.effective_value
            for name, bind in zip(self._names, bound, strict=True)
            if not bind.required
        }
        self._binders = [
            (place, binder) for place, bind in enumerate(bound) if (binder := _binder(bind.type, dialect))
        ]
        self._types = (
            None
            if isinstance(statement, TextClause)
            else [column.type for column in statement.exported_columns]
        )
        self._reading: tuple[Sequence[str], Sequence[tuple[str, _Processor]]] | None = None

    def arguments(self, parameters: Parameters) -> Sequence[Any]:
        """The values in the order of the text, as the driver takes them."""
        try:
            picked = self._pick({**self._fixed, **parameters} if self._fixed else parameters)
        except KeyError as error:
            msg = f"A value is required for bind parameter {error}"
            raise exc.InvalidRequestError(msg) from error
        if not self._binders:
            return picked
        values = list(picked)
        for place, binder in self._binders:
            values[place] = binder(values[place])
        return values

    def reading(self, cursor: sqlite3.Cursor) -> tuple[Sequence[str], Sequence[tuple[str, _Processor]]]:
        """Names of the result's columns, and what the values of some go through."""
        if self._reading is None:
            self._reading = self._read_description(cursor)
        return self._reading

    def fail(self, error: Exception, parameters: Parameters | Sequence[Parameters]) -> NoReturn:
        """Raise a driver's exception as SQLAlchemy does."""
        raise exc.DBAPIError.instance(
            self.sql, parameters, error, sqlite3.Error, dialect=self._dialect
        ) from error

    def _read_description(
        self, cursor: sqlite3.Cursor
    ) -> tuple[Sequence[str], Sequence[tuple[str, _Processor]]]:
        if cursor.description is None:
            raise exc.ResourceClosedError("a statement that returns no rows was asked for rows")
        names = [column[0] for column in cursor.description]
        types = [None] * len(names) if self._types is None else self._types
        if len(set(names)) != len(names) or len(types) != len(names):
            raise exc.InvalidRequestError(
                f"each column of a prepared statement needs a name of its own: {names}"
            )
        read = [
            (name, processor)
            for name, type_ in zip(names, types, strict=True)
            if type_ is not None and (processor := _reader(type_, self._dialect))
        ]
        return names, read


def _refuse_what_needs_sqlalchemy(compiled: SQLCompiler) -> None:
    if any(bind.expanding or bind.literal_execute for bind in compiled.binds.values()):
        raise exc.InvalidRequestError(
            f"a statement with a list in it has no one text and cannot be prepared: {compiled.string}"
        )
    computed = [*compiled.insert_prefetch, *compiled.update_prefetch]
    if computed:
        raise exc.InvalidRequestError(
            f"a prepared statement computes no defaults; give the values of {[c.name for c in computed]}"
        )


def _picker(names: tuple[str, ...]) -> Callable[[Parameters], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda parameters: tuple(parameters[name] for name in names)


def _binder(type_: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _reader(type_: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    return type_.dialect_impl(dialect).result_processor(dialect, None)


def _read(
    names: Sequence[str], read: Sequence[tuple[str, _Processor]], row: tuple[Any, ...]
) -> dict[str, Any]:
    values = dict(zip(names, row, strict=True))
    for name, processor in read:
        values[name] = processor(values[name])
    return values


def _by_name(row: RowMapping) -> dict[str, Any]:
    return {str(column): value for column, value in row.items()}
