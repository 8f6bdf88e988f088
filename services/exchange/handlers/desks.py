"""What the use cases know of each venue, and of each account at it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import structlog

from services.exchange.domain.errors import venue_rate_limited, venue_unavailable
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import OrderIntent
from services.exchange.ports import ProtectedVenue, VenueThrottledError, VenueUnreachableError
from services.exchange.protection.metrics import STATE
from services.exchange.views import Contact, VenueView
from services.kernel.clock import Clock
from services.kernel.names import AccountName, InstrumentName, VenueName

_log = structlog.get_logger(__name__)


class VenueDesk:
    """One venue: its adapter, whether it answers, and its instruments.

    Args:
        venue: the adapter, behind its protection.
        display_name: for a person.
        clock: our clock.
    """

    def __init__(self, venue: ProtectedVenue, display_name: str, clock: Clock) -> None:
        self.venue = venue
        self._display_name = display_name
        self._clock = clock
        self._contact = Contact.UNSPECIFIED
        self._last_contact: datetime | None = None
        self._rules: Mapping[str, InstrumentRules] = {}

    @property
    def connected(self) -> bool:
        """Whether the venue answered when it was last asked."""
        return self._contact is Contact.CONNECTED

    @property
    def away(self) -> bool:
        """Whether the venue did not answer when it was last asked."""
        return self._contact is Contact.DISCONNECTED

    def view(self) -> VenueView:
        """The venue as callers see it."""
        venue, condition = self.venue, self.venue.condition()
        held_back = condition.contact is not Contact.UNSPECIFIED
        message = condition.message or ("it does not answer" if self.away else "")
        heard = [each for each in (self._last_contact, condition.last_contact) if each is not None]
        return VenueView(
            venue.venue_id,
            self._display_name,
            venue.simulated,
            condition.contact if held_back else self._contact,
            max(heard, default=None),
            venue.capabilities.table,
            condition.retry_time,
            message,
            condition.budgets,
            condition.live,
        )

    def heard(self) -> None:
        """The venue has answered."""
        self._last_contact = self._clock.now()
        self._turn(Contact.CONNECTED, "")

    def silent(self, detail: str) -> None:
        """The venue has not answered."""
        self._turn(Contact.DISCONNECTED, detail)

    def unanswered(self, error: VenueUnreachableError) -> None:
        """A question had no answer. One that we held back ourselves says nothing of the venue."""
        if not isinstance(error, VenueThrottledError):
            self.silent(str(error))

    async def refresh(self) -> None:
        """Ask for the instruments, which is the sign of life as well.

        Raises:
            VenueUnreachableError: it does not answer.
        """
        try:
            rules = await self.venue.instruments()
        except VenueUnreachableError as error:
            self.unanswered(error)
            raise
        self._rules = {each.instrument: each for each in rules}
        self.heard()

    async def check(self, intent: OrderIntent) -> InstrumentRules:
        """Hold an intent to the instrument's rules, and give them; only where orders may leave now.

        Raises:
            DomainError: LIVE_TRADING_OFF, VENUE_RATE_LIMITED, VENUE_UNAVAILABLE, INSTRUMENT_NOT_FOUND,
                or the rule that it breaks.
        """
        await self.venue.admit_order()
        if intent.instrument not in self._rules or not self.connected:
            try:
                await self.refresh()
            except VenueThrottledError as error:
                raise venue_rate_limited(intent.venue, str(error), error.retry_after) from error
            except VenueUnreachableError as error:
                raise venue_unavailable(intent.venue, "it does not answer", error.retry_after) from error
        rules = self._rules.get(intent.instrument)
        if rules is None:
            name = InstrumentName(intent.venue, intent.instrument)
            raise name.not_found(f"the venue does not trade {name}")
        self.venue.capabilities.require(intent, rules.contract)
        rules.check(intent)
        return rules

    def show_state(self) -> None:
        """Bring the metric of its state up to date."""
        state = self.view().contact
        for each in Contact:
            STATE.labels(self.venue.venue_id, each.value).set(each is state)

    def lot(self, instrument: str) -> Decimal:
        """What quantities of an instrument are whole multiples of; 0 where the venue has not said it."""
        rules = self._rules.get(instrument)
        return Decimal(0) if rules is None else rules.lot_size

    def rules(self, instrument: str) -> InstrumentRules | None:
        """The rules of an instrument as they were last told; None where they were not."""
        return self._rules.get(instrument)

    def _turn(self, contact: Contact, detail: str) -> None:
        if contact is self._contact:
            return
        self._contact = contact
        self.show_state()
        write = _log.info if contact is Contact.CONNECTED else _log.warning
        write(f"venue_{contact.lower()}", venue=self.venue.venue_id, detail=detail)


class Desk:
    """One account at one venue.

    Attributes:
        account: id of the account.
        venue_desk: the venue.
        recovered: whether we have compared ourselves with the venue since we became the writer.
        unsettled: set to make the resolver look at once.
    """

    def __init__(self, account: str, venue_desk: VenueDesk) -> None:
        self.account = account
        self.venue_desk = venue_desk
        self.recovered = False
        self.unsettled = asyncio.Event()

    @property
    def venue(self) -> ProtectedVenue:
        """The adapter, behind its protection."""
        return self.venue_desk.venue

    @property
    def venue_id(self) -> str:
        """Id of the venue."""
        return self.venue_desk.venue.venue_id


class Desks:
    """All accounts at all venues."""

    def __init__(self, desks: Sequence[Desk], venues: Sequence[VenueDesk]) -> None:
        self._desks = {(desk.account, desk.venue_id): desk for desk in desks}
        self._venues = {each.venue.venue_id: each for each in venues}
        self.accounts = tuple(sorted({desk.account for desk in desks}))

    def all(self) -> Sequence[Desk]:
        """Every desk."""
        return tuple(self._desks.values())

    def of_account(self, account: str) -> Sequence[Desk]:
        """The desks of an account, by venue.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND.
        """
        self.require_account(account)
        return [desk for (name, _), desk in sorted(self._desks.items()) if name == account]

    def desk(self, account: str, venue: str) -> Desk:
        """The desk of an account at a venue.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND or VENUE_NOT_FOUND.
        """
        self.require_account(account)
        desk = self._desks.get((account, venue))
        if desk is None:
            raise VenueName(venue).not_found()
        return desk

    def require_account(self, account: str) -> None:
        """Refuse an account that is not configured.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND.
        """
        if account not in self.accounts:
            raise AccountName(account).not_found()

    def venues(self) -> Sequence[VenueDesk]:
        """The venues, by id."""
        return [self._venues[name] for name in sorted(self._venues)]

    def venue(self, venue: str) -> VenueDesk:
        """One venue.

        Raises:
            DomainError: VENUE_NOT_FOUND.
        """
        found = self._venues.get(venue)
        if found is None:
            raise VenueName(venue).not_found()
        return found
