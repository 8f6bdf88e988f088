"""The way in for accounts: what the wire, the latency model and the fault script do to a call.

Behind it, :class:`services.simvenue.handlers.Trading` always tells the truth. Whatever happens here,
a refusal stays the venue's definite word; only what a fault is about is late, doubled or not said.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import NoReturn, TypeVar

import structlog

from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.account import order_not_found
from services.simvenue.domain.faults import Dice, FaultKind, FaultScript
from services.simvenue.domain.orders import Fill, LimitTerms, NewOrder, Order, Transfer, working_terms
from services.simvenue.handlers import Holdings, OrderWithFills, Trading, ValuedPosition
from services.simvenue.latency import LatencyModel, Leg, Operation
from services.simvenue.metrics import SimvenueMetrics
from services.simvenue.ports import EncodedEvent
from services.simvenue.streams import AccountStream, Beat, Connection, End

T = TypeVar("T")
Frame = EncodedEvent | Beat | End

_log = structlog.get_logger(__name__)

_SILENCE_S = 60.0
"""How long a call that is never answered is kept, where its caller has no deadline."""


class ConnectionLostError(Exception):
    """The connection broke: the caller gets UNAVAILABLE, and nobody's word about it."""


class SilenceError(ConnectionLostError):
    """The answer was lost on a connection that stands: its caller waited in vain."""


class NoAnswerError(Exception):
    """The venue failed after the fact: the caller gets INTERNAL, and nobody's word about it."""


class Doors:
    """Orders, cancels and questions of accounts, with all that happens to them on the way.

    Args:
        trading: what really happens.
        stream: what is told of it.
        tells_fill: whether an event tells of a fill.
        latency: how long calls are on their way.
        metrics: counts the faults.
        run: number of the venue's run.
        end_process: ends the process at once, without a word.
    """

    def __init__(
        self,
        trading: Trading,
        stream: AccountStream,
        tells_fill: Callable[[EncodedEvent], bool],
        latency: LatencyModel,
        metrics: SimvenueMetrics,
        run: int,
        end_process: Callable[[], object],
    ) -> None:
        self._trading = trading
        self._stream = stream
        self._tells_fill = tells_fill
        self._latency = latency
        self._metrics = metrics
        self._run = run
        self._end_process = end_process
        self._dice = Dice(FaultScript(), run)
        self._hidden: dict[tuple[str, str], float] = {}
        self._late: asyncio.Queue[tuple[float, str, int, float]] = asyncio.Queue()
        self._away_until = 0.0
        self._connection = Connection()

    @property
    def dice(self) -> Dice:
        """The script at work, and what it did so far."""
        return self._dice

    def install(self, script: FaultScript) -> None:
        """Begin with a script anew; an empty one ends all faults but those under way."""
        self._dice = Dice(script, self._run)
        kinds = ", ".join(f"{kind}={rule.rate:g}" for kind, rule in script.rules.items())
        _log.info("fault_script_installed", seed=script.seed, rules=kinds)

    async def run(self) -> None:
        """Let fills that come after their cancel happen, for ever."""
        while True:
            due, account, venue_order_id, share = await self._late.get()
            await asyncio.sleep(due - _now())
            await self._trading.fill_late(account, venue_order_id, share)

    async def place(
        self, account: str, request: NewOrder, connection: Connection | None = None
    ) -> OrderWithFills:
        """Accept an order; see :meth:`Trading.place`.

        Args:
            account: whose order it is.
            request: what is asked for.
            connection: what it came in by, where that was there before it; a new one otherwise.
        """

        def arrive() -> Awaitable[OrderWithFills]:
            pieces = self._dice.pieces() if self._strikes(FaultKind.PARTIAL_FILLS) else 1
            if self._strikes(FaultKind.LATE_VISIBILITY):
                key = account, request.client_order_id
                self._hidden[key] = _now() + self._dice.script.hidden_seconds
            return self._trading.place(account, request, pieces)

        return await self.travel(Operation.PLACE, account, arrive, connection=connection)

    async def cancel(self, account: str, order_id: str | int) -> OrderWithFills:
        """Take an order out; see :meth:`Trading.cancel`."""
        return await self.travel(
            Operation.CANCEL, account, lambda: self._trading.cancel(account, order_id), self.cancelled
        )

    async def order(self, account: str, order_id: str | int) -> OrderWithFills:
        """One order; raises UNKNOWN_ACCOUNT, ORDER_NOT_FOUND."""
        answer = await self.ask(lambda: self._trading.order(account, order_id))
        if self.hides(answer.order):
            raise order_not_found(account, order_id)
        return answer

    async def open_orders(self, account: str, symbol: str) -> Sequence[Order]:
        """All open orders; raises UNKNOWN_ACCOUNT."""
        found = await self.ask(lambda: self._trading.open_orders(account, symbol))
        return [order for order in found if not self.hides(order)]

    async def balances(self, account: str) -> Holdings:
        """What an account has; raises UNKNOWN_ACCOUNT."""
        return await self.ask(lambda: self._trading.balances(account))

    async def positions(self, account: str) -> Sequence[ValuedPosition]:
        """Open positions of perpetuals; raises UNKNOWN_ACCOUNT."""
        return await self.ask(lambda: self._trading.positions(account))

    async def fills(self, account: str, after_trade_id: int, limit: int) -> Sequence[Fill]:
        """Fills by trade id; raises UNKNOWN_ACCOUNT."""
        return await self.ask(lambda: self._trading.fills(account, after_trade_id, limit))

    async def transfers(self, account: str, after_transfer_id: int, limit: int) -> Sequence[Transfer]:
        """Transfers by transfer id; raises UNKNOWN_ACCOUNT."""
        return await self.ask(lambda: self._trading.transfers(account, after_transfer_id, limit))

    def connect(self) -> Connection:
        """The connection of a call that begins.

        Raises:
            ConnectionLostError: the venue is away.
        """
        if _now() < self._away_until:
            raise ConnectionLostError
        return self._connection

    async def connected(self) -> Connection:
        """The same, for a call that has nothing else to wait for."""
        return self.connect()

    async def events(self, account: str, after_sequence: int) -> AsyncIterator[Frame]:
        """The events of an account one by one; see :meth:`pages`."""
        async for page in self.pages(account, after_sequence):
            if isinstance(page, Beat | End):
                yield page
            else:
                for event in page:
                    yield event

    async def pages(
        self, account: str, after_sequence: int
    ) -> AsyncIterator[Sequence[EncodedEvent] | Beat | End]:
        """The events of an account, with what befalls them; see :meth:`AccountStream.pages`.

        Raises:
            DomainError: UNKNOWN_ACCOUNT, CURSOR_OUT_OF_RANGE.
            ConnectionLostError: the stream broke.
        """
        connection = self.connect()
        held: EncodedEvent | None = None
        async for page in self._stream.pages(account, after_sequence, connection):
            if isinstance(page, Beat | End):
                yield page
                if held is not None:
                    yield [held]
                    held = None
                continue
            told: list[EncodedEvent] = []
            for event in page:
                if self._strikes(FaultKind.DROPPED_STREAM):
                    yield told
                    raise ConnectionLostError
                fill = self._doubts_fills() and self._tells_fill(event)
                if fill and held is None and self._strikes(FaultKind.REORDERED_FILL):
                    held = event
                    continue
                told.append(event)
                if fill and self._strikes(FaultKind.DUPLICATE_FILL):
                    told.append(event)
                if held is not None:
                    told.append(held)
                    held = None
            yield told
        if connection.broken:
            raise ConnectionLostError

    async def travel(
        self,
        operation: Operation,
        account: str,
        arrive: Callable[[], Awaitable[T]],
        then: Callable[[T], None] | None = None,
        connection: Connection | None = None,
    ) -> T:
        """Bring an order or a cancel to the venue, and its answer back.

        Args:
            operation: which of the two, for the latency model.
            account: who asks.
            arrive: what happens at the venue.
            then: told what happened there, before the answer can be lost.
            connection: what it came in by; a new one where it is absent.
        """
        connection = connection or self.connect()
        if connection.broken:
            raise ConnectionLostError
        await self._latency.pass_leg(operation, Leg.REQUEST, account)
        self._limit_rate()
        if self._strikes(FaultKind.LOST_REQUEST):
            raise ConnectionLostError
        if self._strikes(FaultKind.RESET):
            self._reset()
            if self._dice.toss():
                raise ConnectionLostError
        ends = self._strikes(FaultKind.RESTART)
        if ends and self._dice.toss():
            self._end()
        await self._latency.pass_leg(operation, Leg.MATCHING, account)
        answer = await arrive()
        if ends:
            self._end()
        if then is not None:
            then(answer)
        await self._lose_answer()
        await self._latency.pass_leg(operation, Leg.ANSWER, account)
        if connection.broken:
            raise ConnectionLostError
        return answer

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Bring a question to the venue, and its answer back."""
        connection = self.connect()
        self._limit_rate()
        answer = await question()
        if connection.broken:
            raise ConnectionLostError
        return answer

    async def _lose_answer(self) -> None:
        """What can befall a call after it happened."""
        if self._strikes(FaultKind.LOST_ACK):
            if self._dice.toss():
                await asyncio.sleep(_SILENCE_S)
                raise SilenceError
            raise ConnectionLostError
        if self._strikes(FaultKind.ERROR_AFTER_ACCEPT):
            raise NoAnswerError

    def _limit_rate(self) -> None:
        if self._strikes(FaultKind.RATE_LIMITED):
            seconds = self._dice.script.retry_after_seconds
            raise DomainError(
                "RATE_LIMITED",
                f"too many requests; nothing was done, try again in {seconds:g} s",
                kind=ErrorKind.EXHAUSTED,
                retry_after=timedelta(seconds=seconds),
            )

    def cancelled(self, answer: OrderWithFills) -> None:
        """An order was cancelled; it may be filled all the same, a little later."""
        order = answer.order
        rested = isinstance(working_terms(order.request.terms), LimitTerms)
        if rested and self._strikes(FaultKind.FILL_AFTER_CANCEL):
            due = _now() + self._dice.script.late_fill_seconds
            self._late.put_nowait((due, order.account, order.venue_order_id, self._dice.share()))

    def hides(self, order: Order) -> bool:
        """Whether an order cannot be seen yet."""
        key = order.account, order.request.client_order_id
        until = self._hidden.get(key)
        if until is None:
            return False
        if _now() < until:
            return True
        del self._hidden[key]
        return False

    def _reset(self) -> None:
        self._away_until = _now() + self._dice.script.away_seconds
        self._connection.broken = True
        self._connection = Connection()
        self._stream.wake()

    def _end(self) -> NoReturn:
        self._end_process()
        raise ConnectionLostError  # where the process is a test's, which goes on

    def _doubts_fills(self) -> bool:
        rules = self._dice.script.rules
        return FaultKind.REORDERED_FILL in rules or FaultKind.DUPLICATE_FILL in rules

    def _strikes(self, kind: FaultKind) -> bool:
        if not self._dice.strikes(kind):
            return False
        self._metrics.faults.labels(kind.value).inc()
        _log.warning("fault_struck", kind=kind.value, times=self._dice.struck[kind])
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()


def end_now() -> NoReturn:
    """End the process without a word: no drain, no last commit."""
    os._exit(1)
