"""How long orders and cancels are on their way, drawn from one seeded generator.

A call has three legs: the request to the venue, the wait for the matching engine, the answer back.
Each may take a constant time or a lognormal one, and may differ between orders and cancels. Calls of
one account never overtake each other on a leg, as on one connection.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Leg(StrEnum):
    """A part of the way."""

    REQUEST = "request"
    MATCHING = "matching"
    ANSWER = "answer"


class Operation(StrEnum):
    """What is on its way."""

    PLACE = "place"
    CANCEL = "cancel"


class LatencyError(ValueError):
    """The setting cannot be meant; the message says which part of it."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a leg takes.

    Attributes:
        median: in seconds; of a constant time, the time.
        sigma: standard deviation of the logarithm; 0 makes it constant.
    """

    median: float
    sigma: float = 0.0

    def draw(self, random: Random) -> float:
        """One time in seconds."""
        return self.median if not self.sigma else self.median * math.exp(random.gauss(0.0, self.sigma))


LEGS: Final[Mapping[str, tuple[Operation, Leg]]] = {
    f"{operation}_{leg}": (operation, leg) for operation in Operation for leg in Leg
}
"""Names of the legs in the setting, as in ``place_request``."""


def read_delay(text: str) -> Delay:
    """A time from a setting: ``constant 0.005``, or ``lognormal 0.005 0.4`` (median, sigma).

    Raises:
        LatencyError: it is neither.
    """
    match text.split():
        case ["constant", seconds]:
            return Delay(_positive(seconds))
        case ["lognormal", median, sigma]:
            return Delay(_positive(median), _positive(sigma))
        case _:
            raise LatencyError(f"a latency is 'constant SECONDS' or 'lognormal MEDIAN SIGMA', not {text!r}")


class LatencyModel:
    """Lets calls take their time.

    Args:
        delays: by the name of the leg; a leg without one takes no time.
        seed: the same seed and the same calls take the same times.
    """

    def __init__(self, delays: Mapping[str, Delay] | None = None, seed: int = 1) -> None:
        self._delays = {LEGS[name]: delay for name, delay in (delays or {}).items()}
        self._queues = {leg: _Queue() for leg in Leg}
        # Times that can be repeated, no secrets.
        self._random = Random(f"latency/{seed}")  # noqa: S311

    async def pass_leg(self, operation: Operation, leg: Leg, account: str) -> None:
        """Wait as long as the leg takes, and for the account's calls that are before this one."""
        if self._delays:
            delay = self._delays.get((operation, leg))
            seconds = delay.draw(self._random) if delay is not None else 0.0
            await self._queues[leg].wait(account, seconds)


class _Queue:
    """One leg: first in, first out for each account, whatever the times drawn."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Future[None]] = {}

    async def wait(self, account: str, seconds: float) -> None:
        before = self._last.get(account)
        mine = self._last[account] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.sleep(seconds)
            if before is not None:
                await asyncio.shield(before)
        finally:
            # Who gives up must not let those behind overtake those before.
            if before is not None and not before.done():
                before.add_done_callback(lambda _: mine.set_result(None))
            else:
                mine.set_result(None)
            if self._last.get(account) is mine and mine.done():
                del self._last[account]


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise LatencyError(f"{text!r} is no number") from error
    if not 0 < number < math.inf:
        raise LatencyError(f"{text!r} is not above zero")
    return number
