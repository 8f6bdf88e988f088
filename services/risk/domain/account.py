"""What an account holds and what its pending orders may still do."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.risk.domain.order import Side
from services.risk.domain.reservation import NOTHING, Claim, Holding, Needs, Reservation, Way
from services.risk.domain.traded import ZERO, Traded

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Position:
    """What an account has traded of an instrument.

    Attributes:
        traded: the instrument.
        quantity: in base asset or contracts; below zero is short.
        cost: sum of the worth of all fills with their sign, in the money of the instrument. What the
            position has gained since ever, realised or not, is its worth now less this (the other way
            round for an inverse contract).
    """

    traded: Traded
    quantity: Decimal = ZERO
    cost: Decimal = ZERO

    def traded_more(self, change: Decimal, price: Decimal) -> "Position":
        """After a fill; the change is below zero for a sale."""
        return Position(
            self.traded,
            EXACT.add(self.quantity, change),
            EXACT.add(self.cost, self.traded.worth(change, price)),
        )

    def gain(self, price: Decimal) -> Decimal:
        """What it has gained at this price, in the money of the instrument, before fees and funding."""
        worth = self.traded.worth(self.quantity, price)
        contract = self.traded.contract
        if contract is not None and contract.inverse:
            return EXACT.subtract(self.cost, worth)
        return EXACT.subtract(worth, self.cost)


@dataclass(frozen=True, slots=True)
class AccountState:
    """What risk knows of an account at one moment. Every change makes a new one.

    Attributes:
        holdings: quantity by venue and asset, by all fills and transfers seen. Contracts move only
            fees and transfers here; what they gained is in their positions.
        positions: by instrument, by all fills seen.
        claims: what is set aside, by key of the claim.
        claim_of: the claim of each order that is part of one.
        reserved: sum of the claims by venue and asset.
        pending: sum of the claims by instrument and side.
        open_orders: number of orders that are not final.
    """

    holdings: Mapping[Holding, Decimal] = field(default_factory=dict)
    positions: Mapping[InstrumentName, Position] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    claim_of: Mapping[str, str] = field(default_factory=dict)
    reserved: Mapping[Holding, Decimal] = field(default_factory=dict)
    pending: Mapping[Way, Decimal] = field(default_factory=dict)
    open_orders: int = 0

    @classmethod
    def of(
        cls,
        holdings: Mapping[Holding, Decimal],
        positions: Iterable[Position],
        reservations: Iterable[Reservation],
    ) -> "AccountState":
        """Sum up what is stored."""
        members: dict[str, tuple[Reservation, ...]] = {}
        for reservation in reservations:
            members[reservation.claim] = (*members.get(reservation.claim, ()), reservation)
        claims = {key: Claim(together) for key, together in members.items()}
        needs = needs_of(claims.values())
        return cls(
            holdings=holdings,
            positions={each.traded.instrument: each for each in positions},
            claims=claims,
            claim_of={each.order_id: key for key, claim in claims.items() for each in claim.members},
            reserved={held: amount for held, amount in needs.reserved.items() if amount != ZERO},
            pending={way: quantity for way, quantity in needs.pending.items() if quantity != ZERO},
            open_orders=needs.open_orders,
        )

    def reservation(self, order_id: str) -> Reservation | None:
        """What is set aside for an order, or counts in its group."""
        key = self.claim_of.get(order_id)
        if key is None:
            return None
        return next(each for each in self.claims[key].members if each.order_id == order_id)

    def reserve(self, reservation: Reservation) -> "AccountState":
        """With one more order."""
        return self._claimed(
            reservation.claim, self.claims.get(reservation.claim, Claim()).joined(reservation)
        )

    def reported(self, order_id: str, filled: Decimal, *, ended: bool) -> "AccountState":
        """After a report on an order; the same object where the report is no news."""
        key = self.claim_of.get(order_id)
        if key is None:
            return self
        claim = self.claims[key].reported(order_id, filled, ended=ended)
        return self if claim is self.claims[key] else self._claimed(key, claim)

    def held(self, venue: str, asset: str, change: Decimal) -> "AccountState":
        """After a holding changed."""
        return self.moved({(venue, asset): change})

    def moved(self, changes: Mapping[Holding, Decimal]) -> "AccountState":
        """After several holdings changed."""
        holdings = dict(self.holdings)
        for key, change in changes.items():
            holdings[key] = EXACT.add(holdings.get(key, ZERO), change)
        return replace(self, holdings=holdings)

    def traded(self, traded: Traded, change: Decimal, price: Decimal) -> "AccountState":
        """After a fill; the change is below zero for a sale."""
        before = self.positions.get(traded.instrument)
        known = Position(traded) if before is None else Position(traded, before.quantity, before.cost)
        after = known.traded_more(change, price)
        return replace(self, positions={**self.positions, traded.instrument: after})

    def free(self, venue: str, asset: str) -> Decimal:
        """What no order has set aside."""
        key = (venue, asset)
        return EXACT.subtract(self.holdings.get(key, ZERO), self.reserved.get(key, ZERO))

    def quantity(self, instrument: InstrumentName) -> Decimal:
        """The position in an instrument."""
        position = self.positions.get(instrument)
        return ZERO if position is None else position.quantity

    def with_pending(self, instrument: InstrumentName, side: Side) -> Decimal:
        """The position if all pending orders of one side filled."""
        quantity, pending = self.quantity(instrument), self.pending.get((instrument, side), ZERO)
        return EXACT.add(quantity, pending) if side is Side.BUY else EXACT.subtract(quantity, pending)

    def greatest(self, instrument: InstrumentName) -> Decimal:
        """The largest absolute position that could come about if one side's pending orders filled."""
        bought, sold = self.with_pending(instrument, Side.BUY), self.with_pending(instrument, Side.SELL)
        return max(bought.copy_abs(), sold.copy_abs())

    def reducible(self, traded: Traded, side: Side) -> Decimal:
        """How much orders of a side can sell or buy until nothing is left to reduce.

        Of spot that is what is held of the base asset, or owed of it. Of a contract it is the position.
        """
        if traded.contract is None:
            held = self.holdings.get((traded.venue, traded.base), ZERO)
        else:
            held = self.quantity(traded.instrument)
        return max(ZERO, held if side is Side.SELL else EXACT.minus(held))

    def instruments(self) -> set[InstrumentName]:
        """Instruments with a position or a pending order."""
        held = {name for name, position in self.positions.items() if position.quantity != ZERO}
        return held | {name for name, _ in self.pending}

    def money(self) -> set[Holding]:
        """The assets that positions and pending orders are worth something in, with their venue."""
        traded = (self.traded_of(instrument) for instrument in self.instruments())
        return {(each.venue, each.money) for each in traded if each is not None}

    def assets(self) -> set[Holding]:
        """What is held, and what contracts gained in."""
        held = {key for key, quantity in self.holdings.items() if quantity != ZERO}
        settled = {
            (each.traded.venue, each.traded.money)
            for each in self.positions.values()
            if each.traded.contract is not None
        }
        return held | settled

    def traded_of(self, instrument: InstrumentName) -> Traded | None:
        """What an instrument's quantities mean; None where the account never had to do with it."""
        position = self.positions.get(instrument)
        if position is not None:
            return position.traded
        members = (each for claim in self.claims.values() for each in claim.members)
        return next((each.traded for each in members if each.traded.instrument == instrument), None)

    def _claimed(self, key: str, claim: Claim) -> "AccountState":
        """With another claim under this key."""
        before = self.claims.get(key)
        old = NOTHING if before is None else before.needs()
        new = NOTHING if claim.over else claim.needs()
        claims, claim_of = dict(self.claims), dict(self.claim_of)
        if claim.over:
            claims.pop(key, None)
            for member in claim.members:
                claim_of.pop(member.order_id, None)
        else:
            claims[key] = claim
            claim_of.update((member.order_id, key) for member in claim.members)
        return AccountState(
            self.holdings,
            self.positions,
            claims,
            claim_of,
            _moved(self.reserved, old.reserved, new.reserved),
            _moved(self.pending, old.pending, new.pending),
            self.open_orders - old.open_orders + new.open_orders,
        )

    def members(self) -> Iterator[Reservation]:
        """All reservations, of orders that ended beside an open one of their group too."""
        for claim in self.claims.values():
            yield from claim.members


def needs_of(claims: Iterable[Claim]) -> Needs:
    """The sum of what claims take up, from the beginning."""
    reserved: dict[Holding, Decimal] = {}
    pending: dict[Way, Decimal] = {}
    open_orders = 0
    for claim in claims:
        needs = claim.needs()
        for held, amount in needs.reserved.items():
            reserved[held] = EXACT.add(reserved.get(held, ZERO), amount)
        for way, quantity in needs.pending.items():
            pending[way] = EXACT.add(pending.get(way, ZERO), quantity)
        open_orders += needs.open_orders
    return Needs(reserved, pending, open_orders)


def _moved(
    sums: Mapping[Key, Decimal], old: Mapping[Key, Decimal], new: Mapping[Key, Decimal]
) -> dict[Key, Decimal]:
    """Sums after one claim changed; what came to zero is left out."""
    after = dict(sums)
    for key in {*old, *new}:
        change = EXACT.subtract(new.get(key, ZERO), old.get(key, ZERO))
        amount = EXACT.add(after.get(key, ZERO), change)
        if amount == ZERO:
            after.pop(key, None)
        else:
            after[key] = amount
    return after
