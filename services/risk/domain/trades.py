"""Trades: from no position of a strategy in an instrument to no position again."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.risk.domain.traded import ZERO, Traded, divide

DUST = Decimal("0.005")
"""What counts as no position, as a share of the trade's greatest quantity: fees and lots leave remains."""


@dataclass(frozen=True, slots=True)
class TradeFill:
    """What a trade needs to know of a fill.

    Attributes:
        change: quantity, below zero for a sale.
        price: in quote asset.
        fee: in fee asset; below zero is a rebate.
        fee_asset: the asset of the fee.
        time: when, by the venue's clock.
        stop: whether a trigger had set the order off.
    """

    change: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    time: datetime
    stop: bool


@dataclass(frozen=True, slots=True)
class OpenTrade:
    """A trade that goes on.

    Attributes:
        account: id of the account.
        strategy: id of the strategy; empty for none.
        traded: the instrument.
        open_time: when it began.
        quantity: what is held now; below zero is short.
        greatest: the largest absolute quantity so far.
        cash: what its fills brought less what they cost, with fees, in the money of the instrument.
        entry_cost: what the fills that made it greater were worth.
    """

    account: str
    strategy: str
    traded: Traded
    open_time: datetime
    quantity: Decimal = ZERO
    greatest: Decimal = ZERO
    cash: Decimal = ZERO
    entry_cost: Decimal = ZERO

    def filled(self, change: Decimal, held: Decimal, price: Decimal, fee: Decimal) -> "OpenTrade":
        """After a fill, or a part of one.

        Args:
            change: the quantity bought or sold.
            held: what the holding changed by: less where the fee was taken from it.
            price: in quote asset.
            fee: in the money of the instrument.
        """
        worth = self.traded.worth(change, price)
        contract = self.traded.contract
        brought = worth if contract is not None and contract.inverse else EXACT.minus(worth)
        quantity = EXACT.add(self.quantity, held)
        grows = (self.quantity >= ZERO) == (change >= ZERO) or self.quantity == ZERO
        return replace(
            self,
            quantity=quantity,
            greatest=max(self.greatest, quantity.copy_abs()),
            cash=EXACT.subtract(EXACT.add(self.cash, brought), fee),
            entry_cost=EXACT.add(self.entry_cost, worth.copy_abs()) if grows else self.entry_cost,
        )

    @property
    def over(self) -> bool:
        """Whether nothing worth speaking of is held any more."""
        return self.quantity.copy_abs() <= EXACT.multiply(self.greatest, DUST)


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A trade that is over.

    Attributes:
        account: id of the account.
        instrument: full name.
        strategy: id of the strategy; empty for none.
        open_time: when it began.
        close_time: when it ended.
        profit: in the money of the instrument, fees taken off.
        ratio: profit as a fraction of what it cost to enter.
        stopped: whether a stop closed it at a loss.
    """

    account: str
    instrument: str
    strategy: str
    open_time: datetime
    close_time: datetime
    profit: Decimal
    ratio: Decimal
    stopped: bool


def follow_fill(trade: OpenTrade, fill: TradeFill) -> tuple[OpenTrade | None, ClosedTrade | None]:
    """The trade after a fill, and the one that the fill closed.

    A fill that turns the position closes one trade and opens another; its fee belongs to the first.

    Returns:
        The trade that goes on, or None; the closed one, or None.
    """
    in_base = trade.traded.contract is None and fill.fee_asset == trade.traded.base
    fee = fill.fee if fill.fee_asset == trade.traded.money else ZERO
    held = EXACT.subtract(fill.change, fill.fee) if in_base else fill.change
    if not _turns(trade.quantity, held):
        after = trade.filled(fill.change, held, fill.price, fee)
        return (None, _closed(after, fill)) if after.over else (after, None)
    part = EXACT.minus(trade.quantity)
    closed = _closed(trade.filled(part, part, fill.price, fee), fill)
    rest = EXACT.subtract(held, part)
    begun = OpenTrade(trade.account, trade.strategy, trade.traded, fill.time)
    return begun.filled(rest, rest, fill.price, ZERO), closed


def _turns(before: Decimal, change: Decimal) -> bool:
    """Whether a fill closes a position and opens one of the other side."""
    after = EXACT.add(before, change)
    return ZERO not in (before, after) and (before > ZERO) != (after > ZERO)


def _closed(trade: OpenTrade, fill: TradeFill) -> ClosedTrade:
    # What remains is worth what the last fill paid for it.
    remains = trade.traded.worth(trade.quantity, fill.price)
    contract = trade.traded.contract
    if contract is not None and contract.inverse:
        remains = EXACT.minus(remains)
    profit = EXACT.add(trade.cash, remains)
    return ClosedTrade(
        account=trade.account,
        instrument=str(trade.traded.instrument),
        strategy=trade.strategy,
        open_time=trade.open_time,
        close_time=fill.time,
        profit=profit,
        ratio=divide(profit, trade.entry_cost) if trade.entry_cost > ZERO else ZERO,
        stopped=fill.stop and profit < ZERO,
    )
