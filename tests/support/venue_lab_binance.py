"""The lab of the ccxt adapter: a local venue that speaks Binance's wire format, through ccxt's own code."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from services.chassis.clock import SystemClock
from services.exchange.domain.assets import Side
from services.exchange.ports import Venue
from services.exchange.venues.ccxt_adapter import CcxtVenue
from services.exchange.venues.ccxt_settings import CcxtSettings, KeySettings
from services.simvenue.binance.limits import Allowance, Limits
from services.simvenue.domain import terms
from tests.support.binance_venue import BinanceVenue, binance_venue, key_of, secret_of, trader_accounts
from tests.support.tcp_gate import gate_before
from tests.support.venue_lab import BTC, ETH, Feature, Reached

T = TypeVar("T")
ACCOUNTS = 200
_SIDES = {Side.BUY: terms.Side.BUY, Side.SELL: terms.Side.SELL}
_VENUE = "binance"


class BinanceLab:
    """``VenueLab`` of ccxt's Binance.

    Args:
        behind: the local venue.
        keys: of its accounts.
    """

    name = "ccxt-binance"
    features = frozenset({Feature.STREAMS, Feature.SEVERAL_ACCOUNTS, Feature.RATE_LIMIT})
    maker_rate = Decimal("0.0008")
    taker_rate = Decimal("0.001")

    def __init__(self, behind: BinanceVenue, keys: dict[str, KeySettings]) -> None:
        self._behind = behind
        self._keys = keys
        self._opened: list[CcxtVenue] = []
        behind.door.limits.allowance = Allowance(weight=10_000_000, orders_10s=10_000)
        self.venue: Venue = self._adapter(behind.door.port)

    @property
    def limits(self) -> Limits:
        """What the venue counts and refuses."""
        return self._behind.door.limits

    def count_in_one_minute(self) -> Limits:
        """The same, with a clock that stands in the middle of a minute, so that no count begins anew."""
        limits = self.limits
        now_ms = limits._now_ms()
        middle = now_ms - now_ms % 60_000 + 30_000
        limits._now_ms = lambda: middle
        return limits

    def _adapter(self, port: int) -> CcxtVenue:
        settings = CcxtSettings(
            exchange="binance",
            instruments=(BTC, ETH),
            keys=self._keys,
            rest_url=f"http://127.0.0.1:{port}",
            ws_url=f"ws://127.0.0.1:{port}",
        )
        adapter = CcxtVenue(_VENUE, settings, SystemClock())
        self._opened.append(adapter)
        return adapter

    async def account(self) -> str:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        return self._behind.account()

    async def rest(self, side: Side, quantity: str, price: str, instrument: str = BTC) -> None:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        await self._behind.rest(_SIDES[side], quantity, price, instrument)

    async def hit(self, side: Side, quantity: str, price: str, instrument: str = BTC) -> None:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        await self._behind.hit(_SIDES[side], quantity, price, instrument)

    async def clean(self) -> None:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        await self._behind.clean()
        self._behind.door.limits.pardon()

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Reached]:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        async with gate_before(self._behind.door.port) as gate:
            adapter = self._adapter(gate.port)
            try:
                yield Reached(adapter, gate)
            finally:
                await adapter.close()

    async def rate_limited(self, act: Callable[[Venue], Awaitable[T]]) -> T:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        await self.venue.instruments()
        self._behind.door.limits.exhaust("127.0.0.1")
        try:
            return await act(self.venue)
        finally:
            self._behind.door.limits.pardon()

    async def close(self) -> None:
        """Leave."""
        for adapter in self._opened:
            await adapter.close()


@asynccontextmanager
async def binance_lab(folder: Path) -> AsyncIterator[BinanceLab]:
    """A lab whose venue's books are empty."""
    accounts: dict[str, Any] = trader_accounts(ACCOUNTS)
    with pytest.MonkeyPatch.context() as environment:
        keys = {}
        for number, account in enumerate(accounts):
            environment.setenv(f"LAB_KEY_{number}", key_of(account))
            environment.setenv(f"LAB_SECRET_{number}", secret_of(account))
            keys[account] = KeySettings(key_env=f"LAB_KEY_{number}", secret_env=f"LAB_SECRET_{number}")
        async with binance_venue(folder, accounts) as behind:
            lab = BinanceLab(behind, keys)
            try:
                await lab.venue.instruments()  # imports ccxt, which no test's order should wait for
                yield lab
            finally:
                await lab.close()
