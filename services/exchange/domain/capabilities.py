"""What a venue does with each order kind, and what is done here where it cannot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from services.exchange.domain.assets import Contract
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.terms import (
    Kind,
    Terms,
    TimeInForce,
    TriggerSource,
    becomes,
    kind_of,
    limit_of,
    time_in_force_of,
    without_end,
)
from services.exchange.domain.triggers import source_of
from services.kernel.errors import DomainError, ErrorKind

_WAITING: Final = frozenset({TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY})
_ENDED_HERE: Final = frozenset({TimeInForce.GTD, TimeInForce.DAY})
_BECOMES: Final[Mapping[Kind, Kind]] = MappingProxyType(
    {
        Kind.STOP_MARKET: Kind.MARKET,
        Kind.STOP_LIMIT: Kind.LIMIT,
        Kind.MARKET_IF_TOUCHED: Kind.MARKET,
        Kind.LIMIT_IF_TOUCHED: Kind.LIMIT,
        Kind.TRAILING_STOP: Kind.MARKET,
    }
)
"""What a kind becomes when its trigger goes off: what a venue needs so that we can emulate it."""

_EVERY_SOURCE: Final = frozenset(TriggerSource)
_LAST_ONLY: Final = frozenset({TriggerSource.LAST})


class Support(StrEnum):
    """Who carries a kind of order out."""

    NATIVE = "NATIVE"
    EMULATED = "EMULATED"
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSupport:
    """How one kind is carried out.

    Attributes:
        kind: the kind.
        support: who does it.
        times_in_force: that orders of the kind may have; none for a market order.
        post_only: whether it may be post_only.
        reduce_only: whether it may be reduce_only.
        display_quantity: whether it may have a display_quantity.
        quote_quantity: whether it may have a quote_quantity.
        sources: prices that its trigger may be compared with, where the kind has one.
    """

    kind: Kind
    support: Support = Support.NATIVE
    times_in_force: frozenset[TimeInForce] = frozenset()
    post_only: bool = False
    reduce_only: bool = False
    display_quantity: bool = False
    quote_quantity: bool = False
    sources: frozenset[TriggerSource] = _LAST_ONLY


class Capabilities:
    """What a venue does itself, and, made from that, what orders may ask for.

    Args:
        native: the kinds that the venue has, each with what the venue itself does with it.
        in_order: whether orders that are sent without waiting for each other's answers arrive in the order
            in which they were sent.

    Attributes:
        in_order: the same.
    """

    def __init__(self, native: Iterable[KindSupport], *, in_order: bool = False) -> None:
        self.in_order = in_order
        self._native = {each.kind: each for each in native}
        self._here = {kind: self._worked_here(kind) for kind in Kind}

    @property
    def table(self) -> tuple[KindSupport, ...]:
        """What orders may ask for, by kind: the venue's part and ours together."""
        return tuple(self._together(kind) for kind in Kind)

    def native(self, kind: Kind) -> KindSupport | None:
        """What the venue itself does with a kind; None where it does not have it."""
        return self._native.get(kind)

    def handling(self, terms: Terms) -> Handling:
        """Where an order with these terms is worked."""
        return Handling.NATIVE if self._at_venue(terms) else Handling.EMULATED

    def require(self, intent: OrderIntent, contract: Contract | None) -> None:
        """Refuse what neither the venue nor this service can do.

        Args:
            intent: what is asked for.
            contract: of the instrument; None for spot, where reduce_only is held to what is owned.

        Raises:
            DomainError: KIND_NOT_SUPPORTED, with the feature that is missing.
        """
        kind = kind_of(intent.terms)
        native, here = self._native.get(kind), self._here[kind]
        if native is None and here is None:
            raise _unsupported(kind, intent.venue, "kind")
        spot = contract is None
        missing = [_missing(intent, each, spot=spot) for each in (native, here) if each is not None]
        if all(missing):
            raise _unsupported(kind, intent.venue, missing[-1])

    def as_sent(self, order: Order) -> Order:
        """The order with terms that the venue has: what it became, without an end that we keep.

        Its id, and so its client order id, stays the same: one order is sent at most once.
        """
        terms = self._at_work(order)
        if self._ends_here(terms):
            terms = without_end(terms)
        native = self._native.get(kind_of(terms))
        reduce_only = order.reduce_only and native is not None and native.reduce_only
        if terms is order.terms and reduce_only is order.reduce_only:
            return order
        return replace(order, terms=terms, reduce_only=reduce_only)

    def ended_here(self, order: Order) -> bool:
        """Whether this service has to end an order at the venue when it runs out of time."""
        return self._ends_here(self._at_work(order))

    def _at_work(self, order: Order) -> Terms:
        # A kind that the venue has may be held here all the same, as the leg of a list.
        held = order.handling is Handling.EMULATED or not self._at_venue(order.terms)
        return becomes(order.terms) if held else order.terms

    def _at_venue(self, terms: Terms) -> bool:
        native = self._native.get(kind_of(terms))
        return native is not None and not _missing_in_terms(terms, native)

    def _ends_here(self, terms: Terms) -> bool:
        native = self._native.get(kind_of(terms))
        time_in_force = time_in_force_of(terms)
        return time_in_force in _ENDED_HERE and (native is None or time_in_force not in native.times_in_force)

    def _worked_here(self, kind: Kind) -> KindSupport | None:
        base = self._native.get(_BECOMES.get(kind, kind))
        if base is None or kind not in _BECOMES:
            return None
        return replace(
            base,
            kind=kind,
            support=Support.EMULATED,
            times_in_force=base.times_in_force if base.kind is Kind.LIMIT else _WAITING,
            quote_quantity=False,
            sources=_EVERY_SOURCE,
        )

    def _together(self, kind: Kind) -> KindSupport:
        native, here = self._native.get(kind), self._here[kind]
        ways = [each for each in (native, here) if each is not None]
        if not ways:
            return KindSupport(kind=kind, support=Support.NONE)
        return KindSupport(
            kind=kind,
            support=ways[0].support,
            times_in_force=frozenset().union(*(_possible(each) for each in ways)),
            post_only=any(each.post_only for each in ways),
            reduce_only=True,
            display_quantity=any(each.display_quantity for each in ways),
            quote_quantity=any(each.quote_quantity for each in ways),
            sources=frozenset().union(*(each.sources for each in ways)),
        )


def _possible(support: KindSupport) -> frozenset[TimeInForce]:
    """Times in force, with those that we keep where the venue would rest for ever."""
    times = support.times_in_force
    return times | _ENDED_HERE if TimeInForce.GTC in times else times


def _missing(intent: OrderIntent, support: KindSupport, *, spot: bool) -> str:
    """The first feature that is asked for and not there; empty where all are."""
    if intent.quote_quantity is not None and not support.quote_quantity:
        return "quote_quantity"
    if intent.reduce_only and not spot and not support.reduce_only:
        return "reduce_only"
    return _missing_in_terms(intent.terms, support)


def _missing_in_terms(terms: Terms, support: KindSupport) -> str:
    time_in_force, source, limit = time_in_force_of(terms), source_of(terms), limit_of(terms)
    if time_in_force is not None and time_in_force not in _possible(support):
        return time_in_force.value
    if source is not None and source not in support.sources:
        return f"TRIGGER_SOURCE_{source}"
    if limit is not None and limit.post_only and not support.post_only:
        return "post_only"
    if limit is not None and limit.display_quantity is not None and not support.display_quantity:
        return "display_quantity"
    return ""


def _unsupported(kind: Kind, venue: str, feature: str) -> DomainError:
    what = f"{kind} orders" if feature == "kind" else f"{kind} orders with {feature}"
    return DomainError(
        "KIND_NOT_SUPPORTED",
        f"neither venue {venue} nor this service can carry out {what}",
        kind=ErrorKind.INVALID,
        metadata={"kind": kind.value, "venue": venue, "feature": feature},
    )
