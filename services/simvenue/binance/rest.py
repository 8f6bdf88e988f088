"""The REST half: HTTP to the gate and back."""

import json
from typing import Any, Final

from aiohttp import web

from services.simvenue.binance.errors import BinanceError, outcome_unknown
from services.simvenue.binance.faults import FaultKind, Faults
from services.simvenue.binance.gate import Answer, Credentials, Endpoint, Endpoints, Gate
from services.simvenue.binance.keys import signed_payload
from services.simvenue.binance.params import Params
from services.simvenue.doors import ConnectionLostError, Doors

BEFORE: Final = frozenset({FaultKind.BUSY, FaultKind.DROP_BEFORE, FaultKind.LIMITED, FaultKind.BANNED})


class RestDoor:
    """Answers HTTP requests.

    Args:
        gate: the way every request takes.
        endpoints: what can be asked for.
        faults: what goes wrong.
        doors: whether the venue is there.
    """

    def __init__(self, gate: Gate, endpoints: Endpoints, faults: Faults, doors: Doors) -> None:
        self._gate = gate
        self._endpoints = {(each.method, each.path): each for each in endpoints}
        self._paths = {each.path for each in endpoints}
        self._faults = faults
        self._doors = doors

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or break its connection."""
        try:
            self._doors.connect()
            return await self._answered(request)
        except ConnectionLostError:
            return await self._spoilt(request, None)

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        endpoint = self._endpoints.get((request.method, request.path))
        if endpoint is None:
            return _sent(_nowhere(request.method, request.path))
        address = request.remote or ""
        fault = self._faults.take(endpoint.method, endpoint.path)
        if fault in BEFORE:
            return await self._spoilt(request, fault_answer(self._gate, fault, address))
        answer = await self._answer(endpoint, request, address)
        if fault is FaultKind.HANG:
            await self._faults.hang()
        if fault is FaultKind.LOST_ANSWER:
            answer = of_error(outcome_unknown())
        return await self._spoilt(request, None if fault is FaultKind.DROP_AFTER else answer)

    async def _answer(self, endpoint: Endpoint, request: web.Request, address: str) -> Answer:
        query = request.rel_url.raw_query_string
        try:
            body = (await request.read()).decode()
            params = Params.of_query(query, body)
        except BinanceError as error:
            return of_error(error)
        except ValueError:
            return of_error(BinanceError(-1100, "Illegal characters found in a parameter."))
        signature = params.text("signature") if params.has("signature") else None
        key = request.headers.get("X-MBX-APIKEY")
        sender = Credentials(address, key, signed_payload(query, body), signature)
        return await self._gate.answer(endpoint, params, sender)

    async def _spoilt(self, request: web.Request, answer: Answer | None) -> web.StreamResponse:
        """Send an answer, or break the connection where there is none."""
        if answer is not None:
            return _sent(answer)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def fault_answer(gate: Gate, fault: FaultKind | None, address: str) -> Answer | None:
    """The answer that a fault gives before anything is done; None where the connection breaks."""
    if fault is FaultKind.DROP_BEFORE:
        return None
    if fault is FaultKind.BUSY:
        text = "Server is currently overloaded with other requests. Please try again in a few minutes."
        return of_error(BinanceError(-1008, text, 503))
    if fault is FaultKind.BANNED:
        gate.limits.ban(address)
    else:
        gate.limits.exhaust(address)
    try:
        gate.limits.charge(address, 1)
    except BinanceError as error:
        return of_error(error)
    return of_error(outcome_unknown())


def of_error(error: BinanceError) -> Answer:
    """An error as an answer."""
    return Answer(error.status, error.body(), error.headers)


def dumps(value: Any) -> str:
    """JSON as it is sent: without blanks."""
    return json.dumps(value, separators=(",", ":"))


def _nowhere(method: str, path: str) -> Answer:
    return of_error(BinanceError(-5000, f"Path {path}, Method {method} is invalid", 404))


def _sent(answer: Answer) -> web.Response:
    return web.json_response(answer.body, status=answer.status, headers=answer.headers, dumps=dumps)
