"""What a conformance test may do at the venue behind an adapter."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import Protocol, TypeVar
from uuid import uuid4

import pytest

from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.evidence import VenueFill, VenueOrder, VenueStatus
from services.exchange.domain.fills import Transfer
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order, OrderIntent
from services.exchange.domain.states import OrderState
from services.exchange.domain.terms import LimitTerms, Terms, TimeInForce
from services.exchange.ports import Accepted, Venue, VenueEvent
from tests.support.tcp_gate import TcpGate

WITHIN = 5.0
ZERO = Decimal(0)
BTC = "btc-usdt"
ETH = "eth-usdt"
SPOT = {BTC: BTC, ETH: ETH}
PERPETUAL = {BTC: "btc-usdt-perp", ETH: "eth-usdt-perp"}
"""What stands for the two instruments that the tests name, in a market of contracts."""
CONTRACT = Contract(Decimal(1), "usdt")
ASSETS = {
    name: Assets(base, "usdt") for base, key in (("btc", BTC), ("eth", ETH)) for name in (key, PERPETUAL[key])
}
FUNDS = {"usdt": Decimal(1_000_000_000), "btc": Decimal(20_000), "eth": Decimal(1000)}
"""What each account of a spot lab begins with, one deposit for each asset."""
MARGIN = {"usdt": Decimal(50_000_000)}
"""The same in a market of contracts."""
T = TypeVar("T")


class Feature(Enum):
    """What some venues have and others have not."""

    STREAMS = auto()  # the venue behind the adapter has a stream
    STREAMS_TRANSFERS = auto()  # deposits come in the stream
    SEVERAL_ACCOUNTS = auto()  # the adapter tells one account's orders from another's
    UNKNOWN_ACCOUNT = auto()  # an account that does not exist is told apart from no answer
    RATE_LIMIT = auto()  # ``rate_limited`` works
    REFUSES_USED_IDS = auto()  # a client order id names one order for good, closed ones too
    COINS = auto()  # a spot market: what is bought is held, and an open order locks what it may cost
    CONTRACTS = auto()  # a market of perpetuals: what is bought is a position


@dataclass(frozen=True)
class Reached:
    """An adapter of its own, behind a gate of its own.

    Attributes:
        venue: the adapter.
        gate: between the adapter and the venue.
    """

    venue: Venue
    gate: TcpGate


class VenueLab(Protocol):
    """One kind of adapter with a real venue behind it, whose market nobody moves but the test.

    Attributes:
        name: for the test's id.
        venue: the adapter.
        features: what the venue has.
        maker_rate: fee of a fill that rested, as a fraction of its notional, in quote asset.
        taker_rate: fee of a fill that took.
        names: what stands for the instruments that the tests name.
        funds: what each account begins with.
    """

    name: str
    venue: Venue
    features: frozenset[Feature]
    maker_rate: Decimal
    taker_rate: Decimal
    names: Mapping[str, str]
    funds: Mapping[str, Decimal]

    async def account(self) -> str:
        """An account that nobody used before, with ``FUNDS``."""
        ...

    async def rest(self, side: Side, quantity: str, price: str, instrument: str = BTC) -> None:
        """Somebody else puts a limit order into the book."""
        ...

    async def hit(self, side: Side, quantity: str, price: str, instrument: str = BTC) -> None:
        """Somebody else trades at once, at this price or better; nothing of it rests."""
        ...

    async def clean(self) -> None:
        """Take every order of everybody out of the book."""
        ...

    def apart(self) -> AbstractAsyncContextManager[Reached]:
        """A second adapter at the same venue, whose connection the test may hurt."""
        ...

    async def rate_limited(self, act: Callable[[Venue], Awaitable[T]]) -> T:
        """What ``act`` gives while the venue says that there were too many calls."""
        ...


def new_order(
    account: str,
    side: Side,
    quantity: str | Decimal,
    terms: Terms,
    *,
    venue: str,
    instrument: str = BTC,
) -> Order:
    """An order as it is handed to an adapter: allowed to leave this moment."""
    now = datetime.now(UTC)
    intent = OrderIntent(
        account=account,
        venue=venue,
        instrument=instrument,
        side=side,
        quantity=Decimal(quantity),
        terms=terms,
    )
    assets = ASSETS.get(instrument, Assets("none", "usdt"))
    contract = CONTRACT if instrument in PERPETUAL.values() else None
    order = Order.intended(intent, assets, uuid4(), "conformance", now, contract=contract)
    return order.moved(OrderState.SUBMITTED, now, submit_time=now)


@dataclass
class Trader:
    """An account of the adapter's, with the orders the test makes in it.

    Attributes:
        lab: where it trades.
        account: id of the account.
    """

    lab: VenueLab
    account: str
    orders: list[Order] = field(default_factory=list)

    @property
    def venue(self) -> Venue:
        """The adapter."""
        return self.lab.venue

    def order(self, side: Side, quantity: str | Decimal, terms: Terms, instrument: str = BTC) -> Order:
        """An order that was not sent yet."""
        named = self.lab.names.get(instrument, instrument)
        order = new_order(self.account, side, quantity, terms, venue=self.venue.venue_id, instrument=named)
        self.orders.append(order)
        return order

    def limit(
        self,
        side: Side,
        quantity: str | Decimal,
        price: str | Decimal,
        time_in_force: TimeInForce = TimeInForce.GTC,
        *,
        post_only: bool = False,
        instrument: str = BTC,
    ) -> Order:
        """A limit order that was not sent yet."""
        terms = LimitTerms(Decimal(price), time_in_force, post_only)
        return self.order(side, quantity, terms, instrument)

    async def accepted(self, order: Order) -> VenueOrder:
        """Place an order that the venue takes."""
        outcome = await self.venue.place(order, WITHIN)
        assert isinstance(outcome, Accepted), outcome
        assert outcome.order.client_order_id == order.client_order_id
        return outcome.order

    async def told(self, order: Order) -> VenueOrder:
        """The venue's word on an order that is there."""
        found = await self.venue.find(self.account, order.client_order_id)
        assert found is not None
        return found

    async def until(self, order: Order, *statuses: VenueStatus) -> VenueOrder:
        """The venue's word, once it says one of these."""
        async with asyncio.timeout(WITHIN):
            while (found := await self.told(order)).status not in statuses:
                await asyncio.sleep(0.02)
        return found

    async def until_there(self, order: Order) -> None:
        """Wait until the venue has an order."""
        async with asyncio.timeout(WITHIN):
            while await self.venue.find(self.account, order.client_order_id) is None:
                await asyncio.sleep(0.02)

    async def fills(self, cursor: str = "") -> tuple[list[VenueFill], str]:
        """All fills after a cursor, page by page, and the cursor after them."""
        found: list[VenueFill] = []
        while True:
            page = await self.venue.fills_after(self.account, cursor)
            found += page.fills
            cursor = page.cursor
            if not page.more:
                return found, cursor

    async def held(self, asset: str) -> tuple[Decimal, Decimal]:
        """Free and locked."""
        for balance in await self.venue.balances(self.account):
            if balance.asset == asset:
                return balance.free, balance.locked
        return ZERO, ZERO

    async def rules(self, instrument: str = BTC) -> InstrumentRules:
        """The rules of an instrument."""
        listed = {each.instrument: each for each in await self.venue.instruments()}
        return listed[self.lab.names[instrument]]

    async def transfers(self, cursor: str = "") -> tuple[list[Transfer], str]:
        """All transfers after a cursor, page by page, and the cursor after them."""
        found: list[Transfer] = []
        while True:
            page = await self.venue.transfers_after(self.account, cursor)
            found += page.transfers
            cursor = page.cursor
            if not page.more:
                return found, cursor

    async def gained(self) -> Decimal:
        """How much more btc it holds than at the begin, as coins or as contracts."""
        if Feature.COINS in self.lab.features:
            return (await self.held("btc"))[0] - self.lab.funds["btc"]
        held = {each.instrument: each.quantity for each in await self.venue.positions(self.account)}
        return held.get(self.lab.names[BTC], ZERO)


def needs(lab: VenueLab, feature: Feature) -> None:
    """Leave a test out where the venue is not of its kind."""
    if feature not in lab.features:
        pytest.skip(f"the venue has no {feature.name.lower().replace('_', ' ')}")


@dataclass
class Listening:
    """An open stream of an account's events, read in the background."""

    seen: list[VenueEvent] = field(default_factory=list)
    ended: Exception | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, events: AsyncIterator[VenueEvent]) -> None:
        """Take every event in, until the stream breaks."""
        try:
            async with aclosing(events) as stream:  # type: ignore[type-var]
                async for event in stream:
                    self.seen.append(event)
                    self._news.set()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.ended = error
            self._news.set()

    async def until(self, seen: Callable[[list[VenueEvent]], T]) -> T:
        """What ``seen`` gives for the events so far, once it is something true."""
        async with asyncio.timeout(WITHIN * 2):
            while not (found := seen(self.seen)):
                assert self.ended is None, self.ended
                self._news.clear()
                await self._news.wait()
        return found

    async def end(self) -> Exception:
        """What the stream broke with."""
        async with asyncio.timeout(WITHIN * 2):
            while self.ended is None:
                self._news.clear()
                await self._news.wait()
        return self.ended

    def fills(self) -> list[VenueFill]:
        """The fills told so far, in their order."""
        return [fill for event in self.seen if event.order for fill in event.order.fills]

    def statuses(self, order: Order) -> list[VenueStatus]:
        """The states told of an order so far."""
        return [
            event.order.status
            for event in self.seen
            if event.order and event.order.client_order_id == order.client_order_id
        ]
