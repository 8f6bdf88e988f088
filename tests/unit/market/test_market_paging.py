"""Page tokens are good only for the request they were made for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import DomainError
from services.kernel.paging import cursor_of, page_token


@given(st.lists(st.text(max_size=8), max_size=3), st.text(max_size=30))
def test_a_token_gives_its_cursor_back(request_: list[str], cursor: str) -> None:
    try:
        cursor.encode()
        "".join(request_).encode()
    except UnicodeEncodeError:
        return
    assert cursor_of(request_, page_token(request_, cursor)) == cursor


def test_the_first_page_has_no_cursor() -> None:
    assert cursor_of(["ListTrades"], "") is None


@pytest.mark.parametrize("token", ["x", "####", "AAAA", "é", page_token(["ListTrades", "eth"], "7")])
def test_another_request_or_garbage_is_refused(token: str) -> None:
    with pytest.raises(DomainError) as caught:
        cursor_of(["ListTrades", "btc"], token)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"
