"""Column types and the metadata factory that every service's tables use."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from services.kernel import decimals

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of indexes and constraints, so that migrations can speak of each by name on every backend."""


def table_metadata() -> MetaData:
    """A fresh metadata with the naming convention. Each service makes exactly one."""
    return MetaData(naming_convention=NAMING_CONVENTION)


class ExactDecimal(TypeDecorator[Decimal]):
    """An exact amount: canonical decimal text on every backend.

    Text, because it is the one form that both backends keep digit for digit and compare for equality
    in the same way. The price: SQL can neither sort nor add amounts; Python does both, exactly.

    Raises:
        TypeError: a value that is not a ``Decimal`` (a float above all) is bound.
        ValueError: the amount is not finite or has more than 38 significant digits.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Canonical text; refuses what cannot be kept exactly."""
        return _text_of_amount(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """The same amount."""
        return _amount_of_text(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[object], str | None]:  # noqa: ARG002
        """The function itself, where ``TypeDecorator`` has two more around it for each value."""
        return _text_of_amount

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Decimal | None]:  # noqa: ARG002
        """See :meth:`bind_processor`."""
        return _amount_of_text


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC with microseconds.

    ISO 8601 text of fixed width on SQLite, so that text order is time order; ``timestamptz`` on
    PostgreSQL.

    Raises:
        TypeError: a value that is not a ``datetime`` is bound.
        ValueError: a ``datetime`` without a time zone is bound.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        """Text on SQLite, ``timestamptz`` on PostgreSQL."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: object, dialect: Dialect) -> datetime | str | None:
        """The moment in UTC; refuses one without a time zone."""
        return self.bind_processor(dialect)(value)

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        """The moment, timezone-aware, UTC."""
        return self.result_processor(dialect, None)(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[object], datetime | str | None]:
        """The function itself, as for ``ExactDecimal``."""
        return _text_of_moment if dialect.name == "sqlite" else _moment_in_utc

    def result_processor(
        self,
        dialect: Dialect,
        coltype: object,  # noqa: ARG002
    ) -> Callable[[Any], datetime | None]:
        """See :meth:`bind_processor`."""
        return _moment_of_text if dialect.name == "sqlite" else _moment_of_driver


def _text_of_amount(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, Decimal):
        msg = f"an amount must be a Decimal, not {type(value).__name__}"
        raise TypeError(msg)
    text = decimals.render(value)
    if len(text) > decimals.MAX_DIGITS:
        decimals.parse(text)  # refuses too many digits
    return text


@lru_cache(maxsize=4096)
def _amount_of_text(value: str | None) -> Decimal | None:
    return None if value is None else decimals.parse(value)


def _moment_in_utc(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        msg = f"a moment must be a datetime, not {type(value).__name__}"
        raise TypeError(msg)
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        msg = f"a moment must have a time zone: {value.isoformat()}"
        raise ValueError(msg)
    return value.astimezone(UTC)


@lru_cache(maxsize=1024)  # rows that are written together mostly have the same few moments
def _text_of_moment(value: object) -> str | None:
    moment = _moment_in_utc(value)
    return None if moment is None else moment.isoformat(timespec="microseconds")


def _moment_of_text(value: str | None) -> datetime | None:
    return None if value is None else _moment_of_driver(datetime.fromisoformat(value))


def _moment_of_driver(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)
