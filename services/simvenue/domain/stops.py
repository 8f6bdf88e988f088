"""Stop orders that wait for a trade at their trigger."""

from bisect import bisect_left, bisect_right, insort
from collections import deque

from services.simvenue.domain.terms import Side


class StopBook:
    """The waiting stops of one instrument. Prices are ticks.

    Keys are triggers times a sign, so that on both sides what goes off first stands first: a buy goes
    off when a trade comes up to its trigger, a sell when one comes down to it.
    """

    def __init__(self) -> None:
        self._waiting: dict[Side, list[tuple[int, int]]] = {side: [] for side in Side}
        self._owners: dict[int, int] = {}
        self._due: deque[int] = deque()

    def add(self, order_id: int, owner: int, side: Side, trigger: int) -> None:
        """Let an order wait."""
        self._owners[order_id] = owner
        insort(self._waiting[side], (trigger * _sign(side), order_id))

    def remove(self, order_id: int, side: Side, trigger: int) -> None:
        """Let an order wait no more."""
        entries, entry = self._waiting[side], (trigger * _sign(side), order_id)
        place = bisect_left(entries, entry)
        if place < len(entries) and entries[place] == entry:
            del entries[place]
            del self._owners[order_id]

    def see(self, price: int) -> None:
        """Mark what a trade at this price sets off: nearest trigger first, then the oldest order."""
        for side, entries in self._waiting.items():
            if entries and entries[0][0] <= (key := price * _sign(side)):
                passed = bisect_right(entries, key, key=_key)
                self._due += [order_id for _, order_id in entries[:passed]]
                del entries[:passed]

    def take_due(self) -> tuple[int, int] | None:
        """Owner and id of the next order that went off; None where there is none."""
        if not self._due:
            return None
        order_id = self._due.popleft()
        return self._owners.pop(order_id), order_id


def goes_off(side: Side, trigger: int, price: int) -> bool:
    """Whether a trade at this price sets a stop of this side off."""
    return trigger * _sign(side) <= price * _sign(side)


def _sign(side: Side) -> int:
    return 1 if side is Side.BUY else -1


def _key(entry: tuple[int, int]) -> int:
    return entry[0]
