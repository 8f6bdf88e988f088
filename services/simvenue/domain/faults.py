"""A script of faults, and the dice that say which call it strikes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class FaultKind(StrEnum):
    """What goes wrong. None of them makes a refusal a lie: a fault never says no to what happened."""

    LOST_REQUEST = "lost_request"  # the order or cancel never arrives; UNAVAILABLE
    LOST_ACK = "lost_ack"  # it happens; the answer is UNAVAILABLE, or never comes
    ERROR_AFTER_ACCEPT = "error_after_accept"  # it happens; the answer is INTERNAL
    RATE_LIMITED = "rate_limited"  # refused with RESOURCE_EXHAUSTED and RetryInfo
    LATE_VISIBILITY = "late_visibility"  # accepted, and not shown by questions for a while
    PARTIAL_FILLS = "partial_fills"  # each trade of the order comes as several fills
    FILL_AFTER_CANCEL = "fill_after_cancel"  # a part of a cancelled order trades a moment later
    DUPLICATE_FILL = "duplicate_fill"  # the account stream tells a fill twice
    REORDERED_FILL = "reordered_fill"  # the account stream tells a fill after what came behind it
    DROPPED_STREAM = "dropped_stream"  # the account stream breaks
    RESET = "reset"  # every connection breaks, and the venue is away for a while
    RESTART = "restart"  # the process ends without a word


@dataclass(frozen=True, slots=True)
class FaultRule:
    """How often one kind strikes.

    Attributes:
        rate: share of the chances that it has, 0 to 1.
        limit: most times; 0 is without a bound.
    """

    rate: float
    limit: int = 0


@dataclass(frozen=True, slots=True)
class FaultScript:
    """What goes wrong, how often, and for how long. Times are seconds of our time, not the venue's.

    Attributes:
        seed: the same seed and the same calls make the same faults.
        rules: the kinds that strike.
        hidden_seconds: how long an order is not shown after LATE_VISIBILITY.
        retry_after_seconds: what RATE_LIMITED asks for.
        late_fill_seconds: time between a cancel and the fill of FILL_AFTER_CANCEL.
        away_seconds: how long the venue is away after RESET.
    """

    seed: int = 1
    rules: Mapping[FaultKind, FaultRule] = field(default_factory=dict)
    hidden_seconds: float = 0.5
    retry_after_seconds: float = 0.5
    late_fill_seconds: float = 0.3
    away_seconds: float = 0.5


class Dice:
    """Says which chances strike, from one generator, in the order in which it is asked.

    Args:
        script: what may strike.
        run: number of the venue's run, so that a restart does not meet the same faults again.
    """

    def __init__(self, script: FaultScript, run: int = 0) -> None:
        self.script = script
        self.struck: Counter[FaultKind] = Counter()
        # Faults that can be repeated, no secrets.
        self._random = Random(f"{script.seed}/{run}")  # noqa: S311

    def strikes(self, kind: FaultKind) -> bool:
        """Whether a fault strikes this chance. A kind without a rule uses up no number."""
        rule = self.script.rules.get(kind)
        if rule is None or self._random.random() >= rule.rate:
            return False
        if rule.limit and self.struck[kind] >= rule.limit:
            return False
        self.struck[kind] += 1
        return True

    def toss(self) -> bool:
        """Heads or tails."""
        return self._random.random() < 0.5  # noqa: PLR2004 - a fair coin

    def share(self) -> float:
        """A share, above 0 and at most 1."""
        return 1.0 - self._random.random()

    def pieces(self) -> int:
        """How many fills a trade comes as."""
        return self._random.randint(2, 4)
