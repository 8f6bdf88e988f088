"""The WebSocket API: every REST endpoint under a name of its own, and the user data stream beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import WSCloseCode, web

from services.simvenue.binance.connection import Connection
from services.simvenue.binance.errors import BinanceError, outcome_unknown
from services.simvenue.binance.faults import FaultKind, Faults
from services.simvenue.binance.gate import Answer, Call, Credentials, Endpoint, Endpoints, Gate, Security
from services.simvenue.binance.keys import ApiKey
from services.simvenue.binance.params import Params, pairs_of_json
from services.simvenue.binance.rest import BEFORE, fault_answer, of_error
from services.simvenue.binance.sockets import id_of, until_broken
from services.simvenue.binance.user_events import Sources, UserEvents
from services.simvenue.doors import ConnectionLostError

_CONNECTING: Final = 2
_DROPS: Final = frozenset({FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER})


class WebSocketApi:
    """Answers requests for the WebSocket API.

    Args:
        gate: the way every request takes.
        endpoints: what can be asked for; those without a name cannot be asked for here.
        sources: where streams come from.
        faults: what goes wrong.
    """

    def __init__(self, gate: Gate, endpoints: Endpoints, sources: Sources, faults: Faults) -> None:
        self._gate = gate
        self._endpoints = {each.name: each for each in endpoints if each.name}
        self._sources = sources
        self._faults = faults

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """``/ws-api/v3``."""
        address = request.remote or ""
        try:
            self._gate.limits.charge(address, _CONNECTING)
        except BinanceError as error:
            return web.json_response(error.body(), status=error.status, headers=error.headers)
        connection = await Connection.open(request, 0)
        forget = self._faults.watch(connection)
        connection.guard(until_broken(self._sources))
        quiet = request.query.get("returnRateLimits") == "false"
        session = _Session(self._gate, self._sources, connection, address)
        endpoints = {**self._endpoints, **{each.name: each for each in session.endpoints()}}
        try:
            await _Conversation(session, endpoints, self._faults, quiet=quiet).run()
        except ConnectionLostError:
            connection.abort()
        finally:
            forget()
            await connection.end()
        return connection.socket


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that can be understood."""

    number: Any
    method: str
    params: Mapping[str, Any]


class _Session:
    """What one socket has subscribed to."""

    def __init__(self, gate: Gate, sources: Sources, connection: Connection, address: str) -> None:
        self._sources = sources
        self._subscriptions: dict[int, str] = {}
        self._of_session: list[int] = []
        self._begun = 0
        self._connected_ms = gate.now_ms()
        self._since_ms: int | None = None
        self.key: ApiKey | None = None
        self.gate = gate
        self.connection = connection
        self.address = address

    def endpoints(self) -> Endpoints:
        """What can be asked about it."""
        none, signed, user = Security.NONE, Security.SIGNED, "userDataStream"
        return [
            Endpoint("WS", "", self.logon, 2, signed, 0, "session.logon"),
            Endpoint("WS", "", self.status, 2, none, 0, "session.status"),
            Endpoint("WS", "", self.logout, 2, none, 0, "session.logout"),
            Endpoint("WS", "", self.subscriptions, 2, none, 0, "session.subscriptions"),
            Endpoint("WS", "", self.subscribe_session, 2, none, 0, f"{user}.subscribe"),
            Endpoint("WS", "", self.subscribe, 2, signed, 0, f"{user}.subscribe.signature"),
            Endpoint("WS", "", self.unsubscribe, 2, none, 0, f"{user}.unsubscribe"),
        ]

    async def logon(self, call: Call) -> Any:
        """Log on for the requests that follow; not by an HMAC key, as at Binance."""
        call.params.finish()
        if call.key is None or not call.key.seal.logs_on:
            raise BinanceError(-4056, "HMAC_SHA256 API key is not supported.")
        self.key, self._since_ms = call.key, self.gate.now_ms()
        return self._status()

    async def logout(self, call: Call) -> Any:
        """Log off; what was subscribed to by the session ends."""
        call.params.finish()
        for number in self._of_session:
            self._end(number)
        self.key, self._since_ms = None, None
        return self._status()

    async def status(self, call: Call) -> Any:
        """Who is logged on."""
        call.params.finish()
        return self._status()

    def _status(self) -> dict[str, Any]:
        return {
            "apiKey": None if self.key is None else self.key.key,
            "authorizedSince": self._since_ms,
            "connectedSince": self._connected_ms,
            "returnRateLimits": True,
            "serverTime": self.gate.now_ms(),
            "userDataStream": bool(self._subscriptions),
        }

    async def subscriptions(self, call: Call) -> Any:
        """All subscriptions."""
        call.params.finish()
        return [{"subscriptionId": number} for number in self._subscriptions]

    async def subscribe_session(self, call: Call) -> Any:
        """The events of who is logged on, from now on."""
        call.params.finish()
        if self.key is None:
            raise BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        number = self._begin(self.key.account)
        self._of_session.append(number)
        return {"subscriptionId": number}

    async def subscribe(self, call: Call) -> Any:
        """The events of who signed, from now on."""
        call.params.finish()
        return {"subscriptionId": self._begin(call.account)}

    async def unsubscribe(self, call: Call) -> Any:
        """The events of an account, or of all, no more."""
        number = call.params.whole("subscriptionId")
        call.params.finish()
        gone = list(self._subscriptions) if number is None else [number]
        if not gone or any(each not in self._subscriptions for each in gone):
            raise BinanceError(-2036, "User Data Stream subscription not active.")
        for each in gone:
            self._end(each)
        return {}

    def _begin(self, account: str) -> int:
        if account in self._subscriptions.values():
            raise BinanceError(-2035, "User Data Stream subscription already active.")
        number, self._begun = self._begun, self._begun + 1
        events = UserEvents(self._sources, account).events()
        self._subscriptions[number] = account
        self.connection.listen(str(number), events, lambda news: {"subscriptionId": number, "event": news})
        return number

    def _end(self, number: int) -> None:
        self._subscriptions.pop(number, None)
        self.connection.leave(str(number))


class _Conversation:
    """Requests and answers, one after the other."""

    def __init__(
        self, session: _Session, endpoints: Mapping[str, Endpoint], faults: Faults, *, quiet: bool
    ) -> None:
        self._session = session
        self._endpoints = endpoints
        self._faults = faults
        self._quiet = quiet

    async def run(self) -> None:
        """Answer until the other side is gone."""
        while True:
            try:
                message = await self._session.connection.receive()
            except ValueError:
                await self._session.connection.close(WSCloseCode.INVALID_TEXT, "Invalid JSON")
                return
            if message is None:
                return
            try:
                asked = _asked(message)
            except BinanceError as error:
                await self._send(_Asked(id_of(message), "", {}), of_error(error), None)
                continue
            await self._answer(asked)

    async def _answer(self, asked: _Asked) -> None:
        endpoint = self._endpoints.get(asked.method.removeprefix("v3/"))
        if endpoint is None:
            error = BinanceError(-5000, f"Method {asked.method} is invalid", 404)
            await self._send(asked, of_error(error), None)
            return
        fault = self._faults.take(endpoint.method, endpoint.path)
        if fault in BEFORE:
            answer = fault_answer(self._session.gate, fault, self._session.address)
        else:
            answer = await self._asked(endpoint, asked.params)
        if fault in _DROPS or answer is None:
            self._session.connection.abort()
        elif fault is FaultKind.LOST_ANSWER:
            await self._send(asked, of_error(outcome_unknown()), endpoint)
        elif fault is not FaultKind.HANG:
            await self._send(asked, answer, endpoint)

    async def _asked(self, endpoint: Endpoint, values: Mapping[str, Any]) -> Answer:
        pairs = pairs_of_json(values)
        payload = "&".join(f"{name}={text}" for name, text in sorted(pairs) if name != "signature")
        texts = dict(pairs)
        aside = {"apiKey", "signature", "returnRateLimits"}
        sender = Credentials(
            self._session.address, texts.get("apiKey"), payload, texts.get("signature"), self._session.key
        )
        try:
            params = Params(pair for pair in pairs if pair[0] not in aside)
        except BinanceError as error:
            return of_error(error)
        return await self._session.gate.answer(endpoint, params, sender)

    async def _send(self, asked: _Asked, answer: Answer, endpoint: Endpoint | None) -> None:
        told: dict[str, Any] = {"id": asked.number, "status": answer.status}
        if answer.status == 200:  # noqa: PLR2004 - HTTP's own number
            told["result"] = answer.body
        else:
            told["error"] = self._error(answer)
        limits = self._session.gate.limits
        if not self._is_quiet(asked):
            orders = limits.order_state(answer.account) if endpoint is not None and endpoint.orders else []
            told["rateLimits"] = [*orders, *limits.weight_state(self._session.address)]
        await self._session.connection.send(told)

    def _error(self, answer: Answer) -> dict[str, Any]:
        wait = answer.headers.get("Retry-After")
        if wait is None:
            return dict(answer.body)
        now_ms = self._session.gate.now_ms()
        return {**answer.body, "data": {"serverTime": now_ms, "retryAfter": now_ms + int(wait) * 1000}}

    def _is_quiet(self, asked: _Asked) -> bool:
        wanted = asked.params.get("returnRateLimits")
        return not wanted if isinstance(wanted, bool) else self._quiet


def _asked(message: Any) -> _Asked:
    """A request that can be understood; raises BinanceError."""
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        raise BinanceError(-1135, "Invalid JSON Request")
    params = message.get("params") or {}
    if not isinstance(params, dict):
        raise BinanceError(-1135, "JSON sent for parameter 'params' is not valid")
    return _Asked(id_of(message), message["method"], params)
