"""Envoy as a child process, and its admin page.

It must be started before grpc is used in this process: starting a child forks, and a fork of a
process with grpc's threads is not safe. The kernel kills Envoy when this process dies.
"""

import asyncio
import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

import aiohttp

from services.edge.settings import EdgeSettings

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_TIMEOUT = aiohttp.ClientTimeout(total=2.0)
_OK = 200
_POLL = 0.05
_KILL_AFTER = 3.0
_ACTIVE = "http.edge.downstream_rq_active"
_LOG_FLUSH_MS = "500"
"""Envoy keeps lines back for ten seconds otherwise, and whoever follows the log waits for them."""


class EnvoyFault(Exception):  # noqa: N818 - said by a self test, read by people
    """Envoy does not answer as it should."""


class Envoy:
    """A running Envoy.

    Args:
        child: its process.
        settings: where it listens.
        session: for its admin page and its health route.
    """

    def __init__(
        self, child: asyncio.subprocess.Process, settings: EdgeSettings, session: aiohttp.ClientSession
    ) -> None:
        self._child = child
        self._session = session
        self._admin = f"http://127.0.0.1:{settings.admin_port}"
        host = "127.0.0.1" if settings.address == "0.0.0.0" else settings.address  # noqa: S104 - compares
        self._public = f"http://{host}:{settings.port}"

    @classmethod
    async def start(cls, binary: Path, bootstrap: Path, settings: EdgeSettings) -> "Envoy":
        """Starts it; its output is this process's.

        Raises:
            OSError: the program cannot be started.
        """
        parent = os.getpid()
        child = await asyncio.create_subprocess_exec(
            str(binary),
            "--config-path",
            str(bootstrap),
            "--concurrency",
            str(settings.concurrency),
            "--disable-hot-restart",
            "--file-flush-interval-msec",
            _LOG_FLUSH_MS,
            "--drain-time-s",
            str(max(1, round(settings.drain_seconds))),
            "--log-level",
            "warning",
            "--log-format",
            '{"timestamp":"%Y-%m-%dT%T.%eZ","level":"%l","logger":"%n","service":"edge","event":"%j"}',
            preexec_fn=lambda: _die_with_parent(parent),
        )
        return cls(child, settings, aiohttp.ClientSession(timeout=_TIMEOUT))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._child.returncode is not None

    async def watch(self) -> None:
        """Waits for its end.

        Raises:
            EnvoyFault: it ended; the message says how.
        """
        code = await self._child.wait()
        raise EnvoyFault(f"Envoy ended with {code}")

    async def check(self) -> None:
        """A self test: the public listener answers, which takes routes from the control plane.

        Raises:
            EnvoyFault: it does not.
        """
        try:
            async with self._session.get(f"{self._public}/healthz") as answer:
                if answer.status != _OK:
                    raise EnvoyFault(f"the public listener answers {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EnvoyFault(f"the public listener does not answer: {type(error).__name__}") from error

    async def drain(self, seconds: float) -> None:
        """Refuses new connections and waits for the requests in flight, ``seconds`` at most."""
        with suppress(aiohttp.ClientError, TimeoutError):
            await self._post("/healthcheck/fail")
            await self._post("/drain_listeners?graceful")
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while await self._active() > 0:  # noqa: ASYNC110 - another process's count
                        await asyncio.sleep(_POLL)

    async def stop(self) -> None:
        """Ends it: SIGTERM, and SIGKILL where that does not help within 3 s."""
        await self._session.close()
        if self._child.returncode is None:
            self._child.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), _KILL_AFTER)
        if self._child.returncode is None:
            self._child.kill()
            await self._child.wait()

    async def _post(self, path: str) -> None:
        async with self._session.post(self._admin + path) as answer:
            await answer.read()

    async def _active(self) -> int:
        async with self._session.get(f"{self._admin}/stats?filter=^{_ACTIVE}$") as answer:
            text = await answer.text()
        _, _, value = text.partition(":")
        return int(value) if value.strip().isdigit() else 0


def _die_with_parent(parent: int) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
