"""The few calls of Consul's HTTP API that running a mesh needs."""

from pathlib import Path
from typing import Any

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=5.0, connect=2.0)
_MISSING = 404
_ERROR = 400


class ConsulError(Exception):
    """Consul did not answer, or answered with an error.

    Args:
        message: what was asked and what came.
        status: HTTP status; 0 where there was no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ConsulApi:
    """JSON over HTTP with a token read from a file.

    Args:
        address: ``host:port`` of the agent.
        token_file: the management token; absent until the ACL system is bootstrapped.
    """

    def __init__(self, address: str, token_file: Path) -> None:
        self._base = f"http://{address}/v1/"
        self._token_file = token_file
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """One call; the answer's JSON, its text where it is no JSON, None where it is empty.

        Raises:
            ConsulError: no answer within 5 s, or an error status.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        token = token if token is not None else self._token()
        headers = {"X-Consul-Token": token} if token else {}
        try:
            async with self._session.request(method, self._base + path, json=body, headers=headers) as reply:
                text = await reply.text()
                if reply.status >= _ERROR:
                    raise ConsulError(f"{method} {path}: {reply.status} {text.strip()}", reply.status)
                return (
                    await reply.json(content_type=None) if text.startswith(("{", "[", '"')) else text or None
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConsulError(f"{method} {path}: {type(error).__name__} {error}") from error

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def has_leader(self) -> bool:
        """Whether the agent answers and leads."""
        try:
            return bool(await self.call("GET", "status/leader", token=""))
        except ConsulError:
            return False

    def _token(self) -> str:
        try:
            return self._token_file.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
