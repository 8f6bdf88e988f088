"""Says what an order would do, and places nothing."""

from dataclasses import replace

import structlog

from services.exchange.domain.assets import Side
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.preview import estimate
from services.exchange.handlers.admit_order import AdmitOrder, Admitted
from services.exchange.handlers.send_order import Outside
from services.exchange.handlers.timing import Budget
from services.exchange.ports import Approved, Books, Denied, RiskUnavailableError
from services.exchange.views import Preview
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import InstrumentName

_log = structlog.get_logger(__name__)


class PreviewOrder:
    """The use case of PreviewOrder: the checks of CreateOrder, and nothing stored or reserved.

    Args:
        outside: what it stands on.
        admission: the checks before an intent exists.
        books: the order books of the market.
    """

    def __init__(self, outside: Outside, admission: AdmitOrder, books: Books) -> None:
        self._outside = outside
        self._admission = admission
        self._books = books

    async def handle(self, intent: OrderIntent, remaining: float) -> Preview:
        """Preview an order. What would be refused is an answer.

        Args:
            intent: what is asked for.
            remaining: seconds until the caller's deadline.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND, VENUE_NOT_FOUND, INSTRUMENT_NOT_FOUND.
        """
        margin = min(self._outside.timing.margin, remaining / 2)
        budget = Budget(remaining, margin)
        desk = self._outside.desks.desk(intent.account, intent.venue)
        try:
            admitted = await self._admission.admit(desk, intent)
        except DomainError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                raise
            return Preview(error.reason, error.message)
        book = await self._books.book(InstrumentName(intent.venue, intent.instrument), budget.within(1.0))
        expected = estimate(intent, admitted.rules, book)
        order = self._order(intent, admitted)
        verdict = await self._ask_risk(order, budget)
        return Preview(
            "" if isinstance(verdict, Approved) else verdict.reason,
            "" if isinstance(verdict, Approved) else verdict.message,
            order.handling,
            expected,
            verdict.needed,
            "" if verdict.needed is None else _set_aside_in(intent.side, admitted.rules),
        )

    def _order(self, intent: OrderIntent, admitted: Admitted) -> Order:
        """The order as it would be committed."""
        order = Order.intended(
            intent,
            admitted.rules.assets,
            self._outside.ids.new(),
            "",
            self._outside.clock.now(),
            handling=admitted.handling,
            contract=admitted.rules.contract,
        )
        return replace(order, quantity=admitted.quantity, trigger=admitted.trigger)

    async def _ask_risk(self, order: Order, budget: Budget) -> Approved | Denied:
        try:
            return await self._outside.risk.preview(order, budget.within(self._outside.timing.risk))
        except RiskUnavailableError as error:
            _log.warning("risk_unavailable", order="preview", detail=str(error))
            return Denied("RISK_UNAVAILABLE", "risk did not decide, so the order would not be sent")


def _set_aside_in(side: Side, rules: InstrumentRules) -> str:
    if rules.contract is not None:
        return rules.contract.settle_asset
    return rules.assets.quote if side is Side.BUY else rules.assets.base
