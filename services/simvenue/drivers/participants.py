"""Who trades in a synthetic market. Floats serve for their opinions only; orders are whole ticks and lots.

Each participant draws from a generator of its own, so that what one of them meets in the book, or what a
real account does, never changes what another one draws.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from services.simvenue.domain.market import CrowdAction, CrowdCancel, CrowdOrder, Market
from services.simvenue.domain.terms import Side


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


class Scene:
    """What the participants of one instrument share.

    Args:
        market: to look at.
        profile: how the instrument behaves.
        order_ids: gives each order of the crowd its id.
    """

    def __init__(self, market: Market, profile: Profile, order_ids: Iterator[int]) -> None:
        self.market = market
        self.profile = profile
        self.order_ids = order_ids
        lot_size = market.instrument.lot_size
        self.least_lots = math.ceil(market.instrument.min_quantity / lot_size)
        self.level_lots = float(profile.level_size / lot_size)
        self.taker_lots = float(profile.taker_size / lot_size)

    def middle(self) -> float | None:
        """The middle between the best prices, in ticks; None where a side is empty."""
        book = self.market.book
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        return None if bid is None or ask is None else (bid + ask) / 2


class Participant(ABC):
    """Somebody who acts now and then.

    Args:
        scene: where.
        random: its own.
        mean_seconds: mean time between two acts.
    """

    def __init__(self, scene: Scene, random: Random, mean_seconds: float) -> None:
        self._mean_seconds = mean_seconds
        self._scene = scene
        self._random = random

    @abstractmethod
    def act(self, fair: float) -> Sequence[CrowdAction]:
        """What it does now; ``fair`` is the hidden value in ticks."""

    def pause(self) -> float:
        """Seconds until it acts again."""
        return self._random.expovariate(1 / self._mean_seconds)

    def _lots(self, mean: float) -> int:
        """A random number of lots around a mean, at least what the instrument's rules ask for."""
        return max(self._scene.least_lots, round(mean * self._random.lognormvariate(-0.32, 0.8)))

    def _take(self, side: Side, lots: int) -> Sequence[CrowdAction]:
        return [CrowdOrder(next(self._scene.order_ids), side, lots, limit=None, rest=False)]


class Maker(Participant):
    """Quotes both sides around its own idea of the fair value, and leans against what it holds.

    The lean is linear in the inventory, as in Avellaneda and Stoikov, "High-frequency trading in a limit
    order book" (2008): one that has bought too much quotes lower, until somebody takes it off its hands.
    """

    def __init__(self, scene: Scene, random: Random, mean_seconds: float, levels: int) -> None:
        super().__init__(scene, random, mean_seconds)
        self._levels = levels
        self._quotes: list[CrowdOrder] = []
        self.inventory = 0

    def act(self, fair: float) -> Sequence[CrowdAction]:
        """Count what the old quotes traded, take them out, put new ones in."""
        scene, random = self._scene, self._random
        for quote in self._quotes:
            traded = quote.lots - scene.market.book.remaining(quote.order_id)
            self.inventory += traded if quote.side is Side.BUY else -traded
        actions: list[CrowdAction] = [CrowdCancel(quote.order_id) for quote in self._quotes]
        self._quotes = []
        spread = fair * scene.profile.half_spread
        lean = math.tanh(self.inventory / (scene.level_lots * self._levels))
        opinion = fair + spread * (random.gauss(0.0, 0.5) - lean)
        for level in range(self._levels):
            offset = spread * (1 + level * random.uniform(0.6, 1.4))
            for side in Side:
                price = math.floor(opinion - offset) if side is Side.BUY else math.ceil(opinion + offset)
                lots = self._lots(scene.level_lots)
                self._quotes.append(CrowdOrder(next(scene.order_ids), side, lots, max(price, 1), rest=True))
        return [*actions, *self._quotes]


class Noise(Participant):
    """Trades for no reason."""

    def act(self, fair: float) -> Sequence[CrowdAction]:
        """Buy or sell by the toss of a coin."""
        del fair
        return self._take(self._random.choice((Side.BUY, Side.SELL)), self._lots(self._scene.taker_lots))


class Follower(Participant):
    """Momentum: buys what rose since it last looked, sells what fell."""

    _seen: float | None = None

    def act(self, fair: float) -> Sequence[CrowdAction]:
        """Follow the move since the last look, if it is worth the spread."""
        del fair
        middle, before = self._scene.middle(), self._seen
        lots = self._lots(self._scene.taker_lots)
        if middle is None:
            return []
        self._seen = middle
        if before is None or abs(middle / before - 1) < 2 * self._scene.profile.half_spread:
            return []
        return self._take(Side.BUY if middle > before else Side.SELL, lots)


class Valuer(Participant):
    """Knows the fair value roughly, and trades where the market is far from it: it brings prices back."""

    def act(self, fair: float) -> Sequence[CrowdAction]:
        """Take what is too cheap or too dear by more than the spread and its own doubt."""
        scene = self._scene
        lots = self._lots(2 * scene.taker_lots)
        opinion = fair * (1 + self._random.gauss(0.0, scene.profile.half_spread))
        middle = scene.middle()
        if middle is None or abs(middle / opinion - 1) < 3 * scene.profile.half_spread:
            return []
        return self._take(Side.BUY if middle < opinion else Side.SELL, lots)


class Worker(Participant):
    """Works large orders off in many parts, so that the side of a trade tells of the next ones.

    That is why the signs of real trades are correlated for long: Lillo and Farmer, "The long memory of
    the efficient market" (2004).
    """

    _PARTS = 20
    _REST = 20.0
    """Means between two large orders, in means between two parts."""

    def __init__(self, scene: Scene, random: Random, mean_seconds: float) -> None:
        super().__init__(scene, random, mean_seconds)
        self._side = Side.BUY
        self._left = 0

    def act(self, fair: float) -> Sequence[CrowdAction]:
        """Take the next part, or decide on the next large order."""
        del fair
        if not self._left:
            self._side = self._random.choice((Side.BUY, Side.SELL))
            self._left = self._random.randint(2, 2 * self._PARTS)
        self._left -= 1
        return self._take(self._side, self._lots(self._scene.taker_lots / 2))

    def pause(self) -> float:
        """A short time within a large order, a long one between two."""
        return super().pause() * (1 if self._left else self._REST)
