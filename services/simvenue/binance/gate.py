"""The one way every request takes, whether it came over HTTP or a WebSocket."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import structlog

from services.kernel.errors import DomainError
from services.simvenue.binance.errors import BinanceError, mandatory, of_domain, outcome_unknown
from services.simvenue.binance.keys import ApiKey, Keyring, check_age, check_signature
from services.simvenue.binance.limits import Limits
from services.simvenue.binance.params import Params
from services.simvenue.doors import NoAnswerError

_log = structlog.get_logger(__name__)


class Security(Enum):
    """What a request must show."""

    NONE = auto()
    KEY = auto()  # USER_STREAM and MARKET_DATA: a key
    SIGNED = auto()  # TRADE and USER_DATA: a key, a fresh timestamp and a signature


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be answered.

    Attributes:
        account: whose key it shows; empty where none is needed.
        params: what it asks.
        key: the key; None where none is needed.
    """

    account: str
    params: Params
    key: ApiKey | None = None


Handle = Callable[[Call], Awaitable[Any]]
Weight = Callable[[Params], int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Something that can be asked for.

    Attributes:
        method: HTTP method.
        path: HTTP path.
        handle: answers, or raises BinanceError.
        weight: request weight; a function where it depends on what is asked.
        security: what a request must show.
        orders: how many orders it counts for.
        name: method name in the WebSocket API; empty where it is not there.
    """

    method: str
    path: str
    handle: Handle
    weight: int | Weight = 1
    security: Security = Security.NONE
    orders: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows of its sender.

    Attributes:
        address: where it came from.
        key: its API key, if it shows one.
        payload: what must have been signed.
        signature: the signature, if there is one.
        session: the key of its session, where that is logged on; counts where it shows none itself.
    """

    address: str
    key: str | None
    payload: str
    signature: str | None
    session: ApiKey | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back.

    Attributes:
        status: HTTP status.
        body: to be sent as JSON.
        headers: how much of the limits is used, and how long to wait.
        account: who asked; empty where nobody showed a key.
    """

    status: int
    body: Any
    headers: Mapping[str, str]
    account: str = ""


class Gate:
    """Counts a request, checks who asks, and has it answered.

    Args:
        keyring: all keys.
        limits: what may be asked.
        now_ms: our own time.
        refusal: what Binance would say where the venue says this.
    """

    def __init__(
        self,
        keyring: Keyring,
        limits: Limits,
        now_ms: Callable[[], int],
        refusal: Callable[[DomainError], BinanceError] = of_domain,
    ) -> None:
        self._keyring = keyring
        self._of_domain = refusal
        self.now_ms = now_ms
        self.limits = limits

    async def answer(self, endpoint: Endpoint, params: Params, sender: Credentials) -> Answer:
        """Answer a request; whatever goes wrong is an answer, too.

        Raises:
            ConnectionLostError: the connection breaks, and there is no answer.
        """
        account = ""
        try:
            weight = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(params)
            self.limits.charge(sender.address, weight)
            key = self.admit(endpoint.security, params, sender)
            account = "" if key is None else key.account
            for _ in range(endpoint.orders):
                self.limits.count_order(account)
            body = await endpoint.handle(Call(account, params, key))
        except BinanceError as error:
            return self._refusal(error, sender.address, account)
        except DomainError as error:
            return self._refusal(self._of_domain(error), sender.address, account)
        except (NoAnswerError, RuntimeError):  # the ledger failed after it was done, or a fault says so
            return self._refusal(outcome_unknown(), sender.address, account)
        headers = self._headers(sender.address)
        if endpoint.orders:
            headers |= self.limits.order_headers(account)
        return Answer(200, body, headers, account)

    def admit(self, security: Security, params: Params, sender: Credentials) -> ApiKey | None:
        """The key of who asks; None where nobody has to be known.

        Raises:
            BinanceError: -2014, -2015, -1102, -1021, -1022.
        """
        if security is Security.NONE:
            return None
        known = sender.session if sender.key is None else None
        key = known or self._keyring.find(sender.key)
        if security is Security.SIGNED:
            params.ignore("signature", "timestamp", "recvWindow")
            if not params.has("timestamp"):
                raise mandatory("timestamp")
            if known is None or sender.signature:
                _check_signed(key, sender)
            check_age(params, self.now_ms())
        return key

    def _headers(self, address: str) -> dict[str, str]:
        used = str(self.limits.used(address))
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def _refusal(self, error: BinanceError, address: str, account: str) -> Answer:
        _log.info("binance_refused", account=account, code=error.code, text=error.text)
        return Answer(error.status, error.body(), {**self._headers(address), **error.headers}, account)


def _check_signed(key: ApiKey, sender: Credentials) -> None:
    if not sender.signature:
        raise mandatory("signature")
    check_signature(key, sender.payload, sender.signature)


def by_symbols(one: int, every: int) -> Weight:
    """A weight that is higher where no single symbol is named."""
    return lambda params: one if params.has("symbol") else every


Endpoints = Sequence[Endpoint]
