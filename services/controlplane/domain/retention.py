"""Tells an outage of the registry from instances that are really gone.

Consul's answers are the truth while it lives. After it was away they are not, for a while: a
restarted agent has forgotten the instances (fresh data) or counts their checks as critical (the
TTL ran out while nobody could report). Taken at its word it would empty the mesh.

The rule, per service:

* While answers come without a break, every answer counts at once. A scale to zero is an answer
  like any other, so it reaches the callers at once.
* A break is a failed query, or an index that went backwards (the state was lost). From then on the
  last good instances are kept.
* With the first answer after a break a grace time starts. Until it ends, an instance that took
  calls before the break and is now absent or critical is kept as it was, unless it has reported
  since: it passes, and its checks changed at an index above that of the break. (That it passes is
  no proof: a restarted agent first shows what it had stored, and counts it as critical only then.)
  From that report on what Consul says of it is news, not amnesia.
* When the grace time ends, the latest answer counts as it stands.

The price: an instance that really died during the break stays listed up to the grace time. Its
callers' connections fail at once, so round robin goes past it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.controlplane.domain.catalog import Instance


@dataclass(frozen=True, slots=True)
class Retention:
    """What is believed about one service's instances. Immutable: each event gives a new value.

    Attributes:
        grace: seconds that instances are kept after the first answer that follows a break.
        index: consistency index of the latest answer; 0 before the first.
        reported: instances of the latest answer.
        kept: instances that took calls before the break and still count; empty without a break.
        floor: index at the break; only what changed above it is news.
        broken: no answer has come since the break.
        grace_ends: when keeping ends, in seconds of the caller's monotonic clock; None: not keeping.
    """

    grace: float
    index: int = 0
    reported: tuple[Instance, ...] = ()
    kept: tuple[Instance, ...] = field(default=())
    floor: int = 0
    broken: bool = False
    grace_ends: float | None = None

    def believed(self) -> tuple[Instance, ...]:
        """The instances as the mesh shall see them, sorted by id."""
        merged = {one.id: one for one in self.reported} | {one.id: one for one in self.kept}
        return tuple(sorted(merged.values()))

    def failed(self) -> "Retention":
        """A query failed: keep what took calls."""
        if self.index == 0:
            return self
        usable = tuple(one for one in self.believed() if one.health.takes_calls)
        return replace(self, kept=usable, floor=max(self.floor, self.index), broken=True, grace_ends=None)

    def answered(
        self, index: int, instances: tuple[Instance, ...], changed: Mapping[str, int], now: float
    ) -> "Retention":
        """The registry answered.

        Args:
            index: consistency index of the answer.
            instances: what it says.
            changed: index at which the checks of each instance last changed, by instance id.
            now: monotonic clock, in seconds.
        """
        current = self.failed() if index < self.index else self
        if current.broken:
            current = replace(current, broken=False, grace_ends=now + current.grace)
        reported = {
            one.id for one in instances if one.health.takes_calls and changed.get(one.id, 0) > current.floor
        }
        kept = tuple(one for one in current.kept if one.id not in reported)
        return replace(current, index=index, reported=instances, kept=kept).at(now)

    def at(self, now: float) -> "Retention":
        """The same, with the grace time ended if it has."""
        if self.grace_ends is None or now < self.grace_ends:
            return self
        return replace(self, kept=(), floor=0, grace_ends=None)
