"""The Consul agent as the chassis needs it: py-consul, with what it lacks for Consul 1.8.

py-consul has no blocking queries on the Connect CA and no intention matching, so those go through
its HTTP client by path.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import consul.aio
import consul.base
import consul.exceptions

CALL_TIMEOUT_S = 5.0
WAIT_S = 300
"""How long the agent holds a blocking query open; it answers at once when something changes."""
_WAIT_SLACK_S = WAIT_S / 16 + 10
_FORBIDDEN = 403
_BAD = 400


class ConsulError(Exception):
    """The agent did not do what it was asked."""


class ConsulUnreachableError(ConsulError):
    """The agent does not answer; it may be restarting."""


class ConsulRefusedError(ConsulError):
    """The agent does not accept our token for this."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a blocking query found.

    Attributes:
        index: state of the answer; given to the next query, which then waits for a newer one.
        body: the decoded JSON.
    """

    index: int
    body: Any


@dataclass(frozen=True, slots=True)
class Instance:
    """One running instance of a service, as it is announced.

    Attributes:
        service: name of the service.
        id: unique per start.
        host: address its server listens on.
        port: port its server listens on.
        metadata: version, protocol, weight, zone, metrics_port, instance.
        check_ttl_s: seconds of silence after which it counts as critical.
        forget_after_s: seconds of being critical after which Consul forgets it.
    """

    service: str
    id: str
    host: str
    port: int
    metadata: Mapping[str, str]
    check_ttl_s: float = 10.0
    forget_after_s: float = 60.0

    @property
    def check_id(self) -> str:
        """The id Consul gives to the check of this instance."""
        return f"service:{self.id}"


class _HttpClient(consul.aio.HTTPClient):  # type: ignore[misc] # py-consul is not typed
    """py-consul's client on an aiohttp session of our making.

    Its own builds a connector with an option that aiohttp deprecates, and without a limit of time.
    """

    def __init__(self, host: str, port: int) -> None:
        consul.base.HTTPClient.__init__(self, host, port)
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S, connect=CALL_TIMEOUT_S)
        # Each blocking query holds a connection: the control plane has one per service.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)


class _Consul(consul.aio.Consul):  # type: ignore[misc] # py-consul is not typed
    def http_connect(self, host: str, port: int, *_: object) -> _HttpClient:
        return _HttpClient(host, port)


class ConsulAgent:
    """The agent of this machine. Every call has a deadline and raises a :class:`ConsulError`.

    Args:
        address: ``host:port`` of its HTTP API.
        token: gives the ACL token; asked at each call, since the token may be replaced.
    """

    def __init__(self, address: str, token: Callable[[], str | None] = lambda: None) -> None:
        host, _, port = address.rpartition(":")
        self._consul = _Consul(host, int(port))
        self._consul.token = None  # py-consul would take one from the environment
        self._token = token

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._consul.close()

    async def leaf(self, service: str, index: int = 0) -> Answer:
        """The certificate of a service; waits for a newer one where an index is given."""
        return await self._query(f"/v1/agent/connect/ca/leaf/{service}", index)

    async def roots(self, index: int = 0) -> Answer:
        """The roots all certificates lead to; waits for a change where an index is given."""
        return await self._query("/v1/agent/connect/ca/roots", index)

    async def intentions(self, index: int = 0) -> Answer:
        """The intentions this token may see; waits for a change where an index is given.

        The list, and not ``intentions/match``: that one has no blocking queries in Consul 1.8.
        """
        return await self._query("/v1/connect/intentions", index, consistent=True)

    async def health(self, service: str, index: int = 0) -> Answer:
        """All instances of a service with their checks; waits for a change where an index is given."""
        return await self._query(f"/v1/health/service/{service}", index, consistent=True)

    async def register(self, instance: Instance) -> None:
        """Announce an instance; its check is critical until the first report."""
        await self._call(
            self._consul.agent.service.register(
                instance.service,
                service_id=instance.id,
                address=instance.host,
                port=instance.port,
                meta=dict(instance.metadata),
                check={
                    "TTL": f"{instance.check_ttl_s:g}s",
                    "DeregisterCriticalServiceAfter": f"{instance.forget_after_s:g}s",
                    "Status": "critical",
                },
                replace_existing_checks=True,
                token=self._present_token(),
            )
        )

    async def report(self, instance: Instance, problem: str | None) -> None:
        """Say how an instance is.

        Args:
            instance: which one.
            problem: what is wrong with it; None where it is well.
        """
        check = self._consul.agent.check
        say = check.ttl_pass if problem is None else check.ttl_fail
        note = None if problem is None else problem[:500]
        await self._call(say(instance.check_id, notes=note, token=self._present_token()))

    async def deregister(self, instance: Instance) -> None:
        """Take an instance back."""
        await self._call(self._consul.agent.service.deregister(instance.id, token=self._present_token()))

    def _present_token(self) -> str | None:
        try:
            return self._token()
        except OSError as error:
            raise ConsulRefusedError(f"the token file cannot be read: {error}") from error

    async def _query(self, path: str, index: int, *, consistent: bool = False) -> Answer:
        """One blocking query.

        Args:
            path: what is asked for.
            index: of the answer known already; 0 answers at once.
            consistent: refuse to answer before everything that was committed is there. Without it a
                Consul that was killed answers, for a moment after its start, from a state that it has
                read back in part: no intentions at all, or no instances.
        """
        asked: list[tuple[str, Any]] = [("consistent", "1")] if consistent else []
        timeout = CALL_TIMEOUT_S
        if index:
            asked += [("index", index), ("wait", f"{WAIT_S}s")]
            timeout = WAIT_S + _WAIT_SLACK_S
        headers = self._consul.prepare_headers(self._present_token())
        request = self._consul.http.get(_answer, path, asked, headers=headers, connections_timeout=timeout)
        answer: Answer = await self._call(request)
        return answer

    async def _call(self, request: Awaitable[Any]) -> Any:
        try:
            return await request
        except (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise ConsulUnreachableError(f"{type(error).__name__}: {error}") from error
        except consul.exceptions.ACLPermissionDenied as error:
            raise ConsulRefusedError(str(error)) from error
        except consul.exceptions.ConsulException as error:
            raise ConsulError(str(error)) from error


def _answer(response: consul.base.Response) -> Answer:
    """Read the reply to a blocking query."""
    if response.code == _FORBIDDEN:
        raise ConsulRefusedError(response.body)
    if response.code >= _BAD:
        raise ConsulError(f"{response.code} {response.body}")
    index = response.headers.get("X-Consul-Index")
    if index is None:
        raise ConsulError("the answer has no index: this is no blocking query")
    return Answer(int(index), json.loads(response.body))
