"""Real exchanges, reached through ccxt: the venue port on top of ccxt's code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from services.exchange.domain.budgets import Budget
from services.exchange.domain.capabilities import Capabilities
from services.exchange.domain.evidence import VenueFill, VenueOrder
from services.exchange.domain.fills import Balance
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition
from services.exchange.domain.terms import limit_of
from services.exchange.ports import (
    Accepted,
    AlreadyThere,
    CancelOutcome,
    FillPage,
    NotSent,
    NotThere,
    PlaceOutcome,
    Refused,
    TransferPage,
    Uncertain,
    VenueEvent,
    VenueHistoryLostError,
    VenueUnreachableError,
)
from services.exchange.ports.protection import VenueReports
from services.exchange.venues import ccxt_convert as convert
from services.exchange.venues.ccxt_client import Sending, sending
from services.exchange.venues.ccxt_dialects import DIALECTS
from services.exchange.venues.ccxt_errors import Meaning, Verdict, judge
from services.exchange.venues.ccxt_events import EventReader, marks_of
from services.exchange.venues.ccxt_history import History, read_cursor, write_cursor
from services.exchange.venues.ccxt_reader import Reader
from services.exchange.venues.ccxt_session import Session, Sessions
from services.exchange.venues.ccxt_settings import CcxtSettings, MissingKeyError
from services.exchange.venues.ccxt_stream import Stream
from services.kernel.clock import Clock
from services.kernel.decimals import is_multiple

T = TypeVar("T")
_ASK_S: Final = 10.0
_ABSENT: Final = frozenset({Meaning.ABSENT, Meaning.NOT_OPEN})
_PAUSE_S: Final = 1.0
"""Pause after "too many calls" where the venue does not say how long."""


class CcxtVenue:
    """``ports.Venue`` for the exchanges of :data:`ccxt_dialects.DIALECTS`.

    Args:
        venue_id: its id in the mesh.
        settings: which exchange, and how to get in.
        clock: our clock.
        sandbox: whether its sandbox is meant.
    """

    def __init__(self, venue_id: str, settings: CcxtSettings, clock: Clock, *, sandbox: bool = True) -> None:
        self.venue_id = venue_id
        self.simulated = not settings.real_money(sandbox=sandbox)
        self._settings = settings
        self._dialect = DIALECTS[settings.exchange]
        self.capabilities: Capabilities = self._dialect.capabilities(settings.market)
        self._clock = clock
        self._reports: VenueReports | None = None
        self._history = History(self._dialect, settings.history_days, clock.now)
        self._sessions = Sessions(settings, self._dialect, clock.now, self._heard, sandbox=sandbox)
        self._reader = Reader(self._dialect, self._sessions, self._says_absent)
        self._told = EventReader(self._reader, self._history)

    def rate_budgets(self) -> Sequence[Budget]:
        """``ports.DeclaresBudgets``: the venue's documented limits."""
        return self._dialect.budgets()

    def report_to(self, reports: VenueReports) -> None:
        """``ports.Reporting``: whom to tell of limits and pauses."""
        self._reports = reports

    async def close(self) -> None:
        """Close every connection."""
        await self._sessions.close()

    # --- orders

    async def place(self, order: Order, within: float) -> PlaceOutcome:
        """Send an order under its client order id, and classify what comes of it."""
        if order.instrument not in self._settings.instruments:
            return Refused("UNKNOWN_SYMBOL", f"{order.instrument} is not traded at {self.venue_id}")
        end = asyncio.get_running_loop().time() + within
        handed_over = self._clock.now()
        try:
            async with asyncio.timeout_at(end):
                session = await self._sessions.of(order.account)
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing was sent
            return NotSent(self._judged(error, departed=False).message)
        session.known.expect(order.client_order_id, order.instrument)
        return await session.sendings.once(order, handed_over, lambda: self._send(session, order, end))

    async def cancel(self, order: Order, within: float) -> CancelOutcome:
        """Take an order out of the book. An order that is closed already is ``Accepted``, too."""
        if order.instrument not in self._settings.instruments:
            return NotThere()
        on_its_way = Sending()
        token = sending.set(on_its_way)
        try:
            async with asyncio.timeout(within):
                session = await self._sessions.of(order.account)
                on_its_way.departed = False
                symbol = self._sessions.listed[order.instrument].symbol
                told = await self._dialect.cancel(session.client, symbol, order.client_order_id)
                if told.get("status"):
                    # Binance's answer names the cancel where it otherwise names the order.
                    named = {**told, "clientOrderId": order.client_order_id}
                    return Accepted(self._reader.learned(session, named))
        except Exception as error:  # noqa: BLE001 - classified
            verdict = self._judged(error, departed=on_its_way.departed)
            if verdict.meaning not in _ABSENT:
                sent = verdict.meaning not in {Meaning.NOT_SENT, Meaning.THROTTLED}
                return Uncertain(verdict.message) if sent else _not_sent(verdict)
        finally:
            sending.reset(token)
        return await self._stands(order)

    async def find(self, account: str, client_order_id: str) -> VenueOrder | None:
        """The order with all its fills; None is the venue's definite word that it has none so far."""

        async def work() -> VenueOrder | None:
            session = await self._sessions.of(account)
            known = session.known.instrument(client_order_id)
            places = (known,) if known in self._settings.instruments else self._settings.instruments
            for instrument in places:
                told = await self._reader.found(session, self._sessions.listed[instrument], client_order_id)
                if told is not None:
                    return await self._reader.with_fills(session, told)
            return None

        return await self._asked(work)

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """All orders in the venue's book, without their fills."""

        async def work() -> Sequence[VenueOrder]:
            session = await self._sessions.of(account)
            lists = [
                await session.client.fetch_open_orders(each.symbol) for each in self._sessions.listed.values()
            ]
            return [self._reader.learned(session, told) for listed in lists for told in listed]

        return await self._asked(work)

    # --- history

    async def fills_after(self, account: str, cursor: str) -> FillPage:
        """Fills of the account after a cursor; the empty cursor begins with the first."""

        async def work() -> FillPage:
            session = await self._sessions.of(account)
            marks, fills, more = read_cursor(cursor), list[VenueFill](), False
            for instrument, listed in self._sessions.listed.items():
                page = await self._history.trades(session.client, listed.symbol, marks.get(instrument, ""))
                fills += [await self._reader.fill(session, trade) for trade in page.trades]
                if page.mark:
                    marks[instrument] = page.mark
                more = more or page.more
            return FillPage(fills, write_cursor(marks), more)

        return await self._asked(work)

    async def transfers_after(self, account: str, cursor: str) -> TransferPage:
        """Transfers of the account after a cursor; the empty cursor begins with the first."""

        async def work() -> TransferPage:
            session = await self._sessions.of(account)
            found, mark, more = await self._history.moved(session.client, self._settings.market, cursor)
            now = self._clock.now()
            transfers = [
                convert.transfer_of(
                    account=account,
                    venue=self.venue_id,
                    transfer_id=each.transfer_id,
                    code=each.code,
                    amount=each.amount,
                    time_ms=each.time_ms,
                    now=now,
                    kind=each.kind,
                    instrument=self._reader.instrument_named(each.symbol),
                )
                for each in found
            ]
            return TransferPage(transfers, mark, more)

        return await self._asked(work)

    async def verify(self, account: str, cursor: str) -> None:
        """Make sure that this is the venue and the account that gave a cursor of ``events``.

        The cursor names the last trade of each instrument; the venue must still list it.

        Raises:
            VenueHistoryLostError: it does not know one of them.
        """

        async def work() -> None:
            session = await self._sessions.of(account)
            for instrument, mark in marks_of(cursor).items():
                listed = self._sessions.listed.get(instrument)
                if listed is not None and not await self._history.knows(session.client, listed.symbol, mark):
                    raise VenueHistoryLostError(f"the venue does not know our last trade of {instrument}")

        await self._asked(work)

    def events(self, account: str, cursor: str) -> AsyncIterator[VenueEvent]:
        """Everything that happens in an account after a cursor.

        The venue's own stream begins with the present. So each time it is opened, the fills since the
        cursor and the open orders are read over HTTP once the stream stands, and told first; what comes
        by both ways is told once. What ended unfilled in between is found by the reconciliation.
        """
        return self._events(account, cursor)

    # --- state

    async def balances(self, account: str) -> Sequence[Balance]:
        """What the account holds now."""

        async def work() -> Sequence[Balance]:
            session = await self._sessions.of(account)
            told = await session.client.fetch_balance()
            listed = convert.balances_of(told, account, self.venue_id, self._clock.now())
            return [each for each in listed if each.free or each.locked]

        return await self._asked(work)

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """The contracts that the account holds now; none at a spot market."""
        if self._settings.market == "spot":
            return ()

        async def work() -> Sequence[VenuePosition]:
            session = await self._sessions.of(account)
            symbols = [each.symbol for each in self._sessions.listed.values()]
            told = await session.client.fetch_positions(symbols)
            now = self._clock.now()
            contracts = {key: each.rules.contract for key, each in self._sessions.listed.items()}
            listed = [convert.position_of(each, account, self.venue_id, contracts, now) for each in told]
            return [each for each in listed if each.quantity]

        return await self._asked(work)

    async def instruments(self) -> Sequence[InstrumentRules]:
        """What can be traded, and the rules; from memory while they are young and the venue answers."""

        async def work() -> Sequence[InstrumentRules]:
            known = bool(self._sessions.listed)
            listed = await self._sessions.instruments()
            if known:
                await self._sessions.alive()
            return [each.rules for each in listed.values()]

        return await self._asked(work)

    # --- inside

    async def _events(self, account: str, cursor: str) -> AsyncIterator[VenueEvent]:
        await self.verify(account, cursor)
        try:
            session = await self._sessions.of(account)
            client = self._sessions.another(account)
        except Exception as error:  # noqa: BLE001 - not chained: its text quotes a signed address
            raise self._unreachable(error) from None
        stream = Stream(self._dialect, self._settings.market, client)
        marks = marks_of(cursor)
        try:
            await stream.open()
            for order in await self.open_orders(account):
                yield VenueEvent(write_cursor(marks), order=order)
            while True:
                for listed in self._sessions.listed.values():
                    async for event in self._told.missed(session, listed, marks):
                        yield event
                async for kind, told in stream.until_catching_up():
                    heard = await self._told.event(session, kind, told, marks)
                    if heard is not None:
                        yield heard
        except (VenueUnreachableError, VenueHistoryLostError):
            raise
        except Exception as error:  # noqa: BLE001 - not chained: its text quotes a signed address
            raise self._unreachable(error) from None
        finally:
            await stream.close()

    async def _send(self, session: Session, order: Order, end: float) -> PlaceOutcome:
        symbol = self._sessions.listed[order.instrument].symbol
        kind, side, amount, price, params = convert.placing(order, self._dialect.id_parameter)
        on_its_way = Sending()
        token = sending.set(on_its_way)
        try:
            async with asyncio.timeout_at(end):
                told = await session.client.create_order(symbol, kind, side, amount, price, params)
        except Exception as error:  # noqa: BLE001 - classified
            return self._unplaced(order, self._judged(error, departed=on_its_way.departed))
        finally:
            sending.reset(token)
        try:
            placed = self._reader.learned(session, told) if told.get("status") else convert.sent(order, told)
            fills = [self._reader.named(trade, order) for trade in self._dialect.fills_of_answer(told)]
            return Accepted(replace(session.known.learn(placed), fills=tuple(fills)))
        except Exception as error:  # noqa: BLE001 - an answer that cannot be read proves nothing
            return Uncertain(f"the venue's answer cannot be read: {error!r}")

    def _unplaced(self, order: Order, verdict: Verdict) -> PlaceOutcome:
        match verdict.meaning:
            case Meaning.REFUSED:
                return Refused(self._precise(verdict.reason, order), verdict.message)
            case Meaning.DUPLICATE:
                return AlreadyThere()
            case Meaning.NOT_SENT | Meaning.THROTTLED:
                return _not_sent(verdict)
            case _:
                return Uncertain(verdict.message)

    def _precise(self, reason: str, order: Order) -> str:
        """Binance has one word for a quantity that is off its lot, too small or too large.

        Its futures have one for a price and a quantity with too many decimals.
        """
        rules = self._sessions.listed[order.instrument].rules
        limit = limit_of(order.terms)
        if (
            reason == "QUANTITY_OFF_LOT"
            and limit is not None
            and is_multiple(order.quantity, rules.lot_size)
            and not is_multiple(limit.price, rules.tick_size)
        ):
            return "PRICE_OFF_TICK"
        if reason == "QUANTITY_OFF_LOT" and order.quantity > rules.max_quantity:
            return "QUANTITY_TOO_LARGE"
        if reason == "QUANTITY_OFF_LOT" and order.quantity < rules.min_quantity:
            return "QUANTITY_TOO_SMALL"
        return reason

    async def _stands(self, order: Order) -> CancelOutcome:
        """After a cancel that said nothing of the order, or that there is none to cancel."""
        try:
            told = await self.find(order.account, order.client_order_id)
        except VenueUnreachableError as error:
            return Uncertain(str(error))
        return NotThere() if told is None else Accepted(told)

    async def _asked(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(_ASK_S):
                return await work()
        except (VenueUnreachableError, VenueHistoryLostError):
            raise
        except Exception as error:  # noqa: BLE001 - not chained: its text quotes a signed address
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> VenueUnreachableError:
        verdict = self._judged(error, departed=True)
        return VenueUnreachableError(verdict.message, verdict.retry_after)

    def _says_absent(self, error: Exception) -> bool:
        return self._judged(error, departed=True).meaning in _ABSENT

    def _judged(self, error: Exception, *, departed: bool) -> Verdict:
        if isinstance(error, MissingKeyError | ValueError):
            # Our own words, or a parser's: no address is in them.
            return Verdict(Meaning.UNKNOWN if departed else Meaning.NOT_SENT, message=str(error))
        verdict = judge(error, self._dialect.codes, departed=departed)
        if verdict.meaning is Meaning.THROTTLED and self._reports is not None:
            self._reports.asked_to_wait(verdict.retry_after or _PAUSE_S, banned=verdict.banned)
        return verdict

    def _heard(self, headers: Mapping[str, str]) -> None:
        if self._reports is not None:
            for budget, amount in self._dialect.used(headers).items():
                self._reports.used(budget, amount)


def _not_sent(verdict: Verdict) -> NotSent:
    return NotSent(verdict.message, told=verdict.answered)
