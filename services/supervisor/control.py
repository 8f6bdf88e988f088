"""The control socket: one JSON object a line, one answer a line.

A request is ``{"command": NAME, ...}``; the answer ``{"ok": true, "result": ...}`` or
``{"ok": false, "error": LINE, "code": EXIT_CODE}``. Commands: ``status``, ``scale`` (service, count),
``restart`` (service), ``logs`` (service), ``stop``.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.mesh import Mesh

_log = structlog.get_logger()
_Command = Callable[[dict[str, Any]], Awaitable[Any]]


class ControlServer:
    """Answers on a unix socket that only its owner may open.

    Args:
        mesh: what the commands act on.
        stop: ends the mesh; returns when nothing runs any more.
    """

    def __init__(self, mesh: Mesh, stop: Callable[[], Awaitable[None]]) -> None:
        self._mesh = mesh
        self._stop = stop
        self._server: asyncio.Server | None = None
        self._commands: dict[str, _Command] = {
            "status": self._status,
            "scale": self._scale,
            "restart": self._restart,
            "logs": self._logs,
            "stop": self._stop_all,
        }

    async def open(self, path: Path) -> None:
        """Begins to listen."""
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, path)
        finally:
            os.umask(before)

    def close(self) -> None:
        """Stops listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            command = self._commands[request["command"]]
        except (ValueError, KeyError, TypeError):
            return _refusal("the request is not understood", ExitCode.USAGE)
        try:
            return {"ok": True, "result": await command(request)}
        except MeshError as error:
            return _refusal(error.message, error.code)
        except (KeyError, TypeError, ValueError) as error:
            return _refusal(f"the request is incomplete: {error}", ExitCode.USAGE)
        except Exception as error:  # noqa: BLE001 - a broken command must not end the supervisor
            _log.exception("command_failed", command=request["command"])
            return _refusal(f"{type(error).__name__}: {error}", ExitCode.FAILED)

    async def _status(self, _: dict[str, Any]) -> Any:
        return self._mesh.status().to_value()

    async def _scale(self, request: dict[str, Any]) -> Any:
        await self._mesh.scale(str(request["service"]), int(request["count"]))
        return self._mesh.status().to_value()

    async def _restart(self, request: dict[str, Any]) -> Any:
        await self._mesh.restart(str(request["service"]))
        return self._mesh.status().to_value()

    async def _logs(self, request: dict[str, Any]) -> Any:
        service = str(request["service"])
        return [row.log for row in self._mesh.status().instances if row.service == service]

    async def _stop_all(self, _: dict[str, Any]) -> Any:
        await self._stop()
        return None


def _refusal(message: str, code: ExitCode) -> dict[str, Any]:
    return {"ok": False, "error": message, "code": int(code)}
