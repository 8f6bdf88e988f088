"""A venue and a risk gate behind the exchange's ports, which misbehave as they are told."""

import asyncio
import itertools
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto

from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.capabilities import Capabilities, KindSupport
from services.exchange.domain.evidence import VenueFill, VenueOrder, VenueStatus
from services.exchange.domain.fills import Balance, Liquidity, Transfer
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition
from services.exchange.domain.terms import Kind, LimitTerms, MarketTerms, TimeInForce
from services.exchange.ports import (
    Accepted,
    AlreadyThere,
    Approved,
    CancelOutcome,
    Denied,
    FillPage,
    NotSent,
    NotThere,
    PlaceOutcome,
    Refused,
    RiskUnavailableError,
    TransferPage,
    Uncertain,
    VenueEvent,
    VenueHistoryLostError,
    VenueUnreachableError,
)

PRICE = Decimal(100)
BTC = Assets("btc", "usdt")
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


SPOT = Capabilities(
    [
        KindSupport(kind=Kind.MARKET, quote_quantity=True),
        KindSupport(
            kind=Kind.LIMIT,
            times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
            post_only=True,
        ),
    ]
)
"""A venue without triggers, without GTD, DAY, icebergs and reduce_only."""


class Mishap(Enum):
    """What happens to one sending."""

    NONE = auto()
    ANSWER_LOST = auto()  # accepted, and the answer never comes
    REQUEST_LOST = auto()  # it never arrives, and nobody says so
    REQUEST_LATE = auto()  # it arrives when the test lets it
    NOT_SENT = auto()
    REFUSED = auto()
    HELD = auto()  # accepted, and the answer comes when the test lets it


@dataclass
class FakeVenue:
    """An exchange of its own: what it has accepted outlives every restart of ours.

    Attributes:
        mishaps: what happens to the next sendings, in order; then nothing.
        reachable: whether questions are answered and the stream stands.
        cancels_work: whether cancels are answered.
        sendings: every sending that arrived or was lost, by client order id.
        release: lets held answers and late requests through.
        contract: what one unit of its instrument stands for; None for spot.
        btc: how much of it the account holds.
        fee: of each trade.
        fee_asset: what it is taken in.
        shuffle: reorders the events of the stream as they are told.
    """

    venue_id: str = "sim"
    simulated: bool = True
    capabilities: Capabilities = SPOT
    btc: str = "0"
    contract: Contract | None = None
    fee: str = "0.1"
    fee_asset: str = "usdt"
    mishaps: deque[Mishap] = field(default_factory=deque)
    reachable: bool = True
    cancels_work: bool = True
    sendings: list[str] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    shuffle: Callable[[list[VenueEvent]], list[VenueEvent]] = lambda events: events
    orders: dict[str, VenueOrder] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    late: list[Order] = field(default_factory=list)
    held: list[VenuePosition] = field(default_factory=list)
    _events: defaultdict[str, list[VenueEvent]] = field(default_factory=lambda: defaultdict(list))
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    # --- what a test does at the venue

    def trade(self, client_id: str, quantity: str, *, told: bool = True) -> VenueFill:
        """Fill part of an order."""
        order = self.orders[client_id]
        number = next(self._ids)
        fill = VenueFill(
            venue_trade_id=str(number),
            client_order_id=client_id,
            venue_order_id=order.venue_order_id,
            price=PRICE,
            quantity=Decimal(quantity),
            fee=Decimal(self.fee),
            fee_asset=self.fee_asset,
            liquidity=Liquidity.MAKER,
            exchange_time=MOMENT.replace(microsecond=number),
        )
        fills = (*order.fills, fill)
        whole = sum((each.quantity for each in fills), Decimal(0)) == order.quantity
        status = VenueStatus.FILLED if whole else order.status
        self.orders[client_id] = order = replace(order, fills=fills, status=status)
        if told:
            self._tell(client_id, replace(order, fills=(fill,)))
        return fill

    def place_externally(self, client_id: str, quantity: str = "1") -> VenueOrder:
        """An order that did not come from us."""
        order = VenueOrder(
            client_order_id=client_id,
            venue_order_id=str(next(self._ids)),
            instrument="btc-usdt",
            assets=BTC,
            side=Side.BUY,
            quantity=Decimal(quantity),
            terms=LimitTerms(PRICE),
            status=VenueStatus.OPEN,
        )
        self._accept(order, "paper")
        return order

    def deposit(self, amount: str) -> None:
        """Money comes in."""
        number = next(self._ids)
        transfer = Transfer(
            account="paper",
            venue=self.venue_id,
            venue_transfer_id=str(number),
            asset="usdt",
            amount=Decimal(amount),
            exchange_time=MOMENT,
            receive_time=MOMENT,
        )
        self.transfers.append(transfer)
        self._push("paper", VenueEvent("", transfer=transfer))

    def repeat_everything(self) -> None:
        """Tell every event once more."""
        for account, events in list(self._events.items()):
            for event in list(events):
                self._push(account, event)

    def deliver_late(self) -> None:
        """Let the requests arrive that were on their way."""
        for order in self.late:
            self._arrive(order)
        self.late.clear()

    def go(self) -> None:
        """Answer again."""
        self.reachable = True
        self._wake()

    def vanish(self) -> None:
        """Answer nothing, and break the stream."""
        self.reachable = False
        self._wake()

    # --- ports.Venue

    async def place(self, order: Order, within: float) -> PlaceOutcome:  # noqa: PLR0911 - one per mishap
        self.sendings.append(order.client_order_id)
        mishap = self.mishaps.popleft() if self.mishaps else Mishap.NONE
        if not self.reachable or mishap is Mishap.NOT_SENT:
            return NotSent("failed to connect")
        if mishap is Mishap.REFUSED:
            return Refused("INSUFFICIENT_BALANCE", "not enough usdt")
        if mishap is Mishap.REQUEST_LOST:
            return Uncertain("DEADLINE_EXCEEDED")
        if mishap is Mishap.REQUEST_LATE:
            self.late.append(order)
            return Uncertain("DEADLINE_EXCEEDED")
        if order.client_order_id in self.orders:
            return AlreadyThere()
        self._arrive(order)
        if mishap is Mishap.ANSWER_LOST:
            return Uncertain("UNAVAILABLE: connection reset")
        if mishap is Mishap.HELD:
            try:
                async with asyncio.timeout(within):
                    await self.release.wait()
            except TimeoutError:
                return Uncertain("DEADLINE_EXCEEDED")
        return Accepted(self.orders[order.client_order_id])

    async def cancel(self, order: Order, within: float) -> CancelOutcome:
        if not self.reachable or not self.cancels_work:
            return Uncertain("DEADLINE_EXCEEDED")
        told = self.orders.get(order.client_order_id)
        if told is None:
            return NotThere()
        if told.status is VenueStatus.OPEN:
            told = replace(told, status=VenueStatus.CANCELLED)
            self.orders[order.client_order_id] = told
            self._tell(order.client_order_id, replace(told, fills=()))
        return Accepted(told)

    async def find(self, account: str, client_order_id: str) -> VenueOrder | None:
        self._answering()
        return self.orders.get(client_order_id)

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        self._answering()
        return [
            replace(order, fills=())
            for client_id, order in self.orders.items()
            if order.status is VenueStatus.OPEN and self.accounts[client_id] == account
        ]

    async def fills_after(self, account: str, cursor: str) -> FillPage:
        self._answering()
        fills = [
            fill
            for client_id, order in self.orders.items()
            for fill in order.fills
            if self.accounts[client_id] == account and int(fill.venue_trade_id) > int(cursor or 0)
        ]
        fills.sort(key=lambda fill: int(fill.venue_trade_id))
        page = fills[:3]
        return FillPage(page, page[-1].venue_trade_id if page else cursor, more=len(fills) > 3)

    async def transfers_after(self, account: str, cursor: str) -> TransferPage:
        self._answering()
        rest = [each for each in self.transfers if int(each.venue_transfer_id) > int(cursor or 0)]
        last = rest[-1].venue_transfer_id if rest else cursor
        return TransferPage([each for each in rest if each.account == account], last, more=False)

    async def verify(self, account: str, cursor: str) -> None:
        self._answering()
        if int(cursor or 0) > len(self._events[account]):
            raise VenueHistoryLostError("no such cursor")

    async def balances(self, account: str) -> Sequence[Balance]:
        self._answering()
        held = {"usdt": Decimal(1000), "btc": Decimal(self.btc)}
        return [
            Balance(
                account=account,
                venue=self.venue_id,
                asset=asset,
                free=free,
                locked=Decimal(0),
                receive_time=MOMENT,
            )
            for asset, free in held.items()
            if free
        ]

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        self._answering()
        return [each for each in self.held if each.account == account]

    async def instruments(self) -> Sequence[InstrumentRules]:
        self._answering()
        return [
            InstrumentRules(
                instrument="btc-usdt",
                assets=BTC,
                tick_size=Decimal("0.5"),
                lot_size=Decimal("0.001"),
                min_quantity=Decimal("0.001"),
                max_quantity=Decimal(1000),
                min_notional=Decimal(5),
                contract=self.contract,
                maker_fee_rate=Decimal("0.001"),
                taker_fee_rate=Decimal("0.002"),
            )
        ]

    async def events(self, account: str, cursor: str) -> AsyncIterator[VenueEvent]:
        self._answering()
        told = int(cursor or 0)
        if told > len(self._events[account]):
            raise VenueHistoryLostError("no such cursor")
        while True:
            self._answering()
            self._news.clear()
            fresh = self._events[account][told:]
            cursors = [str(told + number + 1) for number in range(len(fresh))]
            told += len(fresh)
            for at, event in zip(cursors, self.shuffle(fresh), strict=True):
                yield replace(event, cursor=at)
            if told == len(self._events[account]) and self.reachable:
                await self._news.wait()

    # --- inside

    def _answering(self) -> None:
        if not self.reachable:
            raise VenueUnreachableError("UNAVAILABLE")

    def _arrive(self, order: Order) -> None:
        if order.client_order_id in self.orders:
            return
        quantity = order.quantity if order.quote_quantity is None else order.quote_quantity / PRICE
        self._accept(
            VenueOrder(
                client_order_id=order.client_order_id,
                venue_order_id=str(next(self._ids)),
                instrument=order.instrument,
                assets=order.assets,
                side=order.side,
                quantity=quantity,
                terms=order.terms,
                status=VenueStatus.OPEN,
                quote_quantity=order.quote_quantity,
            ),
            order.account,
        )
        if isinstance(order.terms, MarketTerms):
            # In two trades, so that every path sees a partial fill.
            first = quantity - Decimal("0.001")
            if first > 0:
                self.trade(order.client_order_id, str(first))
            self.trade(order.client_order_id, "0.001")

    def _accept(self, order: VenueOrder, account: str) -> None:
        self.orders[order.client_order_id] = order
        self.accounts[order.client_order_id] = account
        self._tell(order.client_order_id, order)

    def _tell(self, client_id: str, order: VenueOrder) -> None:
        self._push(self.accounts[client_id], VenueEvent("", order=order))

    def _push(self, account: str, event: VenueEvent) -> None:
        self._events[account].append(event)
        self._wake()

    def _wake(self) -> None:
        self._news.set()


@dataclass
class FakeRisk:
    """Approves, unless told otherwise; counts reservations by order id.

    Attributes:
        groups: under which key it was reserved for an order: its group, or its own id.
        quantities: how much was reserved for an order.
    """

    verdict: Approved | Denied = field(default_factory=Approved)
    reachable: bool = True
    reserved: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    quantities: dict[str, Decimal] = field(default_factory=dict)
    hold: asyncio.Event | None = None

    async def preview(self, order: Order, within: float) -> Approved | Denied:
        if not self.reachable:
            raise RiskUnavailableError("UNAVAILABLE")
        return self.verdict

    async def reserve(self, order: Order, within: float) -> Approved | Denied:
        self.asked.append(str(order.order_id))
        if self.hold is not None:
            try:
                async with asyncio.timeout(within):
                    await self.hold.wait()
            except TimeoutError as error:
                raise RiskUnavailableError("DEADLINE_EXCEEDED") from error
        if not self.reachable:
            raise RiskUnavailableError("UNAVAILABLE")
        if isinstance(self.verdict, Approved):
            self.reserved.add(str(order.order_id))
            self.groups[str(order.order_id)] = str(order.links.group or order.order_id)
            self.quantities.setdefault(str(order.order_id), order.quantity)
            assert self.quantities[str(order.order_id)] == order.quantity, "one id, two bodies"
        return self.verdict
