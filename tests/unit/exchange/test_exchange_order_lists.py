"""What makes a list of orders, and what a replacement may change."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.domain.assets import Assets, Side
from services.exchange.domain.change import Change, changed_terms, replacement
from services.exchange.domain.links import Contingency
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.order_lists import check_list, links_of
from services.exchange.domain.replacement import admitted, shown, successor
from services.exchange.domain.slots import is_watched
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import (
    LimitIfTouchedTerms,
    LimitTerms,
    MarketIfTouchedTerms,
    MarketTerms,
    Offset,
    OffsetKind,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TimeInForce,
    TrailingStopTerms,
    Trigger,
)
from services.kernel.errors import DomainError

_S = OrderState
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ENTRY = LimitTerms(Decimal(100))
_PROFIT = LimitTerms(Decimal(120))
_STOP = StopMarketTerms(Trigger(Decimal(90)))
_TRAIL = TrailingStopTerms(Offset(OffsetKind.PERCENT, Decimal(5)))


def _intent(terms: Terms, side: Side = Side.SELL, **more: Any) -> OrderIntent:
    base = OrderIntent(
        account="paper", venue="sim", instrument="btc-usdt", side=side, quantity=Decimal(10), terms=terms
    )
    return replace(base, **more)


def _order(terms: Terms, state: OrderState = _S.OPEN, **more: Any) -> Order:
    order = Order.intended(_intent(terms), Assets("btc", "usdt"), UUID(int=1), "cause", _NOW)
    return replace(order, state=state, submit_time=None if state is _S.HELD else _NOW, **more)


@pytest.mark.parametrize(
    ("contingency", "intents"),
    [
        (Contingency.OCO, [_intent(_PROFIT), _intent(_STOP)]),
        (Contingency.OCO, [_intent(_STOP), _intent(_PROFIT)]),
        (Contingency.OCO, [_intent(_TRAIL), _intent(_STOP)]),
        (Contingency.OCO, [_intent(LimitTerms(Decimal(80)), Side.BUY), _intent(_STOP, Side.BUY)]),
        (Contingency.OCO, [_intent(MarketIfTouchedTerms(Trigger(Decimal(120)))), _intent(_TRAIL)]),
        (Contingency.OTO, [_intent(MarketTerms(), Side.BUY), _intent(_PROFIT), _intent(_STOP, Side.BUY)]),
        (Contingency.BRACKET, [_intent(_ENTRY, Side.BUY), _intent(_PROFIT), _intent(_STOP)]),
        (Contingency.BRACKET, [_intent(MarketTerms(), Side.BUY), _intent(_PROFIT), _intent(_TRAIL)]),
        (Contingency.OCO, [_intent(_PROFIT), _intent(StopLimitTerms(Trigger(Decimal(90)), _ENTRY))]),
    ],
)
def test_lists_that_make_sense(contingency: Contingency, intents: list[OrderIntent]) -> None:
    check_list(contingency, intents)
    ids = [UUID(int=number) for number in range(len(intents))]
    links = links_of(contingency, intents, UUID(int=99), ids)
    assert len(links) == len(intents)
    for own, link in zip(ids, links, strict=True):
        assert link.order_list == UUID(int=99)
        if link.linked is not None:
            # The legs name each other and share a group.
            assert links[ids.index(link.linked)].linked == own
            assert link.group == UUID(int=99)


@pytest.mark.parametrize(
    ("contingency", "intents", "field"),
    [
        (Contingency.OCO, [_intent(_PROFIT), _intent(_STOP, Side.BUY)], "orders[1].side"),
        (Contingency.OCO, [_intent(_PROFIT), _intent(_STOP, quantity=Decimal(9))], "orders[1].quantity"),
        (Contingency.OCO, [_intent(_PROFIT), _intent(_STOP, instrument="eth-usdt")], "orders[1].instrument"),
        (Contingency.OCO, [_intent(MarketTerms()), _intent(_STOP)], "orders[0].kind"),
        (
            Contingency.OCO,
            [_intent(LimitTerms(Decimal(120), TimeInForce.IOC)), _intent(_STOP)],
            "orders[0].kind",
        ),
        (Contingency.OCO, [_intent(LimitTerms(Decimal(90))), _intent(_STOP)], "orders[1].kind"),
        (
            Contingency.OTO,
            [_intent(MarketTerms(), Side.BUY, quote_quantity=Decimal(5)), _intent(_STOP)],
            "orders[0].quote_quantity",
        ),
        (
            Contingency.BRACKET,
            [_intent(_ENTRY), _intent(_PROFIT), _intent(_STOP)],
            "orders[1].side",
        ),
        (
            Contingency.BRACKET,
            [_intent(_ENTRY, Side.BUY), _intent(_TRAIL), _intent(_STOP)],
            "orders[1].kind",
        ),
        (
            Contingency.BRACKET,
            [_intent(LimitTerms(Decimal(90)), Side.BUY), _intent(_PROFIT), _intent(_STOP)],
            "orders[2].kind",
        ),
    ],
)
def test_lists_that_make_none(contingency: Contingency, intents: list[OrderIntent], field: str) -> None:
    with pytest.raises(DomainError) as caught:
        check_list(contingency, intents)
    assert caught.value.reason == "INVALID_ORDER_LIST"
    assert caught.value.metadata == {"contingency": contingency.value}
    assert [each.field for each in caught.value.violations] == [field]


def test_what_each_kind_lets_change() -> None:
    price, trigger = Change(price=Decimal(95)), Change(trigger_price=Decimal(85))
    stop_limit = StopLimitTerms(Trigger(Decimal(90)), LimitTerms(Decimal(89)))
    assert changed_terms(_order(_ENTRY), price) == LimitTerms(Decimal(95))
    assert changed_terms(_order(_STOP), trigger) == StopMarketTerms(Trigger(Decimal(85)))
    assert changed_terms(_order(stop_limit), price) == replace(stop_limit, limit=LimitTerms(Decimal(95)))
    shows = changed_terms(_order(_ENTRY), Change(display_quantity=Decimal(2)))
    assert shows == LimitTerms(Decimal(100), display_quantity=Decimal(2))
    cases: list[tuple[Terms, Change]] = [
        (_STOP, price),
        (_ENTRY, trigger),
        (_TRAIL, trigger),
        (MarketTerms(), price),
    ]
    for terms, change in cases:
        with pytest.raises(DomainError) as caught:
            changed_terms(_order(terms), change)
        assert caught.value.reason == "INVALID_REPLACEMENT"
    gone = _order(_STOP)
    assert gone.trigger is not None
    with pytest.raises(DomainError, match="gone off"):
        changed_terms(replace(gone, trigger=replace(gone.trigger, trigger_time=_NOW)), trigger)


_amounts = st.decimals("0.1", "100", places=1)


@given(total=_amounts, filled=_amounts)
def test_the_new_order_and_what_the_old_one_filled_make_the_wanted_total(
    total: Decimal, filled: Decimal
) -> None:
    old = replace(_order(_ENTRY), quantity=Decimal(200), filled_quantity=filled)
    change = Change(quantity=total, price=Decimal(99))
    if total <= filled:
        with pytest.raises(DomainError) as caught:
            replacement(old, [old], change, UUID(int=2), _NOW)
        assert caught.value.reason == "INVALID_REPLACEMENT"
        return
    new = replacement(old, [old], change, UUID(int=2), _NOW)
    assert new.quantity + old.filled_quantity == total == new.links.total
    assert (new.links.replaces, new.links.group) == (old.order_id, old.order_id)
    gone, waiting = admitted(new, [old, new], _NOW)
    assert (gone.state, gone.reason, gone.links.replaced_by) == (
        _S.PENDING_CANCEL,
        "REPLACED",
        new.order_id,
    )
    assert waiting.state is _S.HELD
    assert not is_watched(waiting)


def test_a_held_order_gives_way_at_once_and_hands_its_trigger_on() -> None:
    old = replace(_order(_TRAIL, _S.HELD), handling=Handling.EMULATED)
    assert old.trigger is not None
    new = successor(old, Decimal(7), UUID(int=2), _NOW)
    # The market moved it while risk was asked.
    moved = replace(old, trigger=replace(old.trigger, price=Decimal(95), best_price=Decimal(100)))
    gone, after = admitted(new, [moved, new], _NOW)
    assert (gone.state, gone.reason) == (_S.CANCELLED, "REPLACED")
    assert is_watched(after)
    assert after.trigger == moved.trigger


@pytest.mark.parametrize(
    ("state", "filled", "outcome", "reason"),
    [
        (_S.FILLED, "10", _S.CANCELLED, "NOTHING_LEFT"),
        (_S.CANCELLED, "3", _S.DENIED, "ORDER_NOT_REPLACEABLE"),
        (_S.PENDING_CANCEL, "3", _S.DENIED, "ORDER_NOT_REPLACEABLE"),
    ],
)
def test_an_old_order_that_ended_while_risk_was_asked(
    state: OrderState, filled: str, outcome: OrderState, reason: str
) -> None:
    old = _order(_ENTRY)
    new = replacement(old, [old], Change(price=Decimal(99)), UUID(int=2), _NOW)
    ended = replace(old, state=state, filled_quantity=Decimal(filled))
    (after,) = admitted(new, [ended, new], _NOW)
    assert (after.state, after.reason) == (outcome, reason)


def test_an_iceberg_shows_less_than_it_is() -> None:
    terms = LimitTerms(Decimal(100), display_quantity=Decimal(5))
    assert shown(terms, Decimal(6)) == terms
    assert shown(terms, Decimal(5)) == LimitTerms(Decimal(100))
    touched = LimitIfTouchedTerms(Trigger(Decimal(110)), terms)
    assert shown(touched, Decimal(1)) == replace(touched, limit=LimitTerms(Decimal(100)))
    assert shown(_STOP, Decimal(1)) == _STOP
