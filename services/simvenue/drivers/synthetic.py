"""A seeded market of many participants: the same seed makes the same market.

A fair value that nobody sees walks at random. Market makers quote around what they take it for,
noise takers trade for no reason, trend followers chase what the price just did. Everything is drawn
from one generator per instrument, so instruments do not disturb each other. Floats serve for the
crowd's opinions only; every price and quantity that leaves is whole ticks and lots.
"""

import asyncio
import heapq
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from random import Random

from services.simvenue.domain.market import CrowdAction, CrowdCancel, CrowdOrder, Market
from services.simvenue.domain.terms import Side
from services.simvenue.drivers.driver import Source, TimedActions

_SECOND_NS = 1_000_000_000
_PAUSE = 500
"""Steps between two chances for others to run."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How one synthetic instrument behaves.

    Attributes:
        fair_value: where the hidden value begins, in quote.
        volatility: standard deviation of the value's relative move in one second.
        half_spread: relative distance of a maker's best quote from what it takes for fair.
        level_size: mean quantity of a maker's quote, in base.
        taker_size: mean quantity of a taker's order, in base.
    """

    fair_value: Decimal
    volatility: float
    half_spread: float
    level_size: Decimal
    taker_size: Decimal


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
    """

    makers: int = 4
    maker_seconds: float = 1.0
    maker_levels: int = 6
    takers: int = 6
    taker_seconds: float = 2.0
    followers: int = 3
    follower_seconds: float = 4.0


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
        scenes = [
            # A market that can be repeated, not a secret.
            _Scene(Random(f"{self._seed}/{symbol}"), profile, self._crowd, markets[symbol])  # noqa: S311
            for symbol, profile in sorted(self._profiles.items())
            if symbol in markets
        ]
        steps = heapq.merge(*(scene.steps(begin_ns) for scene in scenes), key=_time_of)
        for number, step in enumerate(steps):
            yield step
            if number % _PAUSE == 0:
                await asyncio.sleep(0)


def _time_of(step: TimedActions) -> int:
    return step.time_ns


class _Scene:
    """One instrument with its hidden value and its participants."""

    def __init__(self, random: Random, profile: Profile, crowd: Crowd, market: Market) -> None:
        self.random = random
        self.market = market
        self.profile = profile
        self.order_ids = count(-1, -1)
        self._fair = float(profile.fair_value / market.instrument.tick_size)
        self._fair_ns: int | None = None
        lot_size = market.instrument.lot_size
        self._least_lots = math.ceil(market.instrument.min_quantity / lot_size)
        self._level_lots = float(profile.level_size / lot_size)
        self._taker_lots = float(profile.taker_size / lot_size)
        self._participants: list[_Participant] = [
            *(_Maker(self, crowd.maker_seconds, crowd.maker_levels) for _ in range(crowd.makers)),
            *(_Taker(self, crowd.taker_seconds) for _ in range(crowd.takers)),
            *(_Follower(self, crowd.follower_seconds) for _ in range(crowd.followers)),
        ]

    def steps(self, begin_ns: int) -> Iterator[TimedActions]:
        """All participants' actions in the order of time; makers open the market."""
        self._fair_ns = begin_ns
        agenda = [(begin_ns, number) for number in range(len(self._participants))]
        heapq.heapify(agenda)
        symbol = self.market.instrument.symbol
        while True:
            time_ns, number = agenda[0]
            participant = self._participants[number]
            self._walk(time_ns)
            actions = participant.act(self._fair)
            if actions:
                yield TimedActions(time_ns, symbol, actions)
            pause = self.random.expovariate(1 / participant.mean_seconds)
            heapq.heapreplace(agenda, (time_ns + int(pause * _SECOND_NS) + 1, number))

    def quote_lots(self) -> int:
        """A random quantity of a maker's quote."""
        return self._lots(self._level_lots)

    def take_lots(self) -> int:
        """A random quantity of a taker's order."""
        return self._lots(self._taker_lots)

    def _lots(self, mean: float) -> int:
        """A random number of lots around a mean, at least what the instrument's rules ask for."""
        return max(self._least_lots, round(mean * self.random.lognormvariate(-0.32, 0.8)))

    def _walk(self, time_ns: int) -> None:
        seconds = (time_ns - (self._fair_ns or time_ns)) / _SECOND_NS
        self._fair_ns = time_ns
        if seconds > 0:
            step = self.random.gauss(0.0, self.profile.volatility * math.sqrt(seconds))
            self._fair *= math.exp(step)


class _Participant(ABC):
    """Somebody who acts now and then."""

    def __init__(self, scene: _Scene, mean_seconds: float) -> None:
        self.mean_seconds = mean_seconds
        self._scene = scene

    @abstractmethod
    def act(self, fair: float) -> Sequence[CrowdAction]:
        """What it does now; ``fair`` is the hidden value in ticks."""

    def _take(self, side: Side) -> Sequence[CrowdAction]:
        scene = self._scene
        return [CrowdOrder(next(scene.order_ids), side, scene.take_lots(), limit=None, rest=False)]


class _Maker(_Participant):
    """Quotes both sides around its own idea of the fair value."""

    def __init__(self, scene: _Scene, mean_seconds: float, levels: int) -> None:
        super().__init__(scene, mean_seconds)
        self._levels = levels
        self._quotes: list[int] = []

    def act(self, fair: float) -> Sequence[CrowdAction]:
        """Take the old quotes out, put new ones in."""
        scene = self._scene
        opinion = fair * (1 + scene.random.gauss(0.0, scene.profile.half_spread / 2))
        actions: list[CrowdAction] = [CrowdCancel(order_id) for order_id in self._quotes]
        self._quotes = []
        distance = opinion * scene.profile.half_spread
        for level in range(self._levels):
            offset = distance * (1 + level * scene.random.uniform(0.6, 1.4))
            for side in Side:
                price = math.floor(opinion - offset) if side is Side.BUY else math.ceil(opinion + offset)
                order_id = next(scene.order_ids)
                self._quotes.append(order_id)
                actions.append(CrowdOrder(order_id, side, scene.quote_lots(), max(price, 1), rest=True))
        return actions


class _Taker(_Participant):
    """Trades for no reason."""

    def act(self, fair: float) -> Sequence[CrowdAction]:
        """Buy or sell by the toss of a coin."""
        del fair
        return self._take(self._scene.random.choice((Side.BUY, Side.SELL)))


class _Follower(_Participant):
    """Buys what rose since it last looked, sells what fell."""

    def __init__(self, scene: _Scene, mean_seconds: float) -> None:
        super().__init__(scene, mean_seconds)
        self._seen: float | None = None

    def act(self, fair: float) -> Sequence[CrowdAction]:
        """Follow the move since the last look, if it is worth the spread."""
        del fair
        book = self._scene.market.book
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        if bid is None or ask is None:
            return []
        middle, before = (bid + ask) / 2, self._seen
        self._seen = middle
        if before is None or abs(middle / before - 1) < 2 * self._scene.profile.half_spread:
            return []
        return self._take(Side.BUY if middle > before else Side.SELL)
