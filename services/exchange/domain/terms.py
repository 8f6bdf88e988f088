"""The kinds of orders and their terms."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.kernel.decimals import render


class Kind(StrEnum):
    """The order kinds, named as the fields of the contract's ``Order.kind``."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    STOP_LIMIT = "stop_limit"
    MARKET_IF_TOUCHED = "market_if_touched"
    LIMIT_IF_TOUCHED = "limit_if_touched"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order may rest or wait. DAY ends at the next 00:00 UTC, GTD at the order's own time."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"
    DAY = "DAY"


class TriggerSource(StrEnum):
    """Which price of the market sets a trigger off: the last trade, or the one the order would meet."""

    LAST = "LAST"
    BOOK = "BOOK"


class OffsetKind(StrEnum):
    """What the offset of a trailing stop is counted in."""

    ABSOLUTE = "ABSOLUTE"
    PERCENT = "PERCENT"
    TICKS = "TICKS"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What sets an order off.

    Attributes:
        price: in quote asset.
        source: which price of the market is compared with it.
    """

    price: Decimal
    source: TriggerSource = TriggerSource.LAST


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a trailing stop stays behind the best price.

    Attributes:
        kind: what the amount is counted in.
        amount: in quote asset, in percent of the best price, or a whole number of ticks.
    """

    kind: OffsetKind
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """Execute at once at the best prices there are."""


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """Execute at a price or better.

    Attributes:
        price: worst price to accept, in quote asset.
        time_in_force: how long it may rest.
        post_only: refuse it where it would execute at once.
        expire_time: when it ends; with GTD only.
        display_quantity: how much of it the book shows at a time; None for all of it.
    """

    price: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    expire_time: datetime | None = None
    display_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StopMarketTerms:
    """Become a market order when the market goes through a price: up for a buy, down for a sell.

    Attributes:
        trigger: what sets it off.
        time_in_force: how long it may wait: GTC, GTD or DAY.
        expire_time: when it ends; with GTD only.
    """

    trigger: Trigger
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class StopLimitTerms:
    """Become a limit order when the market goes through a price, as :class:`StopMarketTerms`.

    Attributes:
        trigger: what sets it off.
        limit: what it becomes; its GTD or DAY counts for the waiting, too.
    """

    trigger: Trigger
    limit: LimitTerms


@dataclass(frozen=True, slots=True)
class MarketIfTouchedTerms:
    """Become a market order when the market comes to a better price: down for a buy, up for a sell.

    Attributes as of :class:`StopMarketTerms`.
    """

    trigger: Trigger
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class LimitIfTouchedTerms:
    """Become a limit order when the market comes to a better price, as :class:`MarketIfTouchedTerms`.

    Attributes as of :class:`StopLimitTerms`.
    """

    trigger: Trigger
    limit: LimitTerms


@dataclass(frozen=True, slots=True)
class TrailingStopTerms:
    """A stop whose trigger follows the market at a distance and never goes back; becomes a market order.

    Attributes:
        offset: the distance.
        activation_price: the following begins when the market comes to it, up for a sell and down for a
            buy; None for at once.
        source: which price of the market is followed.
        time_in_force: how long it may wait: GTC, GTD or DAY.
        expire_time: when it ends; with GTD only.
    """

    offset: Offset
    activation_price: Decimal | None = None
    source: TriggerSource = TriggerSource.LAST
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_time: datetime | None = None


Terms = (
    MarketTerms
    | LimitTerms
    | StopMarketTerms
    | StopLimitTerms
    | MarketIfTouchedTerms
    | LimitIfTouchedTerms
    | TrailingStopTerms
)
TriggerTerms = (
    StopMarketTerms | StopLimitTerms | MarketIfTouchedTerms | LimitIfTouchedTerms | TrailingStopTerms
)
"""The kinds that wait for a price."""

_KINDS: Final[dict[type[Terms], Kind]] = {
    MarketTerms: Kind.MARKET,
    LimitTerms: Kind.LIMIT,
    StopMarketTerms: Kind.STOP_MARKET,
    StopLimitTerms: Kind.STOP_LIMIT,
    MarketIfTouchedTerms: Kind.MARKET_IF_TOUCHED,
    LimitIfTouchedTerms: Kind.LIMIT_IF_TOUCHED,
    TrailingStopTerms: Kind.TRAILING_STOP,
}


def kind_of(terms: Terms) -> Kind:
    """The kind of terms."""
    return _KINDS[type(terms)]


def limit_of(terms: Terms) -> LimitTerms | None:
    """The terms of the limit order that it is or becomes; None where that is a market order."""
    match terms:
        case LimitTerms():
            return terms
        case StopLimitTerms(limit=limit) | LimitIfTouchedTerms(limit=limit):
            return limit
        case _:
            return None


def becomes(terms: Terms) -> MarketTerms | LimitTerms:
    """What is at work once its trigger, if it has one, has gone off."""
    return limit_of(terms) or MarketTerms()


def trigger_of(terms: Terms) -> Trigger | None:
    """The trigger that stands still; None for a trailing stop and for kinds without one."""
    match terms:
        case MarketTerms() | LimitTerms() | TrailingStopTerms():
            return None
        case _:
            return terms.trigger


def time_in_force_of(terms: Terms) -> TimeInForce | None:
    """How long it may rest or wait; None for a market order."""
    timed = _timed(terms)
    return None if timed is None else timed.time_in_force


def end_of(terms: Terms) -> datetime | None:
    """When a GTD order ends; None for all others."""
    timed = _timed(terms)
    return None if timed is None else timed.expire_time


def expiry_of(terms: Terms, accepted: datetime) -> datetime | None:
    """When it runs out of time; None for never.

    Args:
        terms: of the order.
        accepted: when its intent was committed, UTC.
    """
    timed = _timed(terms)
    if timed is None:
        return None
    if timed.time_in_force is TimeInForce.DAY:
        return accepted.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return timed.expire_time


def without_end(terms: Terms) -> Terms:
    """The same terms, good till cancelled."""
    match terms:
        case MarketTerms():
            return terms
        case StopLimitTerms() | LimitIfTouchedTerms():
            limit = replace(terms.limit, time_in_force=TimeInForce.GTC, expire_time=None)
            return replace(terms, limit=limit)
        case _:
            return replace(terms, time_in_force=TimeInForce.GTC, expire_time=None)


def _timed(
    terms: Terms,
) -> LimitTerms | StopMarketTerms | MarketIfTouchedTerms | TrailingStopTerms | None:
    """The part of the terms that says how long."""
    match terms:
        case MarketTerms():
            return None
        case StopLimitTerms(limit=limit) | LimitIfTouchedTerms(limit=limit):
            return limit
        case _:
            return terms


def spelled(terms: Terms) -> str:
    """Text that is equal for two terms that mean the same, however their amounts were spelled."""
    match terms:
        case MarketTerms():
            return "market"
        case LimitTerms():
            shown = "" if terms.display_quantity is None else f" shows {render(terms.display_quantity)}"
            rests = f"{terms.time_in_force} {terms.post_only}{_until(terms.expire_time)}{shown}"
            return f"limit {render(terms.price)} {rests}"
        case StopLimitTerms(trigger, limit) | LimitIfTouchedTerms(trigger, limit):
            return f"{kind_of(terms)} {_trigger(trigger)} {spelled(limit)}"
        case TrailingStopTerms(offset, activation, source):
            begins = "" if activation is None else f" from {render(activation)}"
            followed = f"{offset.kind} {render(offset.amount)}{begins} {source}"
            return f"trailing_stop {followed} {terms.time_in_force}{_until(terms.expire_time)}"
        case StopMarketTerms(trigger) | MarketIfTouchedTerms(trigger):
            waits = f"{terms.time_in_force}{_until(terms.expire_time)}"
            return f"{kind_of(terms)} {_trigger(trigger)} {waits}"


def _trigger(trigger: Trigger) -> str:
    return f"at {render(trigger.price)} {trigger.source}"


def _until(moment: datetime | None) -> str:
    return "" if moment is None else f" until {moment.isoformat()}"
