"""What a book is made of: resting orders, the queue at a price, a side."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from services.simvenue.domain.terms import Side


class RestingOrder:
    """An order in the book: a node of its level's queue.

    An iceberg shows ``lots``; ``hidden`` more come forth, ``peak`` at a time, each time at the end of
    the queue.
    """

    __slots__ = ("following", "hidden", "level", "lots", "order_id", "owner", "peak", "previous")

    def __init__(self, order_id: int, owner: int, lots: int) -> None:
        self.order_id = order_id
        self.owner = owner
        self.lots = lots
        self.hidden = 0
        self.peak = 0
        self.level: Level | None = None
        self.previous: RestingOrder | None = None
        self.following: RestingOrder | None = None


class Level:
    """The queue at one price, oldest order first; ``total`` is what it shows."""

    __slots__ = ("half", "head", "hidden", "key", "tail", "total")

    def __init__(self, half: "Half", key: int) -> None:
        self.half = half
        self.key = key
        self.total = 0
        self.hidden = 0
        self.head: RestingOrder | None = None
        self.tail: RestingOrder | None = None

    def append(self, order: RestingOrder) -> None:
        """Put an order at the end of the queue."""
        order.level = self
        order.previous = self.tail
        if self.tail is None:
            self.head = order
        else:
            self.tail.following = order
        self.tail = order
        self.total += order.lots
        self.hidden += order.hidden

    def unlink(self, order: RestingOrder) -> None:
        """Take an order out of the queue, wherever it stands."""
        if order.previous is None:
            self.head = order.following
        else:
            order.previous.following = order.following
        if order.following is None:
            self.tail = order.previous
        else:
            order.following.previous = order.previous
        self.total -= order.lots
        self.hidden -= order.hidden

    def refresh(self, order: RestingOrder) -> None:
        """Show the next part of an iceberg whose shown part is used up, behind everybody else."""
        self.unlink(order)
        order.lots = min(order.peak, order.hidden)
        order.hidden -= order.lots
        order.following = None
        self.append(order)

    def __iter__(self) -> Iterator[RestingOrder]:
        order = self.head
        while order is not None:
            following = order.following
            yield order
            order = following


class Half:
    """One side of the book. Keys are prices times ``sign``: the best one is always the greatest."""

    __slots__ = ("changed", "keys", "levels", "side", "sign")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.sign = 1 if side is Side.BUY else -1
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}
        self.changed: set[int] = set()

    def level(self, key: int) -> Level:
        """The level of a key, made if there is none."""
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(self, key)
            insort(self.keys, key)
        return level

    def drop(self, key: int) -> None:
        """Forget a level that stands empty."""
        del self.levels[key]
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]

    def best(self) -> int | None:
        """Best price in ticks."""
        return self.keys[-1] * self.sign if self.keys else None
