"""The tax lots that the fills of one transaction change: read once, matched in memory, written once."""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Fill
from services.portfolio.domain.lots import ZERO, Gain, Lot, LotMethod, Matched, OrderKey, order_key
from services.portfolio.storage.lots import gain_row, lot_of, lot_row
from services.portfolio.storage.statements import (
    ADD_GAINS,
    ADD_LOTS,
    CHANGE_LOT,
    NEWEST_LOT,
    open_lots,
)

_FEW: Final = 8
_MANY: Final = 100
_Place = tuple[str, str, str]


@dataclass(slots=True)
class _Queue:
    """The open lots of one instrument of an account, as far as they are known.

    Attributes:
        method: that they are in the order of.
        lots: in this order, each with its key.
        passed: how many were read from the database.
        certain: up to this key all of them are known; None where none was read yet.
        whole: whether all were read.
    """

    method: LotMethod
    lots: list[tuple[OrderKey, Lot]] = field(default_factory=list)
    passed: int = 0
    certain: OrderKey | None = None
    whole: bool = False

    def first(self, quantity: Decimal) -> Sequence[Lot] | None:
        """The first lots that hold a quantity, or all there are; None where one may be unknown."""
        found: list[Lot] = []
        for key, lot in self.lots:
            if quantity <= ZERO:
                return found
            if not self.whole and (self.certain is None or key > self.certain):
                return None
            found.append(lot)
            quantity = EXACT.subtract(quantity, lot.remaining)
        return found if self.whole or quantity <= ZERO else None

    def add(self, lot: Lot) -> OrderKey:
        """Put an open lot where it belongs."""
        key = order_key(lot, self.method)
        insort(self.lots, (key, lot), key=_key)
        return key

    def change(self, lot: Lot) -> None:
        """Keep what remains of the first lot."""
        key, first = self.lots[0]
        if first.number != lot.number:
            msg = f"lot {lot.number} was closed before lot {first.number}"
            raise AssertionError(msg)
        if lot.remaining == ZERO:
            del self.lots[0]
        else:
            self.lots[0] = (key, lot)


class HeldLots:
    """The lots inside one write transaction.

    The number of a lot is given here, so that a later fill of the transaction can close what an earlier one
    has opened. Write transactions run one after another, so nobody else takes that number.

    Args:
        connection: the transaction.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._queues: dict[_Place, _Queue] = {}
        self._opened: dict[int, Lot] = {}
        self._changed: dict[int, Lot] = {}
        self._gains: list[Gain] = []
        self._newest: int | None = None

    async def open(self, fill: Fill, method: LotMethod) -> Sequence[Lot]:
        """The lots that a fill may close, in the order of the method; enough for its quantity."""
        place = (fill.account, fill.venue, fill.instrument)
        queue = self._queues.get(place)
        if queue is None:
            queue = self._queues[place] = _Queue(method)
            for lot in self._opened.values():
                if _place(lot) == place:
                    queue.add(lot)
        while (found := queue.first(fill.quantity)) is None:
            await self._read_more(queue, fill)
        return found

    async def put(self, matched: Matched) -> None:
        """Keep what a fill did to the lots."""
        self._gains += matched.gains
        for lot in matched.changed:
            self._queues[_place(lot)].change(lot)
            (self._opened if lot.number in self._opened else self._changed)[lot.number] = lot
        if matched.opened is not None:
            lot = replace(matched.opened, number=await self._next_number())
            self._opened[lot.number] = lot
            queue = self._queues.get(_place(lot))
            if queue is not None:
                queue.add(lot)

    async def flush(self) -> None:
        """Write what is held, each lot once. What is read after that is read anew."""
        changed = [
            {"lot_number": lot.number, "remaining": lot.remaining, "live": lot.remaining > ZERO}
            for lot in self._changed.values()
        ]
        await ADD_LOTS.run_many(self._connection, [lot_row(lot) for lot in self._opened.values()])
        await CHANGE_LOT.run_many(self._connection, changed)
        await ADD_GAINS.run_many(self._connection, [gain_row(gain) for gain in self._gains])
        self._queues.clear()
        self._opened.clear()
        self._changed.clear()
        self._gains.clear()

    async def _read_more(self, queue: _Queue, fill: Fill) -> None:
        """Read the next lots that come in the order of the method. What is held has not changed them."""
        page = _MANY if queue.passed else _FEW
        asked = {"account": fill.account, "venue": fill.venue, "instrument": fill.instrument}
        query = open_lots(queue.method, fill.side)
        rows = await query.rows(self._connection, {**asked, "page": page, "passed": queue.passed})
        for row in rows:
            queue.certain = queue.add(lot_of(row))
        queue.passed += len(rows)
        queue.whole = len(rows) < page

    async def _next_number(self) -> int:
        if self._newest is None:
            self._newest = await NEWEST_LOT.value(self._connection) or 0
        self._newest += 1
        return self._newest


def _place(lot: Lot) -> _Place:
    return lot.account, lot.venue, lot.instrument


def _key(entry: tuple[OrderKey, Lot]) -> OrderKey:
    return entry[0]
