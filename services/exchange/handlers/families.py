"""Which orders are looked at together."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.exchange.domain.order import Order
from services.exchange.ports import Queries


@dataclass(frozen=True, slots=True)
class Family:
    """Orders that are looked at together.

    Attributes:
        account: id of the account.
        order_list: id of their list; None for an order alone and the one it replaces.
        order_id: the one that replaces; None for a list.
    """

    account: str
    order_list: UUID | None = None
    order_id: UUID | None = None


def families_of(order: Order) -> list[Family]:
    """All that a change of an order may concern; nothing for an order alone."""
    links = order.links
    if links.order_list is not None:
        return [Family(order.account, order_list=links.order_list)]
    replacing = [order.order_id] if links.replaces is not None else []
    if links.replaced_by is not None:
        replacing.append(links.replaced_by)
    return [Family(order.account, order_id=each) for each in replacing]


async def orders_of(queries: Queries, family: Family) -> Sequence[Order]:
    """The orders of a family, oldest first."""
    if family.order_list is not None:
        return await queries.list_orders(family.order_list)
    new = None if family.order_id is None else await queries.order(family.order_id)
    if new is None or new.links.replaces is None:
        return []
    old = await queries.order(new.links.replaces)
    return [new] if old is None else [old, new]


def related_family(order: Order) -> Family:
    """The family in which an order waits for others: its list, or itself with the one it replaces."""
    if order.links.order_list is not None:
        return Family(order.account, order_list=order.links.order_list)
    return Family(order.account, order_id=order.order_id)
