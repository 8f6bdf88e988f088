"""Column types and the metadata factory that every service's tables use."""

from datetime import UTC, datetime
from decimal import Decimal

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
        if value is None:
            return None
        if not isinstance(value, Decimal):
            msg = f"an amount must be a Decimal, not {type(value).__name__}"
            raise TypeError(msg)
        text = decimals.render(value)
        decimals.parse(text)
        return text

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """The same amount."""
        return None if value is None else decimals.parse(value)


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
        if value is None:
            return None
        if not isinstance(value, datetime):
            msg = f"a moment must be a datetime, not {type(value).__name__}"
            raise TypeError(msg)
        if value.tzinfo is None:
            msg = f"a moment must have a time zone: {value.isoformat()}"
            raise ValueError(msg)
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment, timezone-aware, UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)
