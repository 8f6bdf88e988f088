"""What a venue does with each order kind, and what is done here where it cannot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from services.exchange.domain.assets import Contract
from services.exchange.domain.order import Handling, Order, OrderIntent
from services.exchange.domain.terms import Kind, LimitTerms, TimeInForce, becomes, kind_of, limit_of
from services.exchange.domain.terms import time_in_force_of as asked_time_in_force
from services.kernel.errors import DomainError, ErrorKind

_WAITING: Final = frozenset({TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY})
_ENDED_HERE: Final = frozenset({TimeInForce.GTD, TimeInForce.DAY})
_EMULATED_FROM: Final[Mapping[Kind, Kind]] = MappingProxyType(
    {
        Kind.STOP_MARKET: Kind.MARKET,
        Kind.STOP_LIMIT: Kind.LIMIT,
        Kind.MARKET_IF_TOUCHED: Kind.MARKET,
        Kind.LIMIT_IF_TOUCHED: Kind.LIMIT,
        Kind.TRAILING_STOP: Kind.MARKET,
    }
)
"""What each kind becomes when its trigger goes off: the kind a venue needs for us to emulate it."""


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
    """

    kind: Kind
    support: Support
    times_in_force: frozenset[TimeInForce] = frozenset()
    post_only: bool = False
    reduce_only: bool = False
    display_quantity: bool = False
    quote_quantity: bool = False


class Capabilities:
    """What a venue does itself, and, made from that, what orders may ask for.

    Args:
        native: the kinds that the venue has, each with what the venue itself does with it.
    """

    def __init__(self, native: Iterable[KindSupport]) -> None:
        self._native = {each.kind: each for each in native}
        self._table = {kind: self._effective(kind) for kind in Kind}

    @property
    def table(self) -> tuple[KindSupport, ...]:
        """What orders may ask for, by kind: the venue's part and ours together."""
        return tuple(self._table.values())

    def native(self, kind: Kind) -> KindSupport | None:
        """What the venue itself does with a kind; None where it does not have it."""
        return self._native.get(kind)

    def handling(self, kind: Kind) -> Handling:
        """Where orders of a kind are worked."""
        return Handling.NATIVE if kind in self._native else Handling.EMULATED

    def require(self, intent: OrderIntent, contract: Contract | None) -> None:
        """Refuse what neither the venue nor this service can do.

        Args:
            intent: what is asked for.
            contract: of the instrument; None for spot, where reduce_only is held to what is owned.

        Raises:
            DomainError: KIND_NOT_SUPPORTED, with the feature that is missing.
        """
        kind = kind_of(intent.terms)
        support = self._table[kind]
        if support.support is not Support.NATIVE:  # the triggers' watch follows
            raise _unsupported(kind, intent.venue, "kind")
        time_in_force = asked_time_in_force(intent.terms)
        if time_in_force is not None and time_in_force not in self._native[kind].times_in_force:
            raise _unsupported(kind, intent.venue, time_in_force.value)
        limit = limit_of(intent.terms)
        reducing = support.reduce_only if contract is None else self._reduces(kind)
        wanted = {
            "post_only": (limit is not None and limit.post_only, support.post_only),
            "display_quantity": (
                limit is not None and limit.display_quantity is not None,
                support.display_quantity,
            ),
            "quote_quantity": (intent.quote_quantity is not None, support.quote_quantity),
            "reduce_only": (intent.reduce_only, reducing),
        }
        for feature, (asked, can) in wanted.items():
            if asked and not can:
                raise _unsupported(kind, intent.venue, feature)

    def as_sent(self, order: Order) -> Order:
        """The order with terms that the venue has: what it became, without an end that we keep.

        Its id, and so its client order id, stays the same: one order is sent at most once.
        """
        terms = order.terms if kind_of(order.terms) in self._native else becomes(order.terms)
        if isinstance(terms, LimitTerms) and self._ends_here(Kind.LIMIT, terms.time_in_force):
            terms = replace(terms, time_in_force=TimeInForce.GTC, expire_time=None)
        reduce_only = order.reduce_only and self._reduces(kind_of(terms))
        return replace(order, terms=terms, reduce_only=reduce_only)

    def ended_here(self, order: Order) -> bool:
        """Whether this service has to end the order when it runs out of time."""
        kind = kind_of(order.terms)
        at_work = kind if kind in self._native else kind_of(becomes(order.terms))
        time_in_force = asked_time_in_force(order.terms)
        return time_in_force is not None and self._ends_here(at_work, time_in_force)

    def _ends_here(self, kind: Kind, time_in_force: TimeInForce) -> bool:
        native = self._native.get(kind)
        return time_in_force in _ENDED_HERE and (native is None or time_in_force not in native.times_in_force)

    def _reduces(self, kind: Kind) -> bool:
        native = self._native.get(kind) or self._native.get(_EMULATED_FROM.get(kind, kind))
        return native is not None and native.reduce_only

    def _effective(self, kind: Kind) -> KindSupport:
        native = self._native.get(kind)
        if native is not None:
            times = native.times_in_force
            if TimeInForce.GTC in times:
                times |= _ENDED_HERE
            return replace(native, support=Support.NATIVE, times_in_force=times, reduce_only=True)
        base = self._native.get(_EMULATED_FROM.get(kind, kind))
        if base is None:
            return KindSupport(kind=kind, support=Support.NONE)
        times = base.times_in_force | _ENDED_HERE if base.kind is Kind.LIMIT else _WAITING
        return KindSupport(
            kind=kind,
            support=Support.EMULATED,
            times_in_force=times,
            post_only=base.post_only,
            reduce_only=True,
            display_quantity=base.display_quantity,
        )


def _unsupported(kind: Kind, venue: str, feature: str) -> DomainError:
    what = f"{kind} orders" if feature == "kind" else f"{kind} orders with {feature}"
    return DomainError(
        "KIND_NOT_SUPPORTED",
        f"neither venue {venue} nor this service can carry out {what}",
        kind=ErrorKind.INVALID,
        metadata={"kind": kind.value, "venue": venue, "feature": feature},
    )
