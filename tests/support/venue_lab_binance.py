"""The lab of the ccxt adapter: a local venue that speaks Binance's wire format, through ccxt's own code."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import pytest

from services.chassis.clock import SystemClock
from services.exchange.domain.assets import Side
from services.exchange.ports import Venue
from services.exchange.venues.ccxt_adapter import CcxtVenue
from services.exchange.venues.ccxt_settings import CcxtSettings, KeySettings
from services.simvenue.binance.limits import Limits
from services.simvenue.domain import terms
from tests.support.binance_venue import BinanceVenue, binance_venue, key_of, secret_of, trader_accounts
from tests.support.tcp_gate import gate_before
from tests.support.venue_lab import BTC, FUNDS, MARGIN, PERPETUAL, SPOT, Feature, Reached

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
    features = frozenset({Feature.STREAMS, Feature.SEVERAL_ACCOUNTS, Feature.RATE_LIMIT, Feature.COINS})
    maker_rate = Decimal("0.0008")
    taker_rate = Decimal("0.001")
    names: Mapping[str, str] = SPOT
    funds: Mapping[str, Decimal] = FUNDS
    exchange: Literal["binance", "binanceusdm"] = "binance"
    market: Literal["spot", "swap"] = "spot"
    many_orders: ClassVar[Mapping[str, int]] = {"orders_10s": 10_000}
    more: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, behind: BinanceVenue, keys: dict[str, KeySettings]) -> None:
        self._behind = behind
        self._keys = keys
        self._opened: list[CcxtVenue] = []
        self.limits.allowance = replace(self.limits.allowance, weight=10_000_000, **self.many_orders)
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
            exchange=self.exchange,
            market=self.market,
            instruments=tuple(self.names.values()),
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
        await self._behind.rest(_SIDES[side], quantity, price, self.names[instrument])

    async def hit(self, side: Side, quantity: str, price: str, instrument: str = BTC) -> None:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        await self._behind.hit(_SIDES[side], quantity, price, self.names[instrument])

    async def clean(self) -> None:
        """See :class:`tests.support.venue_lab.VenueLab`."""
        await self._behind.clean()
        self.limits.pardon()

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
        self.limits.exhaust("127.0.0.1")
        try:
            return await act(self.venue)
        finally:
            self.limits.pardon()

    async def close(self) -> None:
        """Leave."""
        for adapter in self._opened:
            await adapter.close()


class BinanceUsdmLab(BinanceLab):
    """``VenueLab`` of ccxt's Binance USD-M: perpetuals."""

    name = "ccxt-binanceusdm"
    features = frozenset({Feature.STREAMS, Feature.SEVERAL_ACCOUNTS, Feature.RATE_LIMIT, Feature.CONTRACTS})
    maker_rate = Decimal("0.0002")
    taker_rate = Decimal("0.0005")
    names = PERPETUAL
    funds = MARGIN
    exchange = "binanceusdm"
    market = "swap"
    many_orders: ClassVar[Mapping[str, int]] = {"orders_10s": 10_000, "orders_1m": 100_000}
    more: ClassVar[Mapping[str, Any]] = {"perpetuals": True, "liquidation": True}

    @property
    def limits(self) -> Limits:
        """What the futures count and refuse."""
        return self._behind.door.futures_limits

    async def rate_limited(self, act: Callable[[Venue], Awaitable[T]]) -> T:
        """See :class:`tests.support.venue_lab.VenueLab`. Orders have no weight here, but a ban is a ban."""
        await self.venue.instruments()
        self.limits.ban("127.0.0.1")
        try:
            return await act(self.venue)
        finally:
            self.limits.pardon()

    async def pay_funding(self) -> None:
        """Let funding be due now, and not at its next hour."""
        await self._behind.door.floor.execute(lambda venue, now_ns: venue._fund(now_ns, now_ns))


@asynccontextmanager
async def binance_lab(folder: Path) -> AsyncIterator[BinanceLab]:
    """A lab whose venue's books are empty."""
    async with _opened(folder, BinanceLab) as lab:
        yield lab


@asynccontextmanager
async def binanceusdm_lab(folder: Path) -> AsyncIterator[BinanceLab]:
    """The same with perpetuals."""
    async with _opened(folder, BinanceUsdmLab) as lab:
        yield lab


@asynccontextmanager
async def _opened(folder: Path, lab_type: type[BinanceLab]) -> AsyncIterator[BinanceLab]:
    accounts: dict[str, Any] = dict.fromkeys(trader_accounts(ACCOUNTS), lab_type.funds)
    with pytest.MonkeyPatch.context() as environment:
        keys = {}
        for number, account in enumerate(accounts):
            environment.setenv(f"LAB_KEY_{number}", key_of(account))
            environment.setenv(f"LAB_SECRET_{number}", secret_of(account))
            keys[account] = KeySettings(key_env=f"LAB_KEY_{number}", secret_env=f"LAB_SECRET_{number}")
        async with binance_venue(folder, accounts, **lab_type.more) as behind:
            lab = lab_type(behind, keys)
            try:
                await lab.venue.instruments()  # imports ccxt, which no test's order should wait for
                yield lab
            finally:
                await lab.close()
