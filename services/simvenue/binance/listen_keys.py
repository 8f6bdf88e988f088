"""Listen keys: what opens a user data stream without a signature, for an hour at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from services.kernel.clock import IdSource
from services.simvenue.binance.errors import BinanceError
from services.simvenue.binance.gate import Call, Endpoint, Endpoints, Security

_LIFE_MS: Final = 3_600_000


@dataclass(slots=True)
class _Key:
    account: str
    until_ms: int


class ListenKeys:
    """All of them: at most one of an account is good at a time.

    Args:
        now_ms: our own time.
        ids: what they are made of.
    """

    def __init__(self, now_ms: Callable[[], int], ids: IdSource) -> None:
        self._now_ms = now_ms
        self._ids = ids
        self._keys: dict[str, _Key] = {}

    def endpoints(self) -> Endpoints:
        """What can be asked about them."""
        path, key = "/api/v3/userDataStream", Security.KEY
        return [
            Endpoint("POST", path, self.start, 2, key, 0, "userDataStream.start"),
            Endpoint("PUT", path, self.extend, 2, key, 0, "userDataStream.ping"),
            Endpoint("DELETE", path, self.stop, 2, key, 0, "userDataStream.stop"),
        ]

    def owner(self, listen_key: str) -> str | None:
        """Whose key this is; None where it is none, or none any more."""
        found = self._keys.get(listen_key)
        return found.account if found is not None and self._now_ms() < found.until_ms else None

    async def start(self, call: Call) -> Any:
        """The account's key, for an hour from now."""
        call.params.finish()
        name = self.current(call.account) or self._ids.new().hex + self._ids.new().hex
        self._keys[name] = _Key(call.account, self._now_ms() + _LIFE_MS)
        return {"listenKey": name}

    async def extend(self, call: Call) -> Any:
        """A key for an hour from now."""
        self._mine(call).until_ms = self._now_ms() + _LIFE_MS
        return {}

    async def stop(self, call: Call) -> Any:
        """A key no more."""
        self._mine(call).until_ms = 0
        return {}

    def current(self, account: str) -> str | None:
        """The account's key that is good now; None where it has none."""
        mine = (name for name, key in self._keys.items() if key.account == account)
        return next((name for name in mine if self.owner(name)), None)

    def name_of(self, call: Call) -> str:
        """The key that a request is about."""
        return call.params.require("listenKey")

    def _mine(self, call: Call) -> _Key:
        name = self.name_of(call)
        call.params.finish()
        if self.owner(name) != call.account:
            raise BinanceError(-1125, "This listenKey does not exist.")
        return self._keys[name]
