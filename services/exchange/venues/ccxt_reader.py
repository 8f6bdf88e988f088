"""What a venue behind ccxt says of orders and fills, in our words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from services.exchange.domain.evidence import VenueFill, VenueOrder
from services.exchange.domain.order import Order
from services.exchange.venues import ccxt_convert as convert
from services.exchange.venues.ccxt_convert import Raw
from services.exchange.venues.ccxt_dialects import Dialect
from services.exchange.venues.ccxt_session import Listed, Session, Sessions

_FOREIGN: Final = "venue-"
"""Begin of the id that stands for an order to which its owner gave none."""


class Reader:
    """Reads ccxt's structures, and asks the venue for what is missing in them.

    What it raises is ccxt's, or a ``ValueError`` where a structure cannot be read.

    Args:
        dialect: how the venue speaks.
        sessions: what is traded there.
        says_absent: whether an error is the venue's definite word that there is no such order.
    """

    def __init__(
        self, dialect: Dialect, sessions: Sessions, says_absent: Callable[[Exception], bool]
    ) -> None:
        self._dialect = dialect
        self._sessions = sessions
        self._says_absent = says_absent

    async def found(self, session: Session, listed: Listed, client_order_id: str) -> VenueOrder | None:
        """The order with an id of ours, or the id that stands for a foreign one's; None: there is none."""
        try:
            if client_order_id.startswith(_FOREIGN):
                number = client_order_id.removeprefix(_FOREIGN)
                told = await session.client.fetch_order(number, listed.symbol)
            else:
                told = await self._dialect.find(session.client, listed.symbol, client_order_id)
        except Exception as error:
            if self._says_absent(error):
                return None
            raise
        return None if told is None else self.learned(session, told)

    async def with_fills(self, session: Session, told: VenueOrder) -> VenueOrder:
        """The same order with all its fills, which the venue is asked for."""
        symbol = self._sessions.listed[told.instrument].symbol
        trades = await self._dialect.trades_of(session.client, symbol, told.venue_order_id)
        return replace(told, fills=tuple([await self.fill(session, trade) for trade in trades]))

    async def fill(self, session: Session, trade: Raw) -> VenueFill:
        """A trade; the venue is asked for its order where neither it nor our memory has the id."""
        client_id = self._dialect.client_order_id(trade)
        if not client_id:
            order = session.known.order(str(trade["order"])) or await self.by_venue_id(session, trade)
            client_id = "" if order is None else order.client_order_id
        return convert.fill_of(
            trade, client_id or f"{_FOREIGN}{trade['order']}", by_symbol=self._dialect.trades_by_symbol
        )

    def named(self, trade: Raw, order: Order) -> VenueFill:
        """A trade of an order of ours."""
        return convert.fill_of(trade, order.client_order_id, by_symbol=self._dialect.trades_by_symbol)

    async def by_venue_id(self, session: Session, trade: Raw) -> VenueOrder | None:
        """The order of a trade, by the venue's id; None where the venue says there is none."""
        try:
            told = await session.client.fetch_order(str(trade["order"]), trade["symbol"])
        except Exception as error:
            if self._says_absent(error):
                return None
            raise
        return self.learned(session, told)

    def learned(self, session: Session, told: Raw) -> VenueOrder:
        """An order, kept in the session's memory; raises ValueError where its symbol is not configured."""
        instrument = self.ours(told)
        if instrument is None:
            raise ValueError(f"the venue speaks of {told.get('symbol')!r}, which is not configured")
        contract = self._sessions.listed[instrument].contract
        order = convert.order_of(told, contract)
        if not order.client_order_id:
            order = replace(order, client_order_id=f"{_FOREIGN}{order.venue_order_id}")
        return session.known.learn(order)

    def instrument_named(self, symbol: str) -> str:
        """The configured instrument with a symbol of the venue's own; empty where there is none."""
        found = (name for name, each in self._sessions.listed.items() if each.market["id"] == symbol)
        return next(found, "")

    def ours(self, told: Raw) -> str | None:
        """The configured instrument that a structure speaks of."""
        symbol = told.get("symbol")
        return next((name for name, each in self._sessions.listed.items() if each.symbol == symbol), None)
