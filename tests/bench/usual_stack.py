"""Contender: the usual stack, a FastAPI gateway that asks a FastAPI service by httpx, both under uvicorn.

uvicorn runs with uvloop and httptools, its fastest, without an access log.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from google.protobuf.json_format import MessageToDict
from pydantic import BaseModel

from tests.bench.answer import ticker
from tests.bench.load import say

_PATH = "/v1/venues/{venue}/instruments/{instrument}/ticker"


class Ticker(BaseModel):
    """The contract's ticker."""

    name: str
    bid_price: str
    bid_quantity: str
    ask_price: str
    ask_quantity: str
    last_price: str
    last_quantity: str
    exchange_time: str
    receive_time: str


def service() -> FastAPI:
    """The service behind the gateway."""
    app = FastAPI()
    value: dict[str, Any] = MessageToDict(ticker(), preserving_proto_field_name=True)

    @app.get(_PATH)
    async def get_ticker(venue: str, instrument: str) -> Ticker:
        return Ticker(**{**value, "name": f"venues/{venue}/instruments/{instrument}/ticker"})

    return app


def gateway(upstream: str) -> FastAPI:
    """The gateway.

    Args:
        upstream: URL of the service.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=upstream) as app.state.client:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get(_PATH)
    async def get_ticker(venue: str, instrument: str, request: Request) -> Ticker:
        answer = await request.app.state.client.get(f"/v1/venues/{venue}/instruments/{instrument}/ticker")
        answer.raise_for_status()
        return Ticker(**answer.json())

    return app


class _Telling(uvicorn.Server):
    """Says its port once it listens."""

    async def startup(self, sockets: Any = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        say({"port": self.servers[0].sockets[0].getsockname()[1]})


if __name__ == "__main__":
    application = gateway(sys.argv[2]) if sys.argv[1] == "gateway" else service()
    config = uvicorn.Config(
        application, "127.0.0.1", 0, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
    _Telling(config).run()
