"""Listen keys of the futures: an account has one, and need not name it."""

from typing import Any

from services.simvenue.binance.errors import BinanceError
from services.simvenue.binance.gate import Call, Endpoint, Endpoints, Security
from services.simvenue.binance.listen_keys import ListenKeys


class FuturesListenKeys(ListenKeys):
    """All of them."""

    def endpoints(self) -> Endpoints:
        """What can be asked about them."""
        path, key = "/fapi/v1/listenKey", Security.KEY
        return [
            Endpoint("POST", path, self.start, 1, key),
            Endpoint("PUT", path, self.extend, 1, key),
            Endpoint("DELETE", path, self.stop, 1, key),
        ]

    async def extend(self, call: Call) -> Any:
        """The account's key for an hour from now."""
        name = self.current(call.account)
        await super().extend(call)
        return {"listenKey": name}

    def name_of(self, call: Call) -> str:
        """The account's key, which the request need not name.

        Raises:
            BinanceError: -1125, there is none.
        """
        call.params.ignore("listenKey", "timestamp", "signature", "recvWindow")
        name = self.current(call.account)
        if name is None:
            raise BinanceError(-1125, "This listenKey does not exist.")
        return name
