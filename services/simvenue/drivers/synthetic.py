"""A seeded market of many participants: the same seed makes the same market.

A fair value that nobody sees walks at random. Market makers quote around what they take it for and lean
against their inventory, noise takers trade for no reason, trend followers chase what the price just did,
valuers bring it back, workers work large orders off in parts. Everybody draws from a generator of their
own, so that instruments and participants do not disturb each other's draws.
"""

import asyncio
import heapq
import math
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random

from services.simvenue.domain.market import Market
from services.simvenue.drivers.driver import Source, TimedActions
from services.simvenue.drivers.participants import (
    Follower,
    Maker,
    Noise,
    Participant,
    Profile,
    Scene,
    Valuer,
    Worker,
)

_SECOND_NS = 1_000_000_000
_PAUSE = 500
"""Steps between two chances for others to run."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many participants each instrument has, and how often they act.

    Attributes:
        makers: market makers.
        maker_seconds: mean time between two requotes of one of them.
        maker_levels: quotes of a maker on each side.
        takers: noise takers.
        taker_seconds: mean time between two orders of one of them.
        followers: trend followers.
        follower_seconds: mean time between two looks of one of them.
        valuers: those who know the fair value.
        valuer_seconds: mean time between two looks of one of them.
        workers: those who work large orders off.
        worker_seconds: mean time between two parts of a large order.
    """

    makers: int = 4
    maker_seconds: float = 1.0
    maker_levels: int = 6
    takers: int = 6
    taker_seconds: float = 2.0
    followers: int = 3
    follower_seconds: float = 4.0
    valuers: int = 2
    valuer_seconds: float = 3.0
    workers: int = 2
    worker_seconds: float = 1.5


class SyntheticDriver:
    """Makes a seeded market.

    Args:
        seed: same seed, same market.
        profiles: how each instrument behaves, by symbol.
        crowd: who takes part.
    """

    def __init__(self, seed: int, profiles: Mapping[str, Profile], crowd: Crowd | None = None) -> None:
        self._seed = seed
        self._profiles = profiles
        self._crowd = crowd or Crowd()

    @property
    def source(self) -> Source:
        """A synthetic market."""
        return Source.SYNTHETIC

    def begin_ns(self) -> None:
        """Any time will do."""

    async def actions(self, begin_ns: int, markets: Mapping[str, Market]) -> AsyncIterator[TimedActions]:
        """What the crowd does from ``begin_ns`` on."""
        stages = [
            _Stage(f"{self._seed}/{symbol}", profile, self._crowd, markets[symbol])
            for symbol, profile in sorted(self._profiles.items())
            if symbol in markets
        ]
        steps = heapq.merge(*(stage.steps(begin_ns) for stage in stages), key=_time_of)
        for number, step in enumerate(steps):
            yield step
            if number % _PAUSE == 0:
                await asyncio.sleep(0)


def _time_of(step: TimedActions) -> int:
    return step.time_ns


class _Stage:
    """One instrument with its hidden value and its participants."""

    def __init__(self, seed: str, profile: Profile, crowd: Crowd, market: Market) -> None:
        scene = Scene(market, profile, count(-1, -1))
        self._market = market
        self._volatility = profile.volatility
        self._fair = float(profile.fair_value / market.instrument.tick_size)
        self._fair_ns = 0
        self._random = _generator(seed)
        numbers = count()

        def next_random() -> Random:
            return _generator(f"{seed}/{next(numbers)}")

        self.participants: list[Participant] = [
            *(
                Maker(scene, next_random(), crowd.maker_seconds, crowd.maker_levels)
                for _ in range(crowd.makers)
            ),
            *(Noise(scene, next_random(), crowd.taker_seconds) for _ in range(crowd.takers)),
            *(Follower(scene, next_random(), crowd.follower_seconds) for _ in range(crowd.followers)),
            *(Valuer(scene, next_random(), crowd.valuer_seconds) for _ in range(crowd.valuers)),
            *(Worker(scene, next_random(), crowd.worker_seconds) for _ in range(crowd.workers)),
        ]

    def steps(self, begin_ns: int) -> Iterator[TimedActions]:
        """All participants' actions in the order of time; makers open the market."""
        self._fair_ns = begin_ns
        agenda = [(begin_ns, number) for number in range(len(self.participants))]
        heapq.heapify(agenda)
        symbol = self._market.instrument.symbol
        while True:
            time_ns, number = agenda[0]
            participant = self.participants[number]
            self._walk(time_ns)
            actions = participant.act(self._fair)
            if actions:
                yield TimedActions(time_ns, symbol, actions)
            heapq.heapreplace(agenda, (time_ns + int(participant.pause() * _SECOND_NS) + 1, number))

    def _walk(self, time_ns: int) -> None:
        seconds = (time_ns - self._fair_ns) / _SECOND_NS
        self._fair_ns = time_ns
        if seconds > 0:
            self._fair *= math.exp(self._random.gauss(0.0, self._volatility * math.sqrt(seconds)))


def _generator(seed: str) -> Random:
    """A market that can be repeated, not a secret."""
    return Random(seed)  # noqa: S311
