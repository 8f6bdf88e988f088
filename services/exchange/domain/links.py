"""What an order is to other orders."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID


class Contingency(StrEnum):
    """What the orders of a list are to each other. The contract's comments say what each means."""

    NONE = "NONE"
    OCO = "OCO"
    OTO = "OTO"
    BRACKET = "BRACKET"


@dataclass(frozen=True, slots=True)
class Links:
    """Ids of the orders that this one has to do with, all in its own account.

    Attributes:
        order_list: id of the list it was created in.
        contingency: what the orders of that list are to each other.
        parent: the order whose fills release this one.
        linked: the other leg: what one fills, the other loses.
        replaces: the order this one takes the place of.
        replaced_by: the order that took this one's place.
        group: orders of which only one can be filled share it, which is what risk sets aside for; None
            for an order alone.
        total: how much the order is to fill together with the other leg, or with the one it replaces;
            None where its own quantity, or its parent's fills, say it.
    """

    order_list: UUID | None = None
    contingency: Contingency = Contingency.NONE
    parent: UUID | None = None
    linked: UUID | None = None
    replaces: UUID | None = None
    replaced_by: UUID | None = None
    group: UUID | None = None
    total: Decimal | None = None


NO_LINKS: Final = Links()
"""Of an order that stands alone."""
