"""What orders set aside until they are final.

A claim is what is set aside together: for a single order, or for the orders of a group, of which only
one can be filled. A claim needs what the member needs that needs most. What one member fills, the
others lose. Reports of fills say how much is filled in all, and an end is for good, so that reports
may come twice and in any order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.risk.domain.order import OrderTerms, Side
from services.risk.domain.traded import ONE, ZERO, Traded

Holding = tuple[str, str]
"""Id of a venue, and an asset held there."""

Way = tuple[InstrumentName, Side]
"""An instrument and the side of orders in it."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for one order.

    Attributes:
        order_id: the order.
        account: id of the account.
        traded: what is traded.
        side: buy or sell.
        quantity: of the whole order, in base asset or contracts.
        asset: the asset set aside: quote for a buy, base for a sell, settle for a contract.
        per_unit: how much of it for one unit of quantity.
        group: the group; empty for none.
        joined_at: what the group had filled before this order joined it.
        filled: how much of the order is filled, by all reports so far.
        ended: whether the order is final.
        stop: whether a trigger sets the order off.
    """

    order_id: str
    account: str
    traded: Traded
    side: Side
    quantity: Decimal
    asset: str
    per_unit: Decimal
    group: str = ""
    joined_at: Decimal = ZERO
    filled: Decimal = ZERO
    ended: bool = False
    stop: bool = False

    @property
    def claim(self) -> str:
        """The key of its claim: the group, or the order itself."""
        return self.group or self.order_id

    def learns(self, filled: Decimal, *, ended: bool) -> bool:
        """Whether a report says more than is known."""
        return filled > self.filled or (ended and not self.ended)

    @property
    def wanted(self) -> Decimal:
        """What the whole order needs by itself."""
        return EXACT.multiply(self.quantity, self.per_unit)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a claim takes up.

    Attributes:
        reserved: amount by venue and asset.
        pending: quantity that may still be filled, by instrument and side.
        open_orders: number of orders that are not final.
    """

    reserved: Mapping[Holding, Decimal]
    pending: Mapping[Way, Decimal]
    open_orders: int


NOTHING = Needs({}, {}, 0)
"""What is needed for no order."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The reservations of one order, or of the orders of one group.

    Attributes:
        members: those that count: the ended ones too, while another is open, for what they filled.
    """

    members: tuple[Reservation, ...] = ()

    @property
    def filled(self) -> Decimal:
        """What all members have filled together."""
        members = self.members
        return members[0].filled if len(members) == 1 else total(member.filled for member in members)

    @property
    def over(self) -> bool:
        """Whether every member is final, so that nothing is set aside."""
        members = self.members
        return members[0].ended if len(members) == 1 else all(member.ended for member in members)

    def joined(self, reservation: Reservation) -> "Claim":
        """With one more member; what was filled before does not count against it."""
        if not self.members:
            return Claim((reservation,))
        return Claim((*self.members, replace(reservation, joined_at=self.filled)))

    def reported(self, order_id: str, filled: Decimal, *, ended: bool) -> "Claim":
        """After a report on a member; the same object where it came before, or is older than another."""
        if not any(
            member.learns(filled, ended=ended) for member in self.members if member.order_id == order_id
        ):
            return self
        return Claim(
            tuple(
                replace(member, filled=max(member.filled, filled), ended=member.ended or ended)
                if member.order_id == order_id
                else member
                for member in self.members
            )
        )

    def left(self, member: Reservation) -> Decimal:
        """How much of a member may still be filled."""
        if member.ended:
            return ZERO
        gone = EXACT.subtract(self.filled, member.joined_at)
        return max(ZERO, EXACT.subtract(member.quantity, gone))

    def needs(self) -> Needs:
        """What the claim takes up: of each asset and each way, the most that one member needs."""
        if len(self.members) == 1:
            (only,) = self.members
            left, traded = self.left(only), only.traded
            reserved = {(traded.venue, only.asset): EXACT.multiply(left, only.per_unit)}
            return Needs(reserved, {(traded.instrument, only.side): left}, int(not only.ended))
        return self._greatest_needs()

    def _greatest_needs(self) -> Needs:
        reserved: dict[Holding, Decimal] = {}
        pending: dict[Way, Decimal] = {}
        for member in self.members:
            left = self.left(member)
            held = (member.traded.venue, member.asset)
            way = (member.traded.instrument, member.side)
            reserved[held] = max(reserved.get(held, ZERO), EXACT.multiply(left, member.per_unit))
            pending[way] = max(pending.get(way, ZERO), left)
        return Needs(reserved, pending, sum(not member.ended for member in self.members))


def reserve(
    order_id: str, order: OrderTerms, traded: Traded, *, price: Decimal, fee_rate: Decimal, margin: Decimal
) -> Reservation:
    """What an order sets aside.

    A spot buy sets aside its worst price and the fee, a spot sell the quantity itself. A contract order
    sets aside its margin and the fee; only the fee where it may only make a position smaller.

    Args:
        order_id: the order.
        order: its terms.
        traded: what is traded.
        price: the price that the order counts at, in quote asset; the lowest for an inverse contract,
            whose worth is greatest there.
        fee_rate: highest fee, as a fraction of the notional.
        margin: of a contract, as a fraction of the notional.
    """
    if order.contract is not None:
        share = EXACT.add(ZERO if order.reduce_only else margin, fee_rate)
        per_unit = EXACT.multiply(traded.worth(ONE, price, up=True), share)
    elif order.side is Side.BUY:
        per_unit = EXACT.multiply(price, EXACT.add(ONE, fee_rate))
    else:
        per_unit = ONE
    spot_sell = order.contract is None and order.side is Side.SELL
    return Reservation(
        order_id=order_id,
        account=order.account,
        traded=traded,
        side=order.side,
        quantity=order.quantity,
        asset=traded.base if spot_sell else traded.money,
        per_unit=per_unit,
        group=order.group,
        stop=order.trigger_price is not None,
    )


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    result = ZERO
    for amount in amounts:
        result = EXACT.add(result, amount)
    return result
