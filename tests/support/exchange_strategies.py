"""Hypothesis strategies of the exchange's values."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.fills import Fill, Liquidity, Transfer, TransferKind
from services.exchange.domain.links import Contingency, Links
from services.exchange.domain.order import Handling, Order
from services.exchange.domain.positions import VenuePosition
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
    TriggerSource,
)
from services.exchange.domain.triggers import TriggerStatus, source_of

ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
amounts = st.decimals(min_value="0.00000001", max_value="100000000", places=8)
moments = st.datetimes(
    min_value=datetime.fromisoformat("2000-01-01"),
    max_value=datetime.fromisoformat("2100-01-01"),
    timezones=st.just(UTC),
)
texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
_maybe_amount = st.one_of(st.none(), amounts)
_maybe_moment = st.one_of(st.none(), moments)
_maybe_id = st.one_of(st.none(), st.uuids())
assets = st.builds(Assets, ids, ids)
contracts = st.one_of(st.none(), st.builds(Contract, amounts, ids, st.booleans()))

_patient = st.one_of(
    st.tuples(st.sampled_from([TimeInForce.GTC, TimeInForce.DAY]), st.none()),
    st.tuples(st.just(TimeInForce.GTD), moments),
)
_hasty = st.tuples(st.sampled_from([TimeInForce.IOC, TimeInForce.FOK]), st.none())
limits = st.one_of(
    st.builds(
        lambda price, timed, post_only, shown: LimitTerms(price, timed[0], post_only, timed[1], shown),
        amounts,
        _patient,
        st.booleans(),
        _maybe_amount,
    ),
    st.builds(lambda price, timed: LimitTerms(price, timed[0]), amounts, _hasty),
)
triggers = st.builds(Trigger, amounts, st.sampled_from(TriggerSource))
offsets = st.one_of(
    st.builds(Offset, st.just(OffsetKind.ABSOLUTE), amounts),
    st.builds(Offset, st.just(OffsetKind.PERCENT), st.decimals("0.01", "99.99", places=2)),
    st.builds(Offset, st.just(OffsetKind.TICKS), st.integers(1, 10_000).map(Decimal)),
)
trailing = st.builds(
    lambda offset, activation, source, timed: TrailingStopTerms(offset, activation, source, *timed),
    offsets,
    _maybe_amount,
    st.sampled_from(TriggerSource),
    _patient,
)
terms: st.SearchStrategy[Terms] = st.one_of(
    st.just(MarketTerms()),
    limits,
    st.builds(lambda trigger, timed: StopMarketTerms(trigger, *timed), triggers, _patient),
    st.builds(StopLimitTerms, triggers, limits),
    st.builds(lambda trigger, timed: MarketIfTouchedTerms(trigger, *timed), triggers, _patient),
    st.builds(LimitIfTouchedTerms, triggers, limits),
    trailing,
)
_links = st.builds(
    Links,
    order_list=_maybe_id,
    contingency=st.sampled_from(Contingency),
    parent=_maybe_id,
    linked=_maybe_id,
    replaces=_maybe_id,
    replaced_by=_maybe_id,
)
"""Without group and total, which the contract lacks."""
_statuses = st.builds(
    TriggerStatus, _maybe_amount, _maybe_amount, _maybe_moment, _maybe_moment, _maybe_amount
)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Any order as it may stand in the store; ``submit_time`` aside, which the contract lacks."""
    kind = draw(terms)
    return Order(
        order_id=draw(st.uuids()),
        account=draw(ids),
        venue=draw(ids),
        instrument=draw(ids),
        assets=draw(assets),
        side=draw(st.sampled_from(Side)),
        quantity=draw(amounts),
        terms=kind,
        strategy=draw(st.one_of(st.just(""), ids)),
        state=draw(st.sampled_from(OrderState)),
        filled_quantity=draw(st.one_of(st.just(Decimal(0)), amounts)),
        filled_notional=draw(amounts),
        reason=draw(texts),
        reason_message=draw(texts),
        client_order_id=draw(texts),
        venue_order_id=draw(texts),
        version=draw(st.integers(1, 2**62)),
        correlation_id=draw(texts),
        create_time=draw(moments),
        update_time=draw(moments),
        submit_time=None,
        quote_quantity=draw(_maybe_amount) if isinstance(kind, MarketTerms) else None,
        reduce_only=draw(st.booleans()),
        handling=draw(st.sampled_from(Handling)),
        trigger=None if source_of(kind) is None else draw(_statuses),
        links=draw(_links),
        unprotected=draw(st.booleans()),
        contract=draw(contracts),
    )


fills = st.builds(
    Fill,
    fill_id=st.uuids(),
    order_id=st.uuids(),
    account=ids,
    venue=ids,
    instrument=ids,
    assets=assets,
    side=st.sampled_from(Side),
    price=amounts,
    quantity=amounts,
    fee=st.decimals(min_value=-10, max_value=10, places=6),
    fee_asset=ids,
    liquidity=st.sampled_from(Liquidity),
    venue_trade_id=texts,
    strategy=st.one_of(st.just(""), ids),
    exchange_time=moments,
    receive_time=moments,
    correlation_id=texts,
    contract=contracts,
)
transfers = st.builds(
    Transfer,
    account=ids,
    venue=ids,
    venue_transfer_id=texts,
    asset=ids,
    amount=amounts,
    exchange_time=moments,
    receive_time=moments,
    kind=st.sampled_from(TransferKind),
    instrument=st.one_of(st.just(""), ids),
)


positions = st.builds(
    VenuePosition,
    account=ids,
    venue=ids,
    instrument=ids,
    quantity=st.decimals(min_value=-1000, max_value=1000, places=3).filter(bool),
    contract=contracts,
    receive_time=moments,
    entry_price=_maybe_amount,
    mark_price=_maybe_amount,
    liquidation_price=_maybe_amount,
    unrealized_pnl=_maybe_amount,
    margin=_maybe_amount,
)
