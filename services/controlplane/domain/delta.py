"""Incremental ADS: what one stream knows, and what it must be sent next. No I/O.

The rules of :mod:`services.controlplane.domain.sotw` hold here too: one unanswered response per
type, a rejected one is not repeated, additions in ``PUSH_ORDER`` and removals in reverse, and a
cluster that changed gets its endpoints again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from services.controlplane.domain.outcome import WILDCARD, Outcome
from services.controlplane.domain.snapshot import (
    CLUSTER,
    COMPLETE_TYPES,
    ENDPOINTS,
    PUSH_ORDER,
    Resource,
    Snapshot,
)


@dataclass(frozen=True, slots=True)
class DeltaResponse:
    """One response to send.

    Attributes:
        type_url: type of its resources.
        version: version of the whole type, for a person who debugs.
        nonce: names this response within its stream.
        resources: what is new or changed.
        removed: names that do not exist, or no longer.
    """

    type_url: str
    version: str
    nonce: str
    resources: tuple[Resource, ...]
    removed: tuple[str, ...]


@dataclass(slots=True)
class _Subscription:
    """One type on one stream."""

    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    nonce: str = ""
    awaiting: bool = False
    owes_answer: bool = False
    sent: dict[str, str] = field(default_factory=dict)
    told_missing: set[str] = field(default_factory=set)

    def covers(self, name: str) -> bool:
        return self.wildcard or name in self.names

    def changed(self, available: Mapping[str, Resource]) -> tuple[Resource, ...]:
        return tuple(
            resource
            for name, resource in available.items()
            if self.covers(name) and self.sent.get(name) != resource.version
        )


class DeltaStream:
    """One incremental stream."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, _Subscription] = {}
        self._responses = 0

    def request(
        self,
        type_url: str,
        *,
        subscribe: Collection[str] = (),
        unsubscribe: Collection[str] = (),
        initial_versions: Mapping[str, str] | None = None,
        nonce: str = "",
        rejected: bool = False,
    ) -> Outcome:
        """Take in a request.

        Args:
            type_url: the type it speaks of.
            subscribe: names it wants from now on; ``*``, or none at all in a first request for
                listeners or clusters, means every one. A name it has already is sent again.
            unsubscribe: names it no longer wants.
            initial_versions: what the client holds from an earlier stream, by name.
            nonce: of the response it answers; empty where it answers none.
            rejected: it carries an error.
        """
        subscription = self._subscriptions.get(type_url)
        if subscription is None:
            subscription = self._subscriptions[type_url] = _Subscription(owes_answer=True)
            subscription.wildcard = not subscribe and type_url in COMPLETE_TYPES
            subscription.sent.update(initial_versions or {})
        self._subscribe(subscription, subscribe)
        self._unsubscribe(subscription, unsubscribe)
        if not nonce:
            return Outcome.SUBSCRIBED
        if nonce != subscription.nonce or not subscription.awaiting:
            return Outcome.STALE
        subscription.awaiting = False
        return Outcome.NACKED if rejected else Outcome.ACKED

    @staticmethod
    def _subscribe(subscription: _Subscription, names: Collection[str]) -> None:
        for name in names:
            if name == WILDCARD:
                subscription.owes_answer = subscription.owes_answer or not subscription.wildcard
                subscription.wildcard = True
                continue
            if name in subscription.names:
                subscription.sent.pop(name, None)
            subscription.names.add(name)
            subscription.told_missing.discard(name)

    @staticmethod
    def _unsubscribe(subscription: _Subscription, names: Collection[str]) -> None:
        if WILDCARD in names:
            subscription.wildcard = False
        subscription.names.difference_update(names)
        for name in [one for one in subscription.sent if not subscription.covers(one)]:
            del subscription.sent[name]
        subscription.told_missing.intersection_update(subscription.names)

    def next_response(self, snapshot: Snapshot) -> DeltaResponse | None:
        """The next response this stream must be sent, or None if it is up to date for now."""
        for type_url in PUSH_ORDER:
            subscription = self._subscriptions.get(type_url)
            if subscription is None:
                continue
            changed = subscription.changed(snapshot.of_type(type_url).by_name)
            missing = self._missing(type_url, subscription, snapshot)
            if changed or missing or (subscription.owes_answer and subscription.wildcard):
                if subscription.awaiting:
                    return None  # what comes later in the order may refer to this: it waits too
                subscription.told_missing.update(missing)
                return self._respond(type_url, subscription, changed, missing, snapshot)
        if any(subscription.awaiting for subscription in self._subscriptions.values()):
            return None
        return self._next_removal(snapshot)

    @staticmethod
    def _missing(type_url: str, subscription: _Subscription, snapshot: Snapshot) -> tuple[str, ...]:
        """Names asked for that never existed, and have not been called so yet."""
        available = snapshot.of_type(type_url).by_name
        unknown = subscription.names - available.keys() - subscription.sent.keys() - subscription.told_missing
        return tuple(sorted(name for name in unknown if not snapshot.is_withheld(type_url, name)))

    def _next_removal(self, snapshot: Snapshot) -> DeltaResponse | None:
        for type_url in reversed(PUSH_ORDER):
            subscription = self._subscriptions.get(type_url)
            if subscription is None:
                continue
            available = snapshot.of_type(type_url).by_name
            gone = sorted(
                name
                for name in subscription.sent
                if name not in available and not snapshot.is_withheld(type_url, name)
            )
            if gone:
                for name in gone:
                    del subscription.sent[name]
                subscription.told_missing.update(subscription.names.intersection(gone))
                return self._respond(type_url, subscription, (), tuple(gone), snapshot)
        return None

    def _respond(
        self,
        type_url: str,
        subscription: _Subscription,
        resources: tuple[Resource, ...],
        removed: tuple[str, ...],
        snapshot: Snapshot,
    ) -> DeltaResponse:
        self._responses += 1
        subscription.nonce = str(self._responses)
        subscription.awaiting = True
        subscription.owes_answer = False
        endpoints = self._subscriptions.get(ENDPOINTS) if type_url == CLUSTER else None
        for resource in resources:
            if endpoints is not None:
                endpoints.sent.pop(resource.name, None)
            subscription.sent[resource.name] = resource.version
            subscription.told_missing.discard(resource.name)
        version = snapshot.of_type(type_url).version
        return DeltaResponse(type_url, version, subscription.nonce, resources, removed)
