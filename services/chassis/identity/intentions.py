"""Who may call this service, as Consul's intentions say."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from services.chassis.discovery.agent import Answer
from services.chassis.discovery.watch import Watch
from services.chassis.identity.spiffe import SpiffeId

_log = structlog.get_logger(__name__)

_ANY = "*"
_NAMESPACE = "default"


class IntentionSource(Protocol):
    """Where intentions are kept; the Consul agent."""

    async def intentions(self, index: int = 0) -> Answer:
        """All intentions."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One intention on this service.

    Attributes:
        source: name of the caller, or ``*`` for any.
        allow: whether it may call.
        precedence: the rule with the highest that fits decides.
    """

    source: str
    allow: bool
    precedence: int


class Intentions:
    """The rules on this service; default deny, also before they were ever read.

    While Consul is away the rules read last stay in force.

    Args:
        source: where intentions are kept.
        service: this service.
        trust_domain: the mesh's trust domain, once it is known.
        members: every name that may have an identity here.
    """

    def __init__(
        self,
        source: IntentionSource,
        service: str,
        trust_domain: Callable[[], str],
        members: Collection[str],
    ) -> None:
        self._service = service
        self._trust_domain = trust_domain
        self._members = frozenset(members)
        self._rules: tuple[Rule, ...] = ()
        self._watch = Watch("intentions", source.intentions, self._take)

    async def run(self) -> None:
        """Follow the intentions for ever."""
        await self._watch.run()

    async def wait(self) -> None:
        """Wait until they were read once."""
        await self._watch.ready.wait()

    def allows(self, caller: SpiffeId) -> bool:
        """Whether the caller may use the contracts of this service."""
        if not self._ours(caller):
            return False
        for rule in self._rules:
            if rule.source in (caller.service, _ANY):
                return rule.allow
        return False

    def knows(self, caller: SpiffeId) -> bool:
        """Whether the caller belongs to this mesh."""
        return self._ours(caller) and caller.service in self._members

    def _ours(self, caller: SpiffeId) -> bool:
        return caller.trust_domain == self._trust_domain() and caller.namespace == _NAMESPACE

    async def _take(self, answer: Answer) -> None:
        rules = sorted(_rules(answer.body, self._service), key=lambda rule: -rule.precedence)
        self._rules = tuple(rules)
        _log.info("intentions_read", callers=[rule.source for rule in rules if rule.allow])


def _rules(body: Any, service: str) -> list[Rule]:
    """The rules on a service in a list of all; the agent says null where there are none."""
    return [
        Rule(each["SourceName"], each["Action"] == "allow", int(each.get("Precedence", 0)))
        for each in body or ()
        if each["DestinationName"] in (service, _ANY)
    ]
