"""Moments go over the wire and come back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
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


_ZONES = st.timezones() | st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
_NAIVE = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1))  # noqa: DTZ001 - one without a zone


@given(st.one_of(_NAIVE, st.builds(lambda moment, zone: moment.replace(tzinfo=zone), _NAIVE, _ZONES)))
def test_moments_go_out_as_protobuf_itself_writes_them(moment: datetime) -> None:
    theirs = Timestamp()
    theirs.FromDatetime(moment)
    assert to_timestamp(moment) == theirs


@given(st.integers(-62_135_596_800, 253_402_300_799), st.integers(0, 999_999_999))
def test_moments_come_in_as_protobuf_itself_reads_them(seconds: int, nanos: int) -> None:
    message = Timestamp(seconds=seconds, nanos=nanos)
    assert to_datetime(message) == message.ToDatetime(tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(-62_135_596_801, 0), (253_402_300_800, 0), (1, -1), (1, 1_000_000_000), (2**62, 0)],
)
def test_what_is_no_moment_is_refused(seconds: int, nanos: int) -> None:
    with pytest.raises(ValueError, match="no moment"):
        to_datetime(Timestamp(seconds=seconds, nanos=nanos))
