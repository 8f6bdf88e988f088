"""One venue's ccxt clients: one for public data, one for each account, all with the same markets."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from services.exchange.domain.assets import Contract
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.venues.ccxt_client import Door, Watch, open_door
from services.exchange.venues.ccxt_convert import rules_of
from services.exchange.venues.ccxt_dialects import Dialect
from services.exchange.venues.ccxt_memory import KnownOrders, Sendings
from services.exchange.venues.ccxt_names import symbols_of
from services.exchange.venues.ccxt_settings import CcxtSettings, MissingKeyError

_ASK_S: Final = 8.0


@dataclass(slots=True)
class Session:
    """One account at the venue.

    Attributes:
        client: ccxt's exchange with the account's key.
        known: what is remembered of its orders.
        sendings: what was sent.
    """

    client: Any
    sendings: Sendings
    known: KnownOrders = field(default_factory=KnownOrders)


@dataclass(frozen=True, slots=True)
class Listed:
    """An instrument as the venue lists it.

    Attributes:
        symbol: ccxt's unified symbol.
        rules: its rules.
        market: ccxt's own structure.
    """

    symbol: str
    rules: InstrumentRules
    market: Mapping[str, Any] = field(repr=False)

    @property
    def contract(self) -> Contract | None:
        """What one unit stands for."""
        return self.rules.contract


class Sessions:
    """Opens clients when they are needed, and keeps the markets of all of them in step.

    Args:
        settings: of the venue.
        sandbox: whether its sandbox is meant.
        dialect: of the venue.
        now: our clock.
        watch: hears the headers of every answer.
    """

    def __init__(
        self,
        settings: CcxtSettings,
        dialect: Dialect,
        now: Callable[[], datetime],
        watch: Watch,
        *,
        sandbox: bool,
    ) -> None:
        self._settings = settings
        self._sandbox = sandbox
        self._dialect = dialect
        self._now = now
        self._born = now()
        self._watch = watch
        self._public: Any = None
        self._accounts: dict[str, Session] = {}
        self._listed: dict[str, Listed] = {}
        self._read_at: datetime | None = None
        self._lock = asyncio.Lock()

    @property
    def listed(self) -> Mapping[str, Listed]:
        """What the venue lists of the configured instruments, as last read."""
        return self._listed

    async def instruments(self) -> Mapping[str, Listed]:
        """The configured instruments, read anew when they are old.

        Raises:
            Exception: what ccxt raises, or ValueError where the venue does not list one.
        """
        async with self._lock:
            if self._read_at is None or self._now() - self._read_at > self._old:
                client = self.public()
                markets = await client.load_markets(reload=True)
                self._listed = {each: _found(each, markets) for each in self._settings.instruments}
                self._read_at = self._now()
                for session in self._accounts.values():
                    self._share(session.client)
        return self._listed

    async def alive(self) -> None:
        """Ask the cheapest question: the venue's time, or the top of a book where it does not tell it.

        Raises:
            Exception: what ccxt raises.
        """
        client = self.public()
        if client.has["fetchTime"]:
            await client.fetch_time()
        else:
            await client.fetch_order_book(next(iter(self._listed.values())).symbol, 1)

    def public(self) -> Any:
        """The client without a key."""
        if self._public is None:
            self._public = open_door(self._door(), self._watch)
        return self._public

    async def of(self, account: str) -> Session:
        """The session of an account.

        Raises:
            Exception: what ccxt raises, or MissingKeyError.
        """
        await self.instruments()
        session = self._accounts.get(account)
        if session is None:
            sendings = Sendings(self._born, for_good=self._dialect.ids_for_good)
            session = self._accounts[account] = Session(self.another(account), sendings)
        return session

    def another(self, account: str) -> Any:
        """A client of its own with an account's key; whoever asks closes it.

        Raises:
            MissingKeyError: there is none.
        """
        keys = self._settings.keys.get(account)
        if keys is None:
            raise MissingKeyError(f"account {account} has no key in the venue's settings")
        key = keys.read()
        client = open_door(self._door(key.key, key.secret), self._watch)
        self._share(client)
        return client

    async def close(self) -> None:
        """Close every connection."""
        clients = [each.client for each in self._accounts.values()]
        clients += [self._public] if self._public is not None else []
        self._accounts.clear()
        self._public = None
        await asyncio.gather(*(client.close() for client in clients), return_exceptions=True)

    @property
    def _old(self) -> timedelta:
        return timedelta(minutes=self._settings.rules_minutes)

    def _share(self, client: Any) -> None:
        client.set_markets([each.market for each in self._listed.values()])

    def _door(self, key: str = "", secret: str = "") -> Door:
        settings = self._settings
        return Door(
            settings.exchange,
            settings.market,
            self._sandbox and not settings.local,
            key,
            secret,
            settings.rest_url,
            settings.ws_url,
            _ASK_S,
            self._dialect.options(settings.market),
        )


def _found(instrument: str, markets: Mapping[str, Any]) -> Listed:
    for symbol in symbols_of(instrument):
        if symbol in markets:
            return Listed(symbol, rules_of(markets[symbol]), markets[symbol])
    raise ValueError(f"the venue does not list {instrument}")
