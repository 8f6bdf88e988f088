"""How long to wait before a dead child is started again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Exponential back-off with jitter, forgotten once a child has stayed up.

    Attributes:
        first: seconds before the first restart.
        factor: growth from one failure in a row to the next.
        ceiling: longest wait in seconds, before jitter.
        jitter: share of the wait that chance takes off, 0 to 1; children that die together
            do not come back together.
        settled: seconds a child must run for its failures to be forgotten.
        looping_after: failures in a row from which a child counts as crash looping.
    """

    first: float = 0.2
    factor: float = 2.0
    ceiling: float = 30.0
    jitter: float = 0.3
    settled: float = 20.0
    looping_after: int = 4

    def failures_after(self, failures: int, uptime: float) -> int:
        """Failures in a row, counting the exit of a process that ran ``uptime`` seconds."""
        return 1 if uptime >= self.settled else failures + 1

    def delay(self, failures: int, chance: float) -> float:
        """Seconds to wait after so many failures in a row; ``chance`` is drawn from [0, 1)."""
        steps = min(max(failures, 1) - 1, 64)
        longest = min(self.ceiling, self.first * self.factor**steps)
        return longest * (1.0 - self.jitter * chance)

    def is_looping(self, failures: int) -> bool:
        """Whether so many failures in a row are a crash loop."""
        return failures >= self.looping_after
