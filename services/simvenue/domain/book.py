"""The matching engine of one instrument: price-time priority over whole ticks and lots.

Everything here is an integer. Orders of one price stand in a linked list, so that a cancel costs the
same wherever the order stands; the prices of a side are a sorted list with the best one last, so that
the best price is taken and given at the cheap end.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from services.simvenue.domain.levels import Half, Level, RestingOrder
from services.simvenue.domain.terms import SelfTrade, Side

CROWD = 0
"""Owner of every order that is not a real account's. The crowd may trade with itself."""

_BUY = Side.BUY  # looked up once: a member of an enum is found more slowly than a name here
_ANY_PRICE = -(10**60)
_NOBODY = -1


class Match(NamedTuple):
    """One trade. A tuple, since the engine makes very many of them.

    Attributes:
        trade_id: unique and rising at the venue.
        price: ticks; the price of the order that rested.
        lots: quantity.
        taker_side: side of the order that came in.
        maker_id: order that rested.
        maker_owner: its owner.
        taker_id: order that came in.
        taker_owner: its owner.
    """

    trade_id: int
    price: int
    lots: int
    taker_side: Side
    maker_id: int
    maker_owner: int
    taker_id: int
    taker_owner: int


class Outcome(NamedTuple):
    """What became of an order that came in.

    Attributes:
        matches: its trades, in order.
        remaining: lots that did not trade; they rest now if that was asked for and nothing stopped it.
        self_trade: whether it was stopped by an order of the same owner; the rest does not rest then.
        expired: ids of resting orders of the same owner that were taken out instead of trading, each
            with the lots it had left.
    """

    matches: list[Match]
    remaining: int
    self_trade: bool
    expired: Sequence[tuple[int, int]] = ()


class Walk(NamedTuple):
    """What an order would get if it came now.

    Attributes:
        lots: how much would trade.
        notional: sum of ticks times lots of that.
    """

    lots: int
    notional: int


class OrderBook:
    """The book of one instrument.

    Args:
        trade_ids: gives each trade its id; shared by all books of the venue.
    """

    def __init__(self, trade_ids: Iterator[int]) -> None:
        self._trade_ids = trade_ids
        self._bids = Half(Side.BUY)
        self._asks = Half(Side.SELL)
        self._orders: dict[int, RestingOrder] = {}

    def half(self, side: Side) -> Half:
        """The side of the book that holds orders of ``side``."""
        return self._bids if side is Side.BUY else self._asks

    def submit(
        self,
        order_id: int,
        owner: int,
        side: Side,
        lots: int,
        limit: int | None,
        *,
        rest: bool,
        display: int = 0,
        self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER,
    ) -> Outcome:
        """Match an order that comes in, and rest what is left of it.

        Args:
            order_id: unused so far.
            owner: account number, or CROWD.
            side: which way.
            lots: above zero.
            limit: worst price in ticks; None takes any price.
            rest: whether the remainder goes into the book (needs a limit).
            display: most lots of it that the book shows at a time; 0 shows all.
            self_trade: what happens where it meets an order of the same owner; the crowd just trades.
        """
        against = self._asks if side is _BUY else self._bids
        floor = _ANY_PRICE if limit is None else limit * against.sign
        barred = _NOBODY if owner == CROWD or self_trade is SelfTrade.NONE else owner
        matches: list[Match] = []
        expired: list[tuple[int, int]] = []
        keys = against.keys
        remaining = lots
        while remaining and keys and keys[-1] >= floor:
            level = against.levels[keys[-1]]
            remaining = self._take(level, order_id, owner, side, remaining, matches, barred)
            if level.head is None:
                against.drop(level.key)
            elif remaining:
                if self_trade is SelfTrade.EXPIRE_TAKER:
                    return Outcome(matches, remaining, self_trade=True)
                own = level.head.order_id
                expired.append((own, self.cancel(own)))
                if self_trade is SelfTrade.EXPIRE_BOTH:
                    return Outcome(matches, remaining, self_trade=True, expired=expired)
        if rest and remaining and limit is not None:
            self._rest(order_id, owner, side, remaining, limit, display)
        return Outcome(matches, remaining, self_trade=False, expired=expired)

    def cancel(self, order_id: int) -> int:
        """Take an order out; answers its remaining lots, hidden ones too; 0 where no such order rests."""
        order = self._orders.pop(order_id, None)
        if order is None or order.level is None:
            return 0
        level = order.level
        level.unlink(order)
        level.half.changed.add(level.key)
        if level.head is None:
            level.half.drop(level.key)
        return order.lots + order.hidden

    def remaining(self, order_id: int) -> int:
        """Lots that a resting order has left, hidden ones too; 0 where no such order rests."""
        order = self._orders.get(order_id)
        return 0 if order is None else order.lots + order.hidden

    def enlarge_last(self, owner: int, side: Side, price: int, lots: int) -> bool:
        """Add to the last order of a queue if it is the owner's: nobody stands behind it to be wronged."""
        half = self.half(side)
        level = half.levels.get(price * half.sign)
        if level is None or level.tail is None or level.tail.owner != owner:
            return False
        level.tail.lots += lots
        level.total += lots
        half.changed.add(level.key)
        return True

    def reduce_from_back(self, owner: int, side: Side, price: int, lots: int) -> None:
        """Cancel that many of the owner's lots at a price, the youngest first."""
        half = self.half(side)
        level = half.levels[price * half.sign]
        order = level.tail
        while lots and order is not None:
            previous = order.previous
            if order.owner == owner:
                cut = min(lots, order.lots)
                lots -= cut
                if cut == order.lots:
                    self.cancel(order.order_id)
                else:
                    order.lots -= cut
                    level.total -= cut
                    half.changed.add(level.key)
            order = previous

    def reduce_in_proportion(self, owner: int, side: Side, price: int, lots: int) -> None:
        """Cancel that many of the owner's lots at a price, of each order its share.

        Shares are rounded down; what is left over then goes from the back.
        """
        level = self.half(side).levels[price * self.half(side).sign]
        mine = [order for order in level if order.owner == owner]
        total = sum(order.lots for order in mine)
        shares = [lots * order.lots // total for order in mine]
        level.half.changed.add(level.key)
        for order, share in zip(mine, shares, strict=True):
            if share == order.lots:
                self.cancel(order.order_id)
            else:
                order.lots -= share
                level.total -= share
        if left := lots - sum(shares):
            self.reduce_from_back(owner, side, price, left)

    def owned_at(self, owner: int, side: Side, price: int) -> int:
        """Lots of one owner at one price."""
        half = self.half(side)
        level = half.levels.get(price * half.sign)
        if level is None:
            return 0
        return sum(order.lots for order in level if order.owner == owner)

    def prices_through(self, side: Side, price: int) -> list[int]:
        """Prices of a side that are as good as ``price`` or better, best first."""
        half = self.half(side)
        start = bisect_left(half.keys, price * half.sign)
        return [key * half.sign for key in reversed(half.keys[start:])]

    def walk(
        self,
        side: Side,
        lots: int,
        limit: int | None,
        owner: int,
        self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER,
    ) -> Walk:
        """What an incoming order would trade now, with what icebergs hide. Changes nothing."""
        against = self.half(side.opposite)
        floor = _ANY_PRICE if limit is None else limit * against.sign
        barred = _NOBODY if owner == CROWD or self_trade is SelfTrade.NONE else owner
        passes = self_trade is SelfTrade.EXPIRE_MAKER
        got = notional = 0
        for key in reversed(against.keys):
            if key < floor or got == lots:
                break
            here, stopped = _reachable(against.levels[key], lots - got, barred, passes=passes)
            got += here
            notional += here * key * against.sign
            if stopped:
                break
        return Walk(got, notional)

    def lots_for(self, side: Side, budget: int, owner: int, self_trade: SelfTrade) -> int:
        """Most lots an incoming order of any price can trade for so many ticks times lots."""
        against = self.half(side.opposite)
        barred = _NOBODY if owner == CROWD or self_trade is SelfTrade.NONE else owner
        got = 0
        for key in reversed(against.keys):
            price = key * against.sign
            most = budget // price
            here, stopped = _reachable(
                against.levels[key], most, barred, passes=self_trade is SelfTrade.EXPIRE_MAKER
            )
            got += here
            budget -= here * price
            if stopped or here == most:
                break
        return got

    def best(self, side: Side) -> int | None:
        """Best price of a side in ticks, None where it is empty."""
        return self.half(side).best()

    def depth(self, side: Side, levels: int) -> list[tuple[int, int]]:
        """Price in ticks and shown lots of the best levels, best first."""
        half = self.half(side)
        return [(key * half.sign, half.levels[key].total) for key in islice(reversed(half.keys), levels)]

    def orders(self, side: Side) -> list[tuple[int, int, int]]:
        """Order id, price and shown lots of every resting order of a side, by priority."""
        half = self.half(side)
        return [
            (order.order_id, key * half.sign, order.lots)
            for key in reversed(half.keys)
            for order in half.levels[key]
        ]

    def take_changes(self, side: Side) -> list[tuple[int, int]]:
        """Price and new total of each level that changed since the last call; 0 where it is gone."""
        half = self.half(side)
        if not half.changed:
            return []
        levels = half.levels
        changes = [
            (key * half.sign, level.total if (level := levels.get(key)) is not None else 0)
            for key in half.changed
        ]
        half.changed.clear()
        return changes

    def _take(
        self,
        level: Level,
        order_id: int,
        owner: int,
        side: Side,
        remaining: int,
        matches: list[Match],
        barred: int,
    ) -> int:
        """Trade against one level until it, the order, or an order of the barred owner ends it."""
        price = level.key * level.half.sign
        while remaining and (maker := level.head) is not None:
            if maker.owner == barred:
                break
            lots = min(remaining, maker.lots)
            matches.append(
                Match(next(self._trade_ids), price, lots, side, maker.order_id, maker.owner, order_id, owner)
            )
            remaining -= lots
            if lots != maker.lots:
                maker.lots -= lots
                level.total -= lots
            elif maker.hidden:
                level.refresh(maker)
            else:
                level.unlink(maker)
                del self._orders[maker.order_id]
        level.half.changed.add(level.key)
        return remaining

    def _rest(self, order_id: int, owner: int, side: Side, lots: int, limit: int, display: int) -> None:
        half = self._bids if side is _BUY else self._asks
        key = limit * half.sign
        order = RestingOrder(order_id, owner, lots)
        if 0 < display < lots:
            order.lots, order.hidden, order.peak = display, lots - display, display
        half.level(key).append(order)
        half.changed.add(key)
        self._orders[order_id] = order


def _reachable(level: Level, lots: int, barred: int, *, passes: bool) -> tuple[int, bool]:
    """How much of a level an order can take, and whether an order of the barred owner stops it.

    What an iceberg hides stands behind everybody, so it is out of reach where somebody stops the order;
    one that ``passes`` takes that somebody out and goes on.
    """
    shown = hidden = 0
    stopped = False
    for order in level:
        if order.owner != barred:
            shown += order.lots
            hidden += order.hidden
        elif not passes:
            stopped = True
            break
        if shown >= lots:
            return lots, stopped
    got = shown if stopped else shown + hidden
    return min(got, lots), stopped
