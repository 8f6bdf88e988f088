"""Follows the prices of one instrument for the orders that wait for them."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from services.exchange.domain.order import Order
from services.exchange.domain.triggers import Quote, TriggerStatus, observe, source_of
from services.exchange.handlers.departures import Departures
from services.exchange.handlers.held_orders import HeldOrders
from services.exchange.handlers.loops import backoff
from services.exchange.handlers.send_order import Outside
from services.exchange.metrics import HELD, LOSSES, SILENCE
from services.exchange.ports import Prices, PricesLostError
from services.kernel.names import InstrumentName

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Watched:
    order: Order
    status: TriggerStatus

    @property
    def unsaved(self) -> bool:
        """Whether the trigger stands otherwise than the store says."""
        return self.status != self.order.trigger


class InstrumentWatch:
    """One subscription, and the held orders of one instrument.

    Args:
        instrument: which.
        outside: what it stands on.
        prices: of the market.
        held: the steps of held orders.
        departures: takes the orders whose triggers have gone off.
    """

    def __init__(
        self,
        instrument: InstrumentName,
        outside: Outside,
        prices: Prices,
        held: HeldOrders,
        departures: Departures,
    ) -> None:
        self.instrument = instrument
        self._outside = outside
        self._prices = prices
        self._held = held
        self._departures = departures
        self._watched: dict[UUID, _Watched] = {}
        self._quote = Quote()
        self._heard = self._saved = asyncio.get_running_loop().time()
        self._silent = False
        self._failures = 0
        self._following = asyncio.create_task(self._follow())

    def hold(self, orders: Sequence[Order]) -> None:
        """Watch these orders and no others. What is known of the market counts for new ones at once."""
        fresh: dict[UUID, _Watched] = {}
        for order in orders:
            if order.trigger is None or order.order_id in self._departures:
                continue
            known = self._watched.get(order.order_id)
            ahead = known is not None and known.unsaved and not order.trigger.gone_off
            status = known.status if known is not None and ahead else order.trigger
            fresh[order.order_id] = _Watched(order, status)
        self._watched = fresh
        HELD.labels(str(self.instrument)).set(len(fresh))
        self._look(self._quote)

    async def save(self, *, at_once: bool = False) -> None:
        """Commit the triggers that have moved since the last time, unless that was a moment ago.

        Raises:
            DomainError: WRITER_FENCED, or the database cannot be used.
        """
        now = asyncio.get_running_loop().time()
        if not at_once and now < self._saved + self._outside.timing.ratchet:
            return
        self._saved = now
        for watched in [each for each in self._watched.values() if each.unsaved]:
            watched.order = await self._held.note(watched.order, watched.status)

    def report_silence(self) -> None:
        """Measure how long there was no price, and say it once where that is long."""
        silence = asyncio.get_running_loop().time() - self._heard
        SILENCE.labels(str(self.instrument)).set(silence)
        if silence > self._outside.timing.price_silence and not self._silent:
            self._silent = True
            _log.warning("prices_silent", instrument=str(self.instrument), held=len(self._watched))

    async def close(self) -> None:
        """End the subscription."""
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        for gauge in (HELD, SILENCE):
            with suppress(KeyError):
                gauge.remove(str(self.instrument))

    async def _follow(self) -> None:
        while True:
            try:
                async with aclosing(self._prices.watch(self.instrument)) as quotes:
                    async for quote in quotes:
                        self._hear()
                        self._look(quote)
            except PricesLostError as error:
                if not self._failures:
                    _log.warning("prices_lost", instrument=str(self.instrument), error=str(error))
            except Exception:  # noqa: BLE001 - the watch goes on, whatever it was
                _log.exception("price_watch_failed", instrument=str(self.instrument))
            # What was known grows old: no new order is compared with it.
            self._quote = Quote()
            self._failures += 1
            LOSSES.labels(str(self.instrument)).inc()
            await asyncio.sleep(backoff(self._failures))

    def _hear(self) -> None:
        self._heard = asyncio.get_running_loop().time()
        if self._failures or self._silent:
            _log.info("prices_resumed", instrument=str(self.instrument), failures=self._failures)
        self._failures, self._silent = 0, False

    def _look(self, quote: Quote) -> None:
        """Compare every order with prices, in the order in which they come."""
        self._quote = quote.over(self._quote)
        rules = self._outside.desks.venue(self.instrument.venue).rules(self.instrument.instrument)
        if rules is None:
            return
        for watched in list(self._watched.values()):
            source = source_of(watched.order.terms)
            price = None if source is None else quote.compared(watched.order.side, source)
            if price is None:
                continue
            now = self._outside.clock.now()
            order = watched.order
            status = observe(order.side, order.terms, watched.status, price, rules.tick_size, now)
            watched.status = status
            if status.gone_off:
                del self._watched[order.order_id]
                self._departures.begin(order, status)
