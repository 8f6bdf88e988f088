"""State-of-the-world ADS: what one stream knows, and what it must be sent next. No I/O.

Rules, in the terms of the xDS protocol:

* At most one response per type is unanswered. What changes meanwhile is not queued: the next
  response is made of the newest snapshot.
* A response that was rejected is not sent again until its content changes.
* Additions and changes go in ``PUSH_ORDER``, removals in the reverse order and only when nothing
  else is outstanding: make before break.
* Listeners and clusters are sent as a whole, since absence means removal; of endpoints, routes and
  secrets only what changed is sent.
* A cluster that changed gets its endpoints again, since a client warms the new cluster with them.
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
    version_of,
)


@dataclass(frozen=True, slots=True)
class SotwResponse:
    """One response to send.

    Attributes:
        type_url: type of its resources.
        version: version of the response as a whole.
        nonce: names this response within its stream.
        resources: what it carries.
    """

    type_url: str
    version: str
    nonce: str
    resources: tuple[Resource, ...]


@dataclass(slots=True)
class _Subscription:
    """One type on one stream."""

    wildcard: bool
    names: frozenset[str]
    nonce: str = ""
    awaiting: bool = False
    owes_answer: bool = True
    sent: dict[str, Resource] = field(default_factory=dict)

    def covers(self, name: str) -> bool:
        return self.wildcard or name in self.names

    def wanted(self, type_url: str, snapshot: Snapshot) -> dict[str, Resource]:
        available = snapshot.of_type(type_url).by_name
        if self.wildcard:
            return dict(available)
        return {name: available[name] for name in sorted(self.names) if name in available}

    def gone(self, type_url: str, wanted: Mapping[str, Resource], snapshot: Snapshot) -> dict[str, Resource]:
        """What was sent and no longer exists."""
        return {
            name: resource
            for name, resource in self.sent.items()
            if name not in wanted and not snapshot.is_withheld(type_url, name)
        }


class SotwStream:
    """One state-of-the-world stream."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, _Subscription] = {}
        self._responses = 0

    def request(
        self, type_url: str, names: Collection[str], nonce: str, *, rejected: bool = False
    ) -> Outcome:
        """Take in a request.

        Args:
            type_url: the type it speaks of.
            names: resources it wants; none at all, in a first request for listeners or clusters,
                or ``*`` means every one.
            nonce: of the response it answers; empty where it answers none.
            rejected: it carries an error.
        """
        wanted = frozenset(names) - {WILDCARD}
        wildcard = WILDCARD in names
        subscription = self._subscriptions.get(type_url)
        if subscription is None:
            wildcard = wildcard or (not wanted and type_url in COMPLETE_TYPES)
            self._subscriptions[type_url] = _Subscription(wildcard=wildcard, names=wanted)
            return Outcome.SUBSCRIBED
        if nonce != subscription.nonce:
            return Outcome.STALE
        answers = subscription.awaiting
        subscription.awaiting = False
        legacy_wildcard = subscription.wildcard and not subscription.names and not wanted
        self._resubscribe(subscription, wanted, wildcard=wildcard or legacy_wildcard)
        if not answers:
            return Outcome.SUBSCRIBED
        return Outcome.NACKED if rejected else Outcome.ACKED

    @staticmethod
    def _resubscribe(subscription: _Subscription, names: frozenset[str], *, wildcard: bool) -> None:
        if any(not subscription.covers(name) for name in names) or (wildcard and not subscription.wildcard):
            subscription.owes_answer = True
        subscription.names = names
        subscription.wildcard = wildcard
        for name in [one for one in subscription.sent if not subscription.covers(one)]:
            del subscription.sent[name]

    def next_response(self, snapshot: Snapshot) -> SotwResponse | None:
        """The next response this stream must be sent, or None if it is up to date for now."""
        for type_url in PUSH_ORDER:
            subscription = self._subscriptions.get(type_url)
            if subscription is None:
                continue
            resources = self._additions(type_url, subscription, snapshot)
            if resources is not None:
                # What comes later in the order may refer to this: it waits too.
                return None if subscription.awaiting else self._respond(type_url, subscription, resources)
        if any(subscription.awaiting for subscription in self._subscriptions.values()):
            return None
        return self._next_removal(snapshot)

    @staticmethod
    def _additions(
        type_url: str, subscription: _Subscription, snapshot: Snapshot
    ) -> dict[str, Resource] | None:
        wanted = subscription.wanted(type_url, snapshot)
        changed = {
            name: resource
            for name, resource in wanted.items()
            if name not in subscription.sent or subscription.sent[name].version != resource.version
        }
        if type_url not in COMPLETE_TYPES:
            return changed or None
        if not changed and not subscription.owes_answer:
            return None
        return wanted | subscription.gone(type_url, wanted, snapshot)

    def _next_removal(self, snapshot: Snapshot) -> SotwResponse | None:
        for type_url in reversed(PUSH_ORDER):
            subscription = self._subscriptions.get(type_url)
            if subscription is None:
                continue
            wanted = subscription.wanted(type_url, snapshot)
            gone = subscription.gone(type_url, wanted, snapshot)
            for name in gone:
                del subscription.sent[name]
            if gone and type_url in COMPLETE_TYPES:
                return self._respond(type_url, subscription, wanted)
        return None

    def _respond(
        self, type_url: str, subscription: _Subscription, resources: Mapping[str, Resource]
    ) -> SotwResponse:
        self._responses += 1
        subscription.nonce = str(self._responses)
        subscription.awaiting = True
        subscription.owes_answer = False
        if type_url == CLUSTER and (endpoints := self._subscriptions.get(ENDPOINTS)) is not None:
            for name, resource in resources.items():
                if subscription.sent.get(name) != resource:
                    endpoints.sent.pop(name, None)
        subscription.sent.update(resources)
        ordered = tuple(resources[name] for name in sorted(resources))
        held = (subscription.sent[name] for name in sorted(subscription.sent))
        return SotwResponse(type_url, version_of(held), subscription.nonce, ordered)
