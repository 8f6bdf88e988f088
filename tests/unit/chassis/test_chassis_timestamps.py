"""Moments go over the wire and come back."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from trademesh.market.v1 import market_service_pb2 as pb

from services.chassis.rpc.timestamps import optional_datetime, to_datetime, to_timestamp


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back(moment: datetime) -> None:
    assert to_datetime(to_timestamp(moment)) == moment


@given(st.timedeltas(timedelta(0), timedelta(days=100_000)), st.integers(-14, 14))
def test_a_moment_of_another_zone_is_the_same_moment(since: timedelta, hours: int) -> None:
    there = (datetime(1971, 1, 1, tzinfo=UTC) + since).astimezone(timezone(timedelta(hours=hours)))
    back = to_datetime(to_timestamp(there))
    assert (back, back.tzinfo) == (there, UTC)


def test_a_field_that_is_not_set_is_no_moment() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    request = pb.ListCandlesRequest(start_time=to_timestamp(moment))
    assert optional_datetime(request, "start_time") == moment
    assert optional_datetime(request, "end_time") is None
