"""What is known of every venue now: written by the feeds, read by the calls."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind, Resource
from services.kernel.names import InstrumentName
from services.market.domain.feed_events import (
    BookChanged,
    ClockMoved,
    FeedEvent,
    InstrumentsListed,
    Resynced,
    TradeHappened,
    subject_of,
)
from services.market.domain.instrument import Instrument
from services.market.domain.live import Changes, Keeping, LiveInstrument
from services.market.metrics import MarketMetrics
from services.market.subscription import Subscription

_RETRY_AFTER = timedelta(seconds=1)


class VenueBoard:
    """Everything that is known of one venue's instruments.

    Args:
        venue: id of the venue.
        clock: our time.
        stale_after: age of the feed's last event above which prices are not honest any more.
        keeping: how much of the past is kept.
        metrics: where to count.
    """

    def __init__(
        self,
        venue: str,
        clock: Clock,
        metrics: MarketMetrics,
        *,
        stale_after: timedelta = timedelta(seconds=5),
        keeping: Keeping | None = None,
    ) -> None:
        self.venue = venue
        self._clock = clock
        self._metrics = metrics
        self._stale_after = stale_after
        self._keeping = keeping or Keeping()
        self._live: dict[str, LiveInstrument] = {}
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._last_event: datetime | None = None
        self._ready = asyncio.Event()
        metrics.watch_silence(venue, self.silence)

    async def ready(self) -> None:
        """Wait until the first snapshot of every instrument is in."""
        await self._ready.wait()

    def silence(self) -> float:
        """Seconds since the feed's last event; infinite before the first."""
        if self._last_event is None:
            return float("inf")
        return (self._clock.now() - self._last_event).total_seconds()

    def check_fresh(self) -> None:
        """Hold the feed to its promise.

        Raises:
            DomainError: UNAVAILABLE with reason MARKET_DATA_STALE.
        """
        silence = self.silence()
        if silence > self._stale_after.total_seconds():
            raise stale(self.venue, f"the feed of {self.venue} has been silent for {silence:.1f} s")

    def instruments(self) -> Sequence[Instrument]:
        """All instruments, by name.

        Raises:
            DomainError: MARKET_DATA_STALE: the venue has not said yet.
        """
        self._check_listed()
        return [self._live[key].instrument for key in sorted(self._live)]

    def instrument(self, name: InstrumentName) -> Instrument:
        """One instrument.

        Raises:
            DomainError: INSTRUMENT_NOT_FOUND; MARKET_DATA_STALE: the venue has not said yet.
        """
        return self._listed(name).instrument

    def live(self, name: InstrumentName) -> LiveInstrument:
        """What is known of an instrument.

        Raises:
            DomainError: INSTRUMENT_NOT_FOUND; MARKET_DATA_STALE before the first snapshot.
        """
        found = self._listed(name)
        if not found.known:
            raise stale(self.venue, f"{name} has no order book yet")
        return found

    def apply(self, event: FeedEvent) -> None:
        """Take an event in and tell the subscribers.

        Raises:
            SequenceGapError: an event before it is missing; the feed must be opened again.
        """
        self._last_event = self._clock.now()
        match event:
            case InstrumentsListed(instruments=instruments):
                self._list(instruments)
            case Resynced() | BookChanged() | TradeHappened() | ClockMoved():
                name = subject_of(event).instrument
                changes = self._move(self._live[name], event)
                for subscription in self._subscriptions.get(name, ()):
                    subscription.offer(changes)

    def subscribe(self, name: InstrumentName, subscription: Subscription) -> None:
        """Tell a subscription every change of an instrument from now on."""
        self._subscriptions.setdefault(name.instrument, set()).add(subscription)
        self._metrics.subscribers.inc()

    def unsubscribe(self, name: InstrumentName, subscription: Subscription) -> None:
        """Tell it nothing more."""
        self._subscriptions[name.instrument].remove(subscription)
        self._metrics.subscribers.dec()

    def _listed(self, name: InstrumentName) -> LiveInstrument:
        self._check_listed()
        found = self._live.get(name.instrument)
        if found is None:
            raise not_found(str(name))
        return found

    def _check_listed(self) -> None:
        if not self._live:
            raise stale(self.venue, f"{self.venue} has not listed its instruments yet")

    def _list(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            key = instrument.name.instrument
            if key in self._live:
                self._live[key].instrument = instrument
            else:
                self._live[key] = LiveInstrument(instrument, self._keeping)

    def _move(
        self, live: LiveInstrument, event: Resynced | BookChanged | TradeHappened | ClockMoved
    ) -> Changes:
        match event:
            case Resynced():
                return self._resync(live, event)
            case BookChanged():
                return live.change_book(event)
            case TradeHappened():
                return live.add_trade(event)
            case ClockMoved(exchange_time=moment):
                return live.advance(moment)

    def _resync(self, live: LiveInstrument, event: Resynced) -> Changes:
        if live.known:
            self._metrics.resyncs.labels(self.venue).inc()
        changes = live.resync(event)
        if all(each.known for each in self._live.values()):
            self._ready.set()
        return changes


class Board:
    """Every venue of this service.

    Args:
        venues: one board for each.
        others: boards of venues that this service does well without: the start does not wait for them,
            and where they are away, only calls for them answer MARKET_DATA_STALE.
    """

    def __init__(self, venues: Sequence[VenueBoard], others: Sequence[VenueBoard] = ()) -> None:
        self._needed = tuple(venues)
        self._venues = {venue.venue: venue for venue in (*venues, *others)}

    def venue(self, venue: str, asked_for: str) -> VenueBoard:
        """The board of a venue.

        Args:
            venue: id of the venue.
            asked_for: the name that the caller asked for.

        Raises:
            DomainError: INSTRUMENT_NOT_FOUND: the mesh is not connected to such a venue.
        """
        found = self._venues.get(venue)
        if found is None:
            raise not_found(asked_for)
        return found

    async def ready(self) -> None:
        """Wait until the first snapshots of every venue that is needed are in."""
        for venue in self._needed:
            await venue.ready()

    async def check_fresh(self) -> None:
        """The service's self test.

        Raises:
            DomainError: MARKET_DATA_STALE: a feed that is needed has been silent for too long.
        """
        for venue in self._needed:
            venue.check_fresh()


def stale(venue: str, message: str) -> DomainError:
    """The error that says that there is no honest answer now."""
    return DomainError(
        "MARKET_DATA_STALE",
        message,
        kind=ErrorKind.UNAVAILABLE,
        metadata={"venue": venue},
        retry_after=_RETRY_AFTER,
    )


def not_found(name: str) -> DomainError:
    """The error that says that nobody knows such an instrument."""
    return DomainError(
        "INSTRUMENT_NOT_FOUND",
        f"no connected venue has {name}",
        kind=ErrorKind.NOT_FOUND,
        metadata={"instrument": name},
        resource=Resource("trademesh/Instrument", name),
    )
