"""The books beside what the venues say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName

ZERO = Decimal(0)

BalanceKey = tuple[str, str]
"""Venue and asset."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One quantity, by both.

    Attributes:
        ledger: what the ledger says.
        venue: what the venue says; zero where it says nothing.
    """

    ledger: Decimal
    venue: Decimal

    @property
    def difference(self) -> Decimal:
        """Ledger less venue."""
        return EXACT.subtract(self.ledger, self.venue)


@dataclass(frozen=True, slots=True)
class VenueSays:
    """What the venues of an account say it has.

    Attributes:
        balances: free and locked together, by venue and asset.
        positions: contracts of perpetuals, below zero for short.
    """

    balances: Mapping[BalanceKey, Decimal]
    positions: Mapping[InstrumentName, Decimal]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Every quantity that either side has.

    Attributes:
        balances: by venue and asset.
        positions: by perpetual.
    """

    balances: Sequence[tuple[BalanceKey, Compared]]
    positions: Sequence[tuple[InstrumentName, Compared]]

    @property
    def matching(self) -> bool:
        """Whether there is no difference."""
        every = [*(compared for _, compared in self.balances), *(compared for _, compared in self.positions)]
        return all(compared.difference == ZERO for compared in every)


def reconcile(
    balances: Mapping[BalanceKey, Decimal], positions: Mapping[InstrumentName, Decimal], said: VenueSays
) -> Reconciliation:
    """Compare the books with the venues.

    Args:
        balances: what the ledger holds, by venue and asset.
        positions: contracts by the ledger's memorandum accounts.
        said: what the venues say.
    """
    return Reconciliation(
        balances=[
            (key, Compared(balances.get(key, ZERO), said.balances.get(key, ZERO)))
            for key in sorted(balances.keys() | said.balances.keys())
        ],
        positions=[
            (name, Compared(positions.get(name, ZERO), said.positions.get(name, ZERO)))
            for name in sorted(positions.keys() | said.positions.keys(), key=str)
        ],
    )
