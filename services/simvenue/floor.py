"""The trading floor: the one place where the venue changes, and where its facts reach the disk.

Everything runs on the event loop, one step at a time. A command about an account changes the venue
at once, but is answered only after the commit of everything that was true when it was answered, so
nobody is ever told a private fact that a crash could take back. While one commit runs, further
commands pile up behind it and share the next one.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog

from services.kernel.errors import DomainError, ErrorKind
from services.simvenue.domain.market import PublicEvent
from services.simvenue.domain.orders import AccountEvent
from services.simvenue.domain.venue import Venue
from services.simvenue.drivers.driver import TimedActions
from services.simvenue.feeds import Memory, Signal
from services.simvenue.marks import Leases
from services.simvenue.ports import EncodedEvent, Ledger

T = TypeVar("T")
Answer = Callable[[], None]

_log = structlog.get_logger(__name__)

_LEASE_CHECK_SECONDS = 1.0
_ACCOUNT_EVENTS_KEPT = 2_000


class TradingFloor:
    """Runs the venue.

    Args:
        venue: what is run; all its accounts are open, and no fact waits.
        leases: its clock and ids.
        ledger: where its facts go.
        encode: makes the form of an account event that is sent and stored.
        public_kept: public events of each instrument kept for slow readers.
    """

    def __init__(
        self,
        venue: Venue,
        leases: Leases,
        ledger: Ledger,
        encode: Callable[[AccountEvent], bytes],
        public_kept: int,
    ) -> None:
        self._venue = venue
        self._leases = leases
        self._ledger = ledger
        self._encode = encode
        self._wake = asyncio.Event()
        self._answers: list[Answer] = []
        self._waiting: set[asyncio.Future[Any]] = set()
        self._account_events = {
            account.name: Memory[EncodedEvent](account.sequence, _ACCOUNT_EVENTS_KEPT)
            for account in venue.accounts()
        }
        self.account_signal = Signal()
        self.public: dict[str, Memory[PublicEvent]] = {
            symbol: Memory(market.sequence, public_kept) for symbol, market in venue.markets.items()
        }
        self.public_signal = Signal()

    @property
    def venue(self) -> Venue:
        """The venue, for looking at what is public."""
        return self._venue

    @property
    def now_ns(self) -> int:
        """Exchange time now."""
        return max(self._venue.time_ns, self._leases.clock.now_ns())

    def account_events(self, account: str) -> Memory[EncodedEvent]:
        """The last events of an account that are on disk.

        Raises:
            DomainError: UNKNOWN_ACCOUNT.
        """
        return self._account_events[self._venue.account(account).name]

    def act(self, step: TimedActions) -> None:
        """Let the crowd act."""
        self._venue.act(step.symbol, step.actions, step.time_ns)
        self._after_step()

    async def execute(self, command: Callable[[Venue, int], T]) -> T:
        """Run a command now, and answer once everything it rests on is on disk.

        Args:
            command: gets the venue and exchange time; may raise DomainError.

        Raises:
            DomainError: what the command raised, or VENUE_HALTED: the ledger failed before the
                command ran, and nothing happened.
            RuntimeError: the ledger failed after it ran; what became of it is unknown.
        """
        if self.account_signal.halted:
            raise _halted()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        now_ns = self.now_ns
        self._venue.advance(now_ns)  # what has run out must not be told as open
        answer = _run(command, self._venue, now_ns, future)
        self._after_step()
        self._answers.append(answer)
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Write what happens, for ever.

        Raises:
            Exception: whatever the ledger raised. Memory is ahead of the disk then: the process must
                end, and the next one goes on from the disk.
        """
        try:
            while True:
                await self.flush()
                await self._next_turn()
        except Exception:
            self._halt()
            raise

    async def flush(self) -> None:
        """Write what happened so far, then answer those who wait for it."""
        self._wake.clear()
        self._venue.advance(self.now_ns)
        self._after_step()
        answers, self._answers = self._answers, []
        facts = self._venue.take_facts()
        marks = self._leases.wanted()
        if facts or marks is not None:
            events = [EncodedEvent(fact.account, fact.sequence, self._encode(fact)) for fact in facts]
            await self._ledger.save(facts, events, marks)
            if marks is not None:
                self._leases.granted(marks)
            self._tell(events)
        for answer in answers:
            answer()

    def _after_step(self) -> None:
        if public := self._venue.take_public():
            for symbol, event in public:
                self.public[symbol].add(event)
            self.public_signal.give()
        if self._venue.has_facts:
            self._wake.set()

    def _tell(self, events: Sequence[EncodedEvent]) -> None:
        for event in events:
            self._account_events[event.account].add(event)
        if events:
            self.account_signal.give()

    async def _next_turn(self) -> None:
        try:
            async with asyncio.timeout(_LEASE_CHECK_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    def _halt(self) -> None:
        _log.error("venue_halted", waiting=len(self._waiting))
        self.account_signal.halt()
        self.public_signal.halt()
        for future in list(self._waiting):
            if not future.done():
                future.set_exception(RuntimeError("the ledger failed; what became of this is unknown"))


def _run(
    command: Callable[[Venue, int], T], venue: Venue, now_ns: int, future: "asyncio.Future[T]"
) -> Answer:
    """Run a command; what it says is kept back until the answer is called."""
    try:
        value = command(venue, now_ns)
    except DomainError as error:
        refusal = error
        return lambda: None if future.done() else future.set_exception(refusal)
    return lambda: None if future.done() else future.set_result(value)


def _halted() -> DomainError:
    return DomainError(
        "VENUE_HALTED", "the venue's ledger failed; nothing was done", kind=ErrorKind.UNAVAILABLE
    )
