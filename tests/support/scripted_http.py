"""An HTTP server that answers as a test says, and notes what it was asked."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

Answer = Any
"""JSON; a function of the request's parameters that gives it; or a status and JSON."""


@dataclass
class ScriptedHttp:
    """What is answered, and what was asked.

    Attributes:
        answers: by method and path, as in ``GET /v5/market/time``.
        asked: method and path with the parameters, in order.
        port: where it listens.
    """

    answers: dict[str, Answer | Callable[[dict[str, Any]], Answer]]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    port: int = 0

    def requests(self, what: str) -> list[dict[str, Any]]:
        """The parameters of every request of a method and path."""
        return [params for name, params in self.asked if name == what]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        body = await request.text()
        params: dict[str, Any] = dict(request.query)
        if body:
            params |= json.loads(body) if body.startswith("{") else dict(parse_qsl(body))
        name = f"{request.method} {request.path}"
        self.asked.append((name, params))
        answer = self.answers.get(name, (404, {"unexpected": name}))
        if callable(answer):
            answer = answer(params)
        status, said = answer if isinstance(answer, tuple) else (200, answer)
        return web.json_response(said, status=status)


@asynccontextmanager
async def answering(script: ScriptedHttp) -> AsyncIterator[ScriptedHttp]:
    """Serve on loopback."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", script.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", script.port).start()
        script.port = int(runner.addresses[0][1])
        yield script
    finally:
        await runner.cleanup()
