"""Use cases: decide on orders, keep limits, halt and resume, show exposure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import AccountName, InstrumentName
from services.risk.domain.account import AccountState, Reservation, reserve
from services.risk.domain.checks import Question, run
from services.risk.domain.limits import Limits, TradingMode, TradingState
from services.risk.domain.order import Assets, OrderTerms, Quote, worst_price
from services.risk.ports import (
    Decision,
    ExchangeEvents,
    LimitsChange,
    Market,
    RiskReader,
    RiskStore,
    RiskWriter,
    StoredDecision,
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the market says around an order. Without the assets it has no quotes either."""

    assets: Assets | None
    quotes: Mapping[InstrumentName, Quote]


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """What an account has at stake.

    Attributes:
        state: holdings, positions and reservations.
        trading: the mode.
        quotes: best prices of each of its instruments that has them now.
    """

    state: AccountState
    trading: TradingState
    quotes: Mapping[InstrumentName, Quote]


@dataclass(frozen=True, slots=True)
class OrderChecks:
    """Decides on orders.

    Attributes:
        store: what risk knows.
        market: prices and instruments.
        events: how far the exchange's events have been applied.
        clock: the time.
        fee_rate: highest fee rate of a venue; a buy reserves its fee, too.
    """

    store: RiskStore
    market: Market
    events: ExchangeEvents
    clock: Clock
    fee_rate: Decimal

    async def check(self, order_id: str, order: OrderTerms) -> Decision:
        """Decide on an order and reserve for it. The same order gets the same decision again.

        Raises:
            DomainError: EVENTS_BEHIND, ACCOUNT_NOT_FOUND, INSTRUMENT_NOT_FOUND, ORDER_ID_REUSED where
                the id was decided on with other terms, or ORDER_ENDED where the exchange gave the order
                up meanwhile.
        """
        async with self.store.read() as reader:
            stored = await reader.decision(order_id)
        if stored is not None:
            return _again(order_id, order, stored)
        view = await self._look(order)
        async with self.store.write() as writer:
            # A repeat of this call may have been faster.
            stored = await writer.decision(order_id)
            if stored is not None:
                return _again(order_id, order, stored)
            if await writer.has_ended(order_id):
                raise _order_ended(order_id)
            decision = await self._decide(order_id, order, writer, view)
            await writer.put_decision(order_id, StoredDecision(order, decision))
        _report(order_id, order, decision)
        return decision

    async def preview(self, order: OrderTerms) -> Decision:
        """Say what would be decided; reserve and store nothing.

        Raises:
            DomainError: as :meth:`check`.
        """
        view = await self._look(order)
        async with self.store.read() as reader:
            decision = await self._decide("", order, reader, view)
        return replace(decision, reservation=None)

    async def _look(self, order: OrderTerms) -> MarketView:
        """Ask the market, outside of any transaction."""
        if not self.events.ready():
            raise DomainError(
                "EVENTS_BEHIND",
                "the exchange's events have not been read to their end yet",
                kind=ErrorKind.UNAVAILABLE,
            )
        async with self.store.read() as reader:
            await require_limits(reader, order.account)
            state = await reader.state(order.account)
        assets = await self.market.assets(order.instrument)
        if assets is None:
            return MarketView(None, {})
        return MarketView(assets, await self.market.quotes(state.instruments() | {order.instrument}))

    async def _decide(
        self, order_id: str, order: OrderTerms, reader: RiskReader, view: MarketView
    ) -> Decision:
        limits = await require_limits(reader, order.account)
        question = Question(
            order=order,
            reservation=self._reservation(order_id, order, limits, view),
            limits=limits,
            trading=await require_trading(reader, order.account),
            state=await reader.state(order.account),
            quotes=view.quotes,
        )
        checks = run(question)
        approved = all(check.passed for check in checks)
        return Decision(
            checks=checks,
            reservation=question.reservation if approved else None,
            limits_version=limits.version,
            decide_time=self.clock.now(),
        )

    def _reservation(
        self, order_id: str, order: OrderTerms, limits: Limits, view: MarketView
    ) -> Reservation | None:
        quote = view.quotes.get(order.instrument)
        if view.assets is None or quote is None:
            return None
        price = worst_price(order, quote, limits.price_collar)
        return reserve(order_id, order, view.assets, price=price, fee_rate=self.fee_rate)


async def update_limits(
    writer: RiskWriter, account: AccountName, change: LimitsChange, clock: Clock
) -> Limits:
    """Change the named limits of an account.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    before = await require_limits(writer, account.account)
    after = replace(before, **change, version=before.version + 1, update_time=clock.now())
    await writer.put_limits(account.account, after)
    _log.info("limits_changed", account=str(account), version=after.version, fields=sorted(change))
    return after


async def set_mode(
    writer: RiskWriter, account: AccountName, mode: TradingMode, reason: str, clock: Clock
) -> TradingState:
    """Halt an account, or let it trade again. The mode it has already stays, with its reason.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    before = await require_trading(writer, account.account)
    if before.mode is mode:
        return before
    after = TradingState(mode, reason, clock.now())
    await writer.put_trading(account.account, after)
    _log.warning("trading_mode_changed", account=str(account), mode=mode.value, reason=reason)
    return after


async def exposure(store: RiskStore, market: Market, account: AccountName) -> ExposureReport:
    """What an account has at stake.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND.
    """
    async with store.read() as reader:
        trading = await require_trading(reader, account.account)
        state = await reader.state(account.account)
    return ExposureReport(state, trading, await market.quotes(state.instruments()))


async def require_limits(reader: RiskReader, account: str) -> Limits:
    """The limits of an account, or ACCOUNT_NOT_FOUND."""
    limits = await reader.limits(account)
    if limits is None:
        raise AccountName(account).not_found(f"risk has no limits for accounts/{account}")
    return limits


async def require_trading(reader: RiskReader, account: str) -> TradingState:
    """The mode of an account, or ACCOUNT_NOT_FOUND."""
    trading = await reader.trading(account)
    if trading is None:
        raise AccountName(account).not_found(f"risk has no limits for accounts/{account}")
    return trading


def _again(order_id: str, order: OrderTerms, stored: StoredDecision) -> Decision:
    if stored.order != order:
        raise DomainError(
            "ORDER_ID_REUSED",
            f"order {order_id} was checked before with other terms",
            kind=ErrorKind.ALREADY_EXISTS,
            metadata={"orderId": order_id},
        )
    return stored.decision


def _order_ended(order_id: str) -> DomainError:
    return DomainError(
        "ORDER_ENDED",
        f"order {order_id} is final at the exchange, so nothing is reserved for it",
        kind=ErrorKind.PRECONDITION,
        metadata={"orderId": order_id},
    )


def _report(order_id: str, order: OrderTerms, decision: Decision) -> None:
    last = decision.checks[-1]
    _log.info(
        "order_approved" if decision.approved else "order_denied",
        order_id=order_id,
        instrument=str(order.instrument),
        side=order.side.name,
        check=last.kind.name,
        observed=last.observed,
        allowed=last.allowed,
    )
