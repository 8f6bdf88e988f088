"""The streams: ``/ws`` and ``/stream``, market data and user data."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from aiohttp import web

from services.simvenue.binance.channels import Channel, channel_of
from services.simvenue.binance.connection import Connection
from services.simvenue.binance.faults import Faults
from services.simvenue.binance.limits import Limits
from services.simvenue.binance.listen_keys import ListenKeys
from services.simvenue.binance.user_events import Sources, UserEvents
from services.simvenue.binance.wire import milliseconds

_METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_MOST_STREAMS: Final = 1_024
Find = Callable[[str], AsyncIterator[Any] | None]


class ControlError(Exception):
    """A control message that makes no sense.

    Args:
        code: Binance's code: 0 property, 1 value, 2 request, 3 JSON.
        text: Binance's text.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class StreamDoor:
    """Answers requests for streams.

    Args:
        sources: where they come from.
        keys: the listen keys.
        faults: what breaks them.
        limits: how often the other side may speak.
    """

    def __init__(self, sources: Sources, keys: ListenKeys, faults: Faults, limits: Limits) -> None:
        self._sources = sources
        self._keys = keys
        self._faults = faults
        self._limits = limits

    async def raw(self, request: web.Request) -> web.StreamResponse:
        """``/ws/<stream>/<stream>``: each event as it is."""
        names = request.match_info.get("streams", "").split("/")
        return await self._serve(request, [request.query.get("listenKey", ""), *names], combined=False)

    async def combined(self, request: web.Request) -> web.StreamResponse:
        """``/stream?streams=<stream>/<stream>``: each event with the name of its stream."""
        return await self._serve(request, request.query.get("streams", "").split("/"), combined=True)

    async def _serve(
        self, request: web.Request, names: Sequence[str], *, combined: bool
    ) -> web.StreamResponse:
        connection = await Connection.open(request, self._limits.allowance.messages)
        forget = self._faults.watch(connection)
        connection.guard(until_broken(self._sources))
        try:
            await _Session(connection, self._find, combined=combined).run(names)
        finally:
            forget()
            await connection.end()
        return connection.socket

    def _find(self, name: str) -> AsyncIterator[Any] | None:
        """The stream of a name or of a listen key; None where there is none."""
        channel = self.channel(name)
        if channel is not None:
            return channel.events()
        owner = self._keys.owner(name)
        if owner is None:
            return None
        return self.user_events(owner, lambda: self._expired(name)).events()

    def channel(self, name: str) -> Channel | None:
        """The public stream of a name; None where there is none."""
        return channel_of(name, self._sources.floor, self._sources.symbols)

    def user_events(self, account: str, ended: Callable[[], Any]) -> UserEvents:
        """The events of an account, until ``ended`` answers the last one."""
        return UserEvents(self._sources, account, ended)

    def _expired(self, listen_key: str) -> Any:
        if self._keys.owner(listen_key) is not None:
            return None
        time_ms = milliseconds(self._sources.floor.now_ns)
        return {"e": "listenKeyExpired", "E": time_ms, "listenKey": listen_key}


def id_of(message: Any) -> int | str | None:
    """The id that the answer to a message bears."""
    number = message.get("id") if isinstance(message, dict) else None
    return number if isinstance(number, int | str) else None


async def until_broken(sources: Sources) -> None:
    """Wait until every connection of the venue breaks."""
    line = sources.doors.connect()
    while not line.broken:
        await sources.floor.account_signal.next.wait()


class _Session:
    """What one socket asks for."""

    def __init__(self, connection: Connection, find: Find, *, combined: bool) -> None:
        self._connection = connection
        self._find = find
        self._combined = combined

    async def run(self, names: Sequence[str]) -> None:
        """Listen to what the address names, as far as there is such a thing, then to what is asked."""
        for name in names:
            channel = self._find(name)
            if channel is not None:
                self._listen(name, channel)
        while True:
            try:
                message = await self._connection.receive()
            except ValueError:
                await self._refuse(ControlError(3, "Invalid JSON: expected value at line 1 column 1"), None)
                continue
            if message is None:
                return
            await self._answer(message)

    async def _answer(self, message: Any) -> None:
        number = id_of(message)
        try:
            result = self._asked(message)
        except ControlError as error:
            await self._refuse(error, number)
        else:
            await self._connection.send({"result": result, "id": number})

    async def _refuse(self, error: ControlError, number: Any) -> None:
        await self._connection.send({"error": {"code": error.code, "msg": error.text}, "id": number})

    def _asked(self, message: Any) -> Any:
        if not isinstance(message, dict) or "method" not in message:
            raise ControlError(2, "Invalid request: missing field `method`")
        if not isinstance(message.get("id"), int | str | None):
            raise ControlError(2, "Invalid request: request ID must be an unsigned integer")
        params = message.get("params", [])
        if not isinstance(params, list):
            raise ControlError(2, "Invalid request: params must be a list")
        answers: dict[str, Callable[[list[Any]], Any]] = {
            "SUBSCRIBE": self._subscribe,
            "UNSUBSCRIBE": self._unsubscribe,
            "LIST_SUBSCRIPTIONS": lambda _: list(self._connection.names),
            "SET_PROPERTY": self._set,
            "GET_PROPERTY": self._get,
        }
        answer = answers.get(message["method"])
        if answer is None:
            expected = ", ".join(f"`{each}`" for each in _METHODS)
            raise ControlError(
                2, f"Invalid request: unknown variant `{message['method']}`, expected one of {expected}"
            )
        return answer(params)

    def _subscribe(self, names: list[Any]) -> None:
        if len({*self._connection.names, *map(str, names)}) > _MOST_STREAMS:
            raise ControlError(2, "Invalid request: too many streams")
        found = [(name, self._find(name) if isinstance(name, str) else None) for name in names]
        if not found or any(channel is None for _, channel in found):
            raise ControlError(2, "Invalid request: invalid stream")
        for name, channel in found:
            if channel is not None:
                self._listen(name, channel)

    def _unsubscribe(self, names: list[Any]) -> None:
        for name in names:
            self._connection.leave(str(name))

    def _set(self, params: list[Any]) -> None:
        self._property(params)
        if len(params) != 2 or not isinstance(params[1], bool):  # noqa: PLR2004 - a name and a value
            raise ControlError(1, "Invalid value type: expected Boolean")
        self._combined = params[1]

    def _get(self, params: list[Any]) -> bool:
        self._property(params)
        return self._combined

    def _property(self, params: list[Any]) -> None:
        if not params or not isinstance(params[0], str):
            raise ControlError(2, "Invalid request: property name must be a string")
        if params[0] != "combined":
            raise ControlError(0, "Unknown property")

    def _listen(self, name: str, events: AsyncIterator[Any]) -> None:
        def wrap(news: Any) -> Any:
            return {"stream": name, "data": news} if self._combined else news

        self._connection.listen(name, events, wrap)
