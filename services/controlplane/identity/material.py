"""What the ADS server shows and accepts: its own certificate, and the roots of Consul's CA."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog

from services.chassis.discovery.agent import Answer
from services.chassis.discovery.watch import Watch
from services.chassis.identity.certificates import KeyMaterial
from services.controlplane.identity.authority import SERVER_LIFETIME, Authority

_log = structlog.get_logger(__name__)

_RENEWALS_PER_LIFETIME: Final = 3


class Roots(Protocol):
    """Who vouches for the members of the mesh: the Consul agent."""

    async def roots(self, index: int = 0) -> Answer:
        """The roots; waits for a change where an index is given."""
        ...


class ServerMaterial:
    """The newest material of the ADS server.

    Args:
        authority: signs the server's certificate.
        names: DNS names and IP addresses clients reach it by.
        roots: who vouches for clients.
        trust_domain: told the mesh's trust domain, each time the roots are read.
    """

    def __init__(
        self, authority: Authority, names: tuple[str, ...], roots: Roots, trust_domain: Callable[[str], None]
    ) -> None:
        self._authority = authority
        self._names = names
        self._roots = roots
        self._tell = trust_domain
        self._own = authority.issue(names)
        self._accepted = b""
        self._newest: KeyMaterial | None = None
        self._ready = asyncio.Event()

    async def wait(self) -> None:
        """Wait until there are roots. Without end: Consul may come up later."""
        await self._ready.wait()

    def newest(self) -> KeyMaterial:
        """The newest material; quick, and safe from any thread.

        Raises:
            LookupError: there are no roots yet; see :meth:`wait`.
        """
        if self._newest is None:
            raise LookupError("no roots yet")
        return self._newest

    async def run(self) -> None:
        """Follow Consul's roots and renew the own certificate, for ever."""
        watch = Watch("connect-roots", self._roots.roots, self._take)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch.run())
            tasks.create_task(self._renew())

    async def _take(self, answer: Answer) -> None:
        body: Any = answer.body
        if not body["Roots"]:
            raise ValueError("Consul has no Connect roots yet")
        pems = [root["RootCert"].strip() for root in body["Roots"]]
        self._accepted = ("\n".join(pems) + "\n").encode()
        self._replace()
        self._tell(str(body["TrustDomain"]))
        self._ready.set()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(SERVER_LIFETIME.total_seconds() / _RENEWALS_PER_LIFETIME)
            self._own = self._authority.issue(self._names)
            if self._accepted:
                self._replace()
            _log.info("server_certificate_renewed")

    def _replace(self) -> None:
        certificate, key = self._own
        self._newest = KeyMaterial(certificate=certificate, private_key=key, roots=self._accepted)
