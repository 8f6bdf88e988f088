"""What the column types accept, without a database."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Dialect, make_url

from services.chassis.persistence import ExactDecimal, UtcDateTime

DIALECTS = [make_url(f"{name}://").get_dialect()() for name in ("sqlite+aiosqlite", "postgresql+asyncpg")]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: str(dialect.name))
@pytest.mark.parametrize(
    ("amount", "text"),
    [("1.50", "1.5"), ("-0.0", "0"), ("1E+3", "1000"), ("0.00000001", "0.00000001"), ("9" * 38, "9" * 38)],
)
def test_amounts_are_written_in_their_one_form(dialect: Dialect, amount: str, text: str) -> None:
    assert ExactDecimal().process_bind_param(Decimal(amount), dialect) == text


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "9" * 39, "1E+38"])
def test_amounts_that_cannot_be_kept_are_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"digits|finite"):
        ExactDecimal().process_bind_param(Decimal(amount), DIALECTS[0])


@pytest.mark.parametrize("value", [1.5, 1, "1.5"])
def test_only_decimals_are_amounts(value: object) -> None:
    with pytest.raises(TypeError):
        ExactDecimal().process_bind_param(value, DIALECTS[0])


def test_a_moment_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), DIALECTS[0])  # noqa: DTZ001
    with pytest.raises(TypeError):
        UtcDateTime().process_bind_param("2026-01-01", DIALECTS[0])


def test_text_order_of_moments_is_time_order() -> None:
    moments = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, microsecond=5, tzinfo=UTC)]
    texts = [UtcDateTime().process_bind_param(moment, DIALECTS[0]) for moment in moments]
    assert texts == ["2026-01-01T00:00:00.000000+00:00", "2026-01-01T00:00:00.000005+00:00"]
