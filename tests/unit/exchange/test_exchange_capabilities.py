"""What orders may ask for at a venue, and in which form they are sent."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.capabilities import Capabilities, KindSupport, Support
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.terms import (
    Kind,
    LimitTerms,
    MarketIfTouchedTerms,
    MarketTerms,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TimeInForce,
    Trigger,
    TriggerSource,
    expiry_of,
    kind_of,
)
from services.kernel.errors import DomainError
from tests.support.exchange_strategies import terms as any_terms
from tests.support.exchange_venue import SPOT

NOW = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
_NATIVE_STOPS = Capabilities(
    [
        KindSupport(kind=Kind.MARKET),
        KindSupport(kind=Kind.LIMIT, times_in_force=frozenset({TimeInForce.GTC}), reduce_only=True),
        KindSupport(kind=Kind.STOP_MARKET, times_in_force=frozenset({TimeInForce.GTC})),
    ]
)
_PERPETUAL = Contract(Decimal(1), "usdt")


def intent(terms: Terms, **more: object) -> OrderIntent:
    wanted = OrderIntent(
        account="paper",
        venue="sim",
        instrument="btc-usdt",
        side=Side.BUY,
        quantity=Decimal(1),
        terms=terms,
    )
    return replace(wanted, **more)  # type: ignore[arg-type]


def order(capabilities: Capabilities, terms: Terms) -> Order:
    return Order.intended(
        intent(terms),
        Assets("btc", "usdt"),
        uuid4(),
        "cause",
        NOW,
        handling=capabilities.handling(terms),
    )


@given(any_terms, st.sampled_from([SPOT, _NATIVE_STOPS]))
def test_what_is_taken_is_sent_in_terms_that_the_venue_has(terms: Terms, venue: Capabilities) -> None:
    try:
        venue.require(intent(terms), None)
    except DomainError:
        return
    made = order(venue, terms)
    sent = venue.as_sent(made)
    native = venue.native(kind_of(sent.terms))
    assert native is not None
    assert (sent.order_id, sent.client_order_id) == (made.order_id, made.client_order_id)
    if isinstance(sent.terms, LimitTerms):
        assert sent.terms.time_in_force in native.times_in_force
        assert native.post_only or not sent.terms.post_only
        assert native.display_quantity or sent.terms.display_quantity is None
    # An end is kept by one of the two, and by no more.
    end = expiry_of(terms, NOW)
    if end is not None and not isinstance(sent.terms, MarketTerms):
        assert venue.ended_here(made) == (expiry_of(sent.terms, NOW) is None)


def test_a_kind_that_the_venue_has_is_its_own_unless_a_feature_is_missing_there() -> None:
    stop = StopMarketTerms(Trigger(Decimal(5)))
    assert _NATIVE_STOPS.handling(stop) is Handling.NATIVE
    by_book = replace(stop, trigger=Trigger(Decimal(5), TriggerSource.BOOK))
    assert _NATIVE_STOPS.handling(by_book) is Handling.EMULATED
    assert isinstance(_NATIVE_STOPS.as_sent(order(_NATIVE_STOPS, by_book)).terms, MarketTerms)
    # The leg of a list is held here also where the venue has its kind.
    leg = replace(order(_NATIVE_STOPS, stop), handling=Handling.EMULATED)
    assert isinstance(_NATIVE_STOPS.as_sent(leg).terms, MarketTerms)


def test_the_table_is_complete_and_says_who_does_it() -> None:
    table = {each.kind: each for each in Capabilities([KindSupport(kind=Kind.MARKET)]).table}
    assert set(table) == set(Kind)
    assert table[Kind.MARKET].support is Support.NATIVE
    assert table[Kind.TRAILING_STOP].support is Support.EMULATED
    assert table[Kind.LIMIT].support is table[Kind.STOP_LIMIT].support is Support.NONE
    assert {each.support for each in SPOT.table} == {Support.NATIVE, Support.EMULATED}


@pytest.mark.parametrize(
    ("wanted", "contract", "feature"),
    [
        (intent(StopLimitTerms(Trigger(Decimal(1)), LimitTerms(Decimal(1), TimeInForce.FOK))), None, "FOK"),
        (intent(LimitTerms(Decimal(1), post_only=True)), None, "post_only"),
        (intent(LimitTerms(Decimal(1), display_quantity=Decimal(1))), None, "display_quantity"),
        (intent(MarketTerms(), quote_quantity=Decimal(5)), None, "quote_quantity"),
        (intent(MarketTerms(), reduce_only=True), _PERPETUAL, "reduce_only"),
        (intent(MarketIfTouchedTerms(Trigger(Decimal(1))), reduce_only=True), _PERPETUAL, "reduce_only"),
    ],
)
def test_what_nobody_can_do_is_refused_with_its_name(
    wanted: OrderIntent, contract: Contract | None, feature: str
) -> None:
    with pytest.raises(DomainError) as caught:
        _NATIVE_STOPS.require(wanted, contract)
    assert caught.value.reason == "KIND_NOT_SUPPORTED"
    assert caught.value.metadata["feature"] == feature
    assert caught.value.metadata["kind"] == kind_of(wanted.terms)


def test_reduce_only_of_a_perpetual_is_the_venue_s() -> None:
    reducing = intent(LimitTerms(Decimal(1)), reduce_only=True)
    _NATIVE_STOPS.require(reducing, _PERPETUAL)
    made = replace(order(_NATIVE_STOPS, reducing.terms), reduce_only=True)
    assert _NATIVE_STOPS.as_sent(made).reduce_only


def test_the_day_ends_at_the_next_midnight_utc() -> None:
    assert expiry_of(LimitTerms(Decimal(1), TimeInForce.DAY), NOW) == datetime(2026, 3, 2, tzinfo=UTC)
