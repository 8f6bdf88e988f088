"""What the column types accept, without a database."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Dialect, TypeDecorator, make_url
from sqlalchemy.types import TypeEngine

from services.chassis.persistence import ExactDecimal, UtcDateTime

DIALECTS = [make_url(f"{name}://").get_dialect()() for name in ("sqlite+aiosqlite", "postgresql+asyncpg")]


def bound(type_: TypeEngine[Any], dialect: Dialect, value: object) -> object:
    """What the driver gets; a statement that is executed and one that is written out agree."""
    processor = type_.dialect_impl(dialect).bind_processor(dialect)
    assert isinstance(type_, TypeDecorator)
    assert processor is not None
    by_processor = processor(value)
    assert type_.process_bind_param(value, dialect) == by_processor
    return by_processor


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: str(dialect.name))
@pytest.mark.parametrize(
    ("amount", "text"),
    [("1.50", "1.5"), ("-0.0", "0"), ("1E+3", "1000"), ("0.00000001", "0.00000001"), ("9" * 38, "9" * 38)],
)
def test_amounts_are_written_in_their_one_form(dialect: Dialect, amount: str, text: str) -> None:
    assert bound(ExactDecimal(), dialect, Decimal(amount)) == text


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "9" * 39, "1E+38"])
def test_amounts_that_cannot_be_kept_are_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"digits|finite"):
        bound(ExactDecimal(), DIALECTS[0], Decimal(amount))


@pytest.mark.parametrize("value", [1.5, 1, "1.5"])
def test_only_decimals_are_amounts(value: object) -> None:
    with pytest.raises(TypeError):
        bound(ExactDecimal(), DIALECTS[0], value)


def test_a_moment_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        bound(UtcDateTime(), DIALECTS[0], datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(TypeError):
        bound(UtcDateTime(), DIALECTS[0], "2026-01-01")


def test_text_order_of_moments_is_time_order() -> None:
    moments = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, microsecond=5, tzinfo=UTC)]
    texts = [bound(UtcDateTime(), DIALECTS[0], moment) for moment in moments]
    assert texts == ["2026-01-01T00:00:00.000000+00:00", "2026-01-01T00:00:00.000005+00:00"]


@pytest.mark.parametrize("text", ["1e5", "NaN", "+1", " 1", "1_0", "9" * 39])
def test_a_text_that_is_no_amount_is_refused_on_its_way_back(text: str) -> None:
    back = ExactDecimal().result_processor(DIALECTS[0], None)
    with pytest.raises(ValueError, match=r"amount|digits"):
        back(text)


def test_amounts_and_moments_may_be_absent() -> None:
    for dialect in DIALECTS:
        for type_ in (ExactDecimal(), UtcDateTime()):
            assert bound(type_, dialect, None) is None
            assert type_.process_result_value(None, dialect) is None


def test_a_moment_of_any_zone_is_bound_and_read_in_utc() -> None:
    moment = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert bound(UtcDateTime(), DIALECTS[0], moment) == "2026-01-01T00:00:00.000000+00:00"
    back = UtcDateTime().process_result_value(moment, DIALECTS[1])
    assert back is not None
    assert back.tzinfo is UTC
