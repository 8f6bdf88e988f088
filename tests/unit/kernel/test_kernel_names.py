"""Resource names: read once at the door, and what an error says of a resource that is not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import DomainError, ErrorKind, Resource
from services.kernel.names import AccountName, InstrumentName, OrderName, StrategyName, VenueName

_ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@given(_ids, _ids)
def test_a_name_comes_back_from_its_text(first: str, second: str) -> None:
    for name in (
        VenueName(first),
        AccountName(first),
        StrategyName(first),
        InstrumentName(first, second),
        OrderName(first, second),
    ):
        assert type(name).parse(str(name)) == name


@pytest.mark.parametrize(
    "text", ["", "venues", "venues/", "venues/Sim", "venues/-a", "venues/sim/", "accounts/a"]
)
def test_anything_else_is_no_name(text: str) -> None:
    with pytest.raises(DomainError) as caught:
        VenueName.parse(text, field="parent")
    assert (caught.value.reason, caught.value.violations[0].field) == ("INVALID_NAME", "parent")


@pytest.mark.parametrize(
    ("name", "reason", "key", "type_"),
    [
        (VenueName("sim"), "VENUE_NOT_FOUND", "venue", "trademesh/Venue"),
        (InstrumentName("sim", "btc-usdt"), "INSTRUMENT_NOT_FOUND", "instrument", "trademesh/Instrument"),
        (AccountName("paper"), "ACCOUNT_NOT_FOUND", "account", "trademesh/Account"),
        (OrderName("paper", "1"), "ORDER_NOT_FOUND", "order", "trademesh/Order"),
        (StrategyName("sma"), "STRATEGY_NOT_FOUND", "strategy", "trademesh/Strategy"),
    ],
)
def test_an_error_names_what_is_not_there(
    name: VenueName | InstrumentName | AccountName | OrderName | StrategyName,
    reason: str,
    key: str,
    type_: str,
) -> None:
    error = name.not_found()
    assert (error.reason, error.kind, error.message) == (reason, ErrorKind.NOT_FOUND, f"there is no {name}")
    assert (error.metadata, error.resource) == ({key: str(name)}, Resource(type_, str(name)))
    assert name.not_found("nobody knows it").message == "nobody knows it"
