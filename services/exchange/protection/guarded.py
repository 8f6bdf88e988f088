"""A venue behind its protection: the same port, around any adapter."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar

from services.exchange.domain.breaker import BreakerRules
from services.exchange.domain.budgets import Budget, CallKind
from services.exchange.domain.capabilities import Capabilities
from services.exchange.domain.errors import live_trading_off, venue_rate_limited, venue_unavailable
from services.exchange.domain.evidence import VenueOrder
from services.exchange.domain.fills import Balance
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition
from services.exchange.ports.protection import DeclaresBudgets, RateLedger, Reporting
from services.exchange.ports.venues import (
    CancelOutcome,
    FillPage,
    NotSent,
    PlaceOutcome,
    TransferPage,
    Uncertain,
    Venue,
    VenueEvent,
    VenueHistoryLostError,
    VenueThrottledError,
    VenueUnreachableError,
)
from services.exchange.protection.gate import Gate, Refusal
from services.exchange.protection.health import Health
from services.exchange.protection.limiter import Limiter
from services.exchange.views import Contact, VenueCondition
from services.kernel.clock import Clock

T = TypeVar("T")
_RATE_LIMITED: Final = "VENUE_RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class Protection:
    """The settings of one venue's protection.

    Attributes:
        budgets: its rate limits; None: what the adapter declares, else none.
        breaker: when its breaker opens.
        sandbox: whether it is a venue's sandbox, where no real money moves.
        live: whether orders may leave for it although real money moves there.
    """

    budgets: Sequence[Budget] | None = None
    breaker: BreakerRules = field(default_factory=BreakerRules)
    sandbox: bool = False
    live: bool = False


class GuardedVenue:
    """``ports.ProtectedVenue`` around an adapter.

    Args:
        adapter: what speaks to the venue.
        protection: the settings.
        ledger: the count that all instances share.
        clock: our clock.
    """

    def __init__(self, adapter: Venue, protection: Protection, ledger: RateLedger, clock: Clock) -> None:
        self._adapter = adapter
        self._protection = protection
        self._clock = clock
        budgets = protection.budgets
        if budgets is None:
            budgets = adapter.rate_budgets() if isinstance(adapter, DeclaresBudgets) else ()
        self._limiter = Limiter(adapter.venue_id, budgets, ledger, clock)
        self._health = Health(adapter.venue_id, protection.breaker, clock)
        self._gate = Gate(adapter.venue_id, self._limiter, self._health, ledger, clock)
        if isinstance(adapter, Reporting):
            adapter.report_to(self)

    @property
    def venue_id(self) -> str:
        """Id of the venue."""
        return self._adapter.venue_id

    @property
    def simulated(self) -> bool:
        """Whether no real money moves there."""
        return self._adapter.simulated

    @property
    def capabilities(self) -> Capabilities:
        """What it does with each order kind."""
        return self._adapter.capabilities

    def used(self, budget: str, amount: int) -> None:
        """``ports.VenueReports``: the venue's own count of a budget."""
        self._limiter.told(budget, amount)

    def asked_to_wait(self, seconds: float, *, banned: bool) -> None:
        """``ports.VenueReports``: the venue asked for a pause."""
        self._gate.ask_to_wait(seconds, banned=banned)

    def condition(self) -> VenueCondition:
        """How it stands now."""
        contact, retry_after, message = self._standing()
        return VenueCondition(
            contact,
            None if retry_after is None else self._clock.now() + timedelta(seconds=retry_after),
            message,
            self._limiter.uses(),
            self._live,
            self._health.last_contact,
            self._health.latency,
        )

    async def admit_order(self) -> None:
        """Make sure that an order may leave now.

        Raises:
            DomainError: LIVE_TRADING_OFF, VENUE_RATE_LIMITED or VENUE_UNAVAILABLE.
        """
        if self._switched_off:
            raise live_trading_off(self.venue_id)
        refusal = await self._gate.order(spend=False)
        if refusal is None:
            return
        self._health.not_made(CallKind.PLACE)
        if refusal.reason == _RATE_LIMITED:
            raise venue_rate_limited(self.venue_id, refusal.message, refusal.retry_after)
        raise venue_unavailable(self.venue_id, refusal.message, refusal.retry_after)

    async def place(self, order: Order, within: float) -> PlaceOutcome:
        """Send an order, unless something speaks against it: then it surely was not sent."""
        if self._switched_off:
            return NotSent("live trading is off", reason="LIVE_TRADING_OFF")
        refusal = await self._gate.order(spend=True)
        if refusal is not None:
            self._health.not_made(CallKind.PLACE)
            return NotSent(refusal.message, reason=refusal.reason)
        outcome = await self._sent(CallKind.PLACE, lambda: self._adapter.place(order, within))
        if isinstance(outcome, NotSent) and self._gate.paused() is not None:
            # The venue's 429 came as the answer to this very order.
            return NotSent(outcome.message, reason=_RATE_LIMITED, told=True)
        return outcome

    async def cancel(self, order: Order, within: float) -> CancelOutcome:
        """Take an order out of the book. It is tried whatever the breaker says."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        refusal = await self._gate.cancel(within)
        if refusal is not None:
            self._health.not_made(CallKind.CANCEL)
            return NotSent(refusal.message, reason=refusal.reason)
        left = max(end - loop.time(), within / 2)
        return await self._sent(CallKind.CANCEL, lambda: self._adapter.cancel(order, left))

    async def find(self, account: str, client_order_id: str) -> VenueOrder | None:
        """The order with all its fills; None is the venue's definite word that it has none so far."""
        return await self._ask(CallKind.FIND, lambda: self._adapter.find(account, client_order_id))

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """All orders in the venue's book, perhaps without their fills."""
        return await self._ask(CallKind.OPEN_ORDERS, lambda: self._adapter.open_orders(account))

    async def fills_after(self, account: str, cursor: str) -> FillPage:
        """Fills of the account after a cursor; the empty cursor begins with the first."""
        return await self._ask(CallKind.FILLS, lambda: self._adapter.fills_after(account, cursor))

    async def transfers_after(self, account: str, cursor: str) -> TransferPage:
        """Transfers of the account after a cursor; the empty cursor begins with the first."""
        return await self._ask(CallKind.TRANSFERS, lambda: self._adapter.transfers_after(account, cursor))

    async def verify(self, account: str, cursor: str) -> None:
        """Make sure that this is the venue that gave a cursor of ``events``, or a later one."""
        await self._ask(CallKind.VERIFY, lambda: self._adapter.verify(account, cursor))

    async def balances(self, account: str) -> Sequence[Balance]:
        """What the account holds now."""
        return await self._ask(CallKind.BALANCES, lambda: self._adapter.balances(account))

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """The contracts that the account holds now; none where the venue has only balances."""
        return await self._ask(CallKind.POSITIONS, lambda: self._adapter.positions(account))

    async def instruments(self) -> Sequence[InstrumentRules]:
        """What can be traded, and the rules."""
        return await self._ask(CallKind.INSTRUMENTS, self._adapter.instruments)

    async def events(self, account: str, cursor: str) -> AsyncIterator[VenueEvent]:
        """Everything that happens in an account after a cursor, in order.

        A stream that stands or breaks says nothing of the venue's other door, so the breaker does not
        hear of it.
        """
        refusal = await self._gate.question(CallKind.STREAM)
        if refusal is not None:
            raise VenueThrottledError(refusal.message, refusal.retry_after)
        async with aclosing(self._adapter.events(account, cursor)) as events:  # type: ignore[type-var]
            async for event in events:
                self._health.heard()
                yield event

    @property
    def _live(self) -> bool:
        return not self.simulated and not self._protection.sandbox and self._protection.live

    @property
    def _switched_off(self) -> bool:
        return not self.simulated and not self._protection.sandbox and not self._protection.live

    def _standing(self) -> tuple[Contact, float | None, str]:
        if not self._health.breaker.closed:
            failures = self._health.breaker.failures
            return (
                Contact.TRIPPED,
                self._health.seconds_to_probe(),
                f"{failures} calls in a row had no answer",
            )
        refusal = self._gate.paused()
        if refusal is not None:
            return Contact.THROTTLED, refusal.retry_after, refusal.message
        budget, wait = self._limiter.exhausted()
        if wait:
            return Contact.THROTTLED, wait, f"its rate limit {budget!r} is used up but for the reserve"
        return Contact.UNSPECIFIED, None, ""

    async def _ask(self, kind: CallKind, call: Callable[[], Awaitable[T]]) -> T:
        """Ask a question, or try with it whether the venue answers again."""
        probe = False
        if not self._health.breaker.closed:
            probe = self._health.begin_probe()
            if not probe:
                self._health.not_made(kind)
                raise VenueUnreachableError("the circuit breaker is open", self._health.seconds_to_probe())
        try:
            return await self._asked(kind, call, probe=probe)
        finally:
            if probe:
                self._health.end_probe()
            await self._gate.share()

    async def _asked(self, kind: CallKind, call: Callable[[], Awaitable[T]], *, probe: bool) -> T:
        refusal = await self._gate.question(kind)
        if refusal is not None:
            self._health.not_made(kind)
            raise VenueThrottledError(refusal.message, refusal.retry_after)
        begun = asyncio.get_running_loop().time()
        try:
            answer = await call()
        except VenueThrottledError:
            self._health.answered(kind, asyncio.get_running_loop().time() - begun)
            raise
        except VenueUnreachableError as error:
            self._failed(kind, str(error), begun, probe=probe)
            raise self._with_pause(error) from error
        except VenueHistoryLostError:
            self._health.answered(kind, asyncio.get_running_loop().time() - begun)
            raise
        self._health.answered(kind, asyncio.get_running_loop().time() - begun)
        return answer

    async def _sent(self, kind: CallKind, call: Callable[[], Awaitable[T]]) -> T:
        """Send an order or a cancel, and hear from its outcome whether the venue answers."""
        begun = asyncio.get_running_loop().time()
        try:
            outcome = await call()
        finally:
            await self._gate.share()
        silent = isinstance(outcome, Uncertain) or (isinstance(outcome, NotSent) and not outcome.told)
        if silent:
            self._failed(kind, getattr(outcome, "message", ""), begun, probe=False)
        else:
            self._health.answered(kind, asyncio.get_running_loop().time() - begun)
        return outcome

    def _failed(self, kind: CallKind, detail: str, begun: float, *, probe: bool) -> None:
        if self._gate.paused() is not None:
            # 429 is an answer, whatever the adapter calls it.
            self._health.answered(kind, asyncio.get_running_loop().time() - begun)
            return
        self._health.failed(kind, detail, probe=probe)

    def _with_pause(self, error: VenueUnreachableError) -> VenueUnreachableError:
        refusal: Refusal | None = self._gate.paused()
        if refusal is None:
            return error
        return VenueThrottledError(str(error), refusal.retry_after)
