"""Binance's public endpoints, answered from a recording: REST snapshot and WebSocket messages as received.

No logic of a venue is here. Messages go out in the order and the words in which they were recorded, so
that what a client makes of them can be held against the recording itself.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

_BATCH = 50
_EARLY = 20


@dataclass
class Replay:
    """One symbol's recording, being served.

    Attributes:
        snapshot: the recorded REST answer.
        messages: the recorded messages by stream, as in ``btcusdt@depth``.
        usdm: whether it is of the perpetual.
        skipped: indexes of depth messages that never go out, for a gap.
        released: from the 20th depth message on, all wait until this is set: the earlier ones come while
            a client still fetches the snapshot, the later ones while it has it.
        port: where it listens.
    """

    snapshot: dict[str, Any]
    messages: dict[str, list[dict[str, Any]]]
    usdm: bool
    skipped: set[int] = field(default_factory=set)
    port: int = 0
    subscriptions: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)

    @classmethod
    def of(cls, path: Path, most: int, *, usdm: bool = False) -> "Replay":
        """The first ``most`` lines of a recording, and the whole snapshot."""
        messages: dict[str, list[dict[str, Any]]] = {}
        snapshot: dict[str, Any] = {}
        with gzip.open(path, "rt", encoding="utf-8") as text:
            for number, line in enumerate(text):
                if number >= most:
                    break
                told = json.loads(line.partition(" ")[2])
                if "lastUpdateId" in told:
                    snapshot = told
                    continue
                symbol, _, kind = told["stream"].partition("@")
                messages.setdefault(f"{symbol}@{kind.partition('@')[0]}", []).append(told["data"])
        assert snapshot, f"{path} has no snapshot in its first {most} lines"
        return cls(snapshot, messages, usdm)

    @property
    def symbol(self) -> str:
        """As the exchange writes it."""
        return next(iter(self.messages)).partition("@")[0].upper()

    def depths(self) -> list[dict[str, Any]]:
        """The recorded changes of the book."""
        return self.messages[f"{self.symbol.lower()}@depth"]

    def trades(self) -> list[dict[str, Any]]:
        """The recorded trades."""
        return self.messages[f"{self.symbol.lower()}@trade"]

    async def cut(self) -> None:
        """Break every WebSocket."""
        for socket in list(self.sockets):
            await socket.close()

    # --- what a client asks for

    async def info(self, _: web.Request) -> web.Response:
        filters = [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00", "stepSize": "0.00001"},
            {"filterType": "NOTIONAL", "minNotional": "5.00"},
            {"filterType": "MIN_NOTIONAL", "notional": "5.00"},
        ]
        listed = {
            "symbol": self.symbol,
            "pair": self.symbol,
            "status": "TRADING",
            "contractType": "PERPETUAL",
            "baseAsset": self.symbol[:-4],
            "quoteAsset": self.symbol[-4:],
            "marginAsset": self.symbol[-4:],
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "pricePrecision": 2,
            "quantityPrecision": 5,
            "orderTypes": ["LIMIT", "MARKET"],
            "isSpotTradingAllowed": True,
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "filters": filters,
        }
        if not self.usdm:
            listed.pop("contractType")
        return web.json_response({"symbols": [listed], "rateLimits": [], "serverTime": 1})

    async def depth(self, _: web.Request) -> web.Response:
        return web.json_response(self.snapshot)

    async def latest(self, _: web.Request) -> web.Response:
        """Trades before the first recorded one: none."""
        return web.json_response([])

    async def klines(self, request: web.Request) -> web.Response:
        end = int(request.query["endTime"])
        length = {"1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3600}[request.query["interval"]] * 1000
        first = end // length * length
        rows = [
            [at, "1.10", "1.30", "1.00", "1.20", "7.5", at + length - 1, "8.25", 3, "1", "1", "0"]
            for at in range(first - 2 * length, first + 1, length)
        ]
        return web.json_response(rows)

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        self.sockets.add(response)
        playing: list[asyncio.Task[None]] = []
        try:
            async for message in response:
                if message.type is not WSMsgType.TEXT:
                    break
                asked = json.loads(message.data)
                await response.send_json({"result": None, "id": asked["id"]})
                streams = [str(each).partition("@100ms")[0] for each in asked["params"]]
                playing += [asyncio.create_task(self._play(response, each)) for each in streams]
                self.subscriptions += len(streams)
        finally:
            self.sockets.discard(response)
            for task in playing:
                task.cancel()
            await asyncio.gather(*playing, return_exceptions=True)
        return response

    async def _play(self, response: web.WebSocketResponse, stream: str) -> None:
        for number, data in enumerate(self.messages.get(stream, ())):
            if stream.endswith("@depth"):
                if number == _EARLY:
                    await self.released.wait()
                if number in self.skipped:
                    continue
            await response.send_str(json.dumps(data))
            if number % _BATCH == 0:
                await asyncio.sleep(0)


@asynccontextmanager
async def replaying(replay: Replay) -> AsyncIterator[Replay]:
    """Serve a recording on loopback."""
    application = web.Application()
    prefix = "/fapi/v1" if replay.usdm else "/api/v3"
    application.router.add_get(f"{prefix}/exchangeInfo", replay.info)
    application.router.add_get(f"{prefix}/depth", replay.depth)
    application.router.add_get(f"{prefix}/trades", replay.latest)
    application.router.add_get(f"{prefix}/aggTrades", replay.latest)
    application.router.add_get(f"{prefix}/klines", replay.klines)
    application.router.add_get("/{path:.*}", replay.socket)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", replay.port).start()
        replay.port = int(runner.addresses[0][1])
        yield replay
    finally:
        await runner.cleanup()
