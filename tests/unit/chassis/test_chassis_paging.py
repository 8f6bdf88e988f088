"""Page tokens are good only for the request they were made for, and only as they were made."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trademesh.market.v1 import market_service_pb2 as pb

from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.kernel.errors import DomainError

BTC = pb.ListTradesRequest(parent="venues/sim/instruments/btc-usdt", page_size=5)
ETH = pb.ListTradesRequest(parent="venues/sim/instruments/eth-usdt", page_size=5)
INSTRUMENTS = pb.ListInstrumentsRequest(parent="venues/sim/instruments/btc-usdt", page_size=5)
TOKEN = next_page_token(BTC, ["2026-01-01T00:00:00", "7"])


def asking(token: str, size: int = 5) -> pb.ListTradesRequest:
    return pb.ListTradesRequest(parent=BTC.parent, page_size=size, page_token=token)


def refused(request: pb.ListTradesRequest) -> None:
    with pytest.raises(DomainError) as caught:
        after_page_token(request)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"
    assert [each.field for each in caught.value.violations] == ["page_token"]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=3), st.integers(0, 1000))
def test_a_token_gives_back_what_it_was_made_of(after: list[str], size: int) -> None:
    assert after_page_token(asking(next_page_token(BTC, after), size)) == tuple(after)


def test_the_first_page_begins_nowhere() -> None:
    assert after_page_token(BTC) is None


def test_a_page_has_a_hundred_entries_where_nobody_says_how_many() -> None:
    assert (page_size(pb.ListTradesRequest()), page_size(BTC)) == (100, 5)


@pytest.mark.parametrize(
    "token",
    [
        next_page_token(ETH, ["7"]),
        next_page_token(INSTRUMENTS, ["7"]),
        "x",
        "####",
        "AAAA",
        "é",
        TOKEN + "=",
        TOKEN + "A",
        base64.urlsafe_b64encode(b"null").decode(),
        base64.urlsafe_b64encode(b'["a",1]').decode(),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
    ],
)
def test_a_token_of_another_request_or_garbage_is_refused(token: str) -> None:
    refused(asking(token))


@given(st.integers(0, len(TOKEN) - 1), st.integers(0, 6))
def test_a_token_with_a_changed_bit_is_refused(place: int, bit: int) -> None:
    changed = chr(ord(TOKEN[place]) ^ (1 << bit))
    refused(asking(TOKEN[:place] + changed + TOKEN[place + 1 :]))


@given(st.text())
def test_whatever_a_caller_sends_is_refused_in_one_way(token: str) -> None:
    if token:
        refused(asking(token))
