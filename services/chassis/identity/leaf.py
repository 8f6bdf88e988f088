"""This process's certificate: fetched from Consul's CA, renewed before it ends."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from services.chassis.discovery.agent import Answer
from services.chassis.discovery.watch import Watch
from services.chassis.identity.certificates import CertificateFolder, KeyMaterial

_log = structlog.get_logger(__name__)

_WARN_BEFORE_END = timedelta(hours=1)
_WARN_INTERVAL_S = 60.0


class CertificateAuthority(Protocol):
    """Who signs; the Consul agent."""

    async def leaf(self, service: str, index: int = 0) -> Answer:
        """The certificate of a service."""
        ...

    async def roots(self, index: int = 0) -> Answer:
        """The roots."""
        ...


class Identity:
    """Who this process is: the newest leaf and roots, in memory and as files.

    Consul's agent renews a leaf well before it ends and when the CA rotates, and its blocking query
    then answers; so following the query is renewing.

    Args:
        authority: who signs.
        service: whose certificate it is.
        folder: where the files go.
        now: the present moment, UTC.
    """

    def __init__(
        self,
        authority: CertificateAuthority,
        service: str,
        folder: CertificateFolder,
        now: Callable[[], datetime] = lambda: datetime.now(tz=UTC),
    ) -> None:
        self._authority = authority
        self._service = service
        self._folder = folder
        self._now = now
        self._leaf: tuple[bytes, bytes] | None = None
        self._roots: bytes | None = None
        self._material: KeyMaterial | None = None
        self._ready = asyncio.Event()
        self.trust_domain = ""

    @property
    def material(self) -> KeyMaterial:
        """The newest material.

        Raises:
            LookupError: Consul has not answered yet; see :meth:`wait`.
        """
        if self._material is None:
            msg = "no certificate yet"
            raise LookupError(msg)
        return self._material

    async def wait(self) -> None:
        """Wait until there is a certificate. Without end: Consul may come up later."""
        await self._ready.wait()

    async def run(self) -> None:
        """Follow Consul's CA for ever."""
        roots = Watch("connect-roots", self._authority.roots, self._take_roots)
        leaf = Watch(
            "connect-leaf", lambda index: self._authority.leaf(self._service, index), self._take_leaf
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(roots.run())
            tasks.create_task(leaf.run())
            tasks.create_task(self._warn_of_the_end())

    async def _take_roots(self, answer: Answer) -> None:
        body: Any = answer.body
        if not body["Roots"] or not body["TrustDomain"]:
            # A Consul that has just come back says so before it has read its own state. Taken at its
            # word, nobody would belong to the mesh any more.
            raise ValueError("Consul names no Connect roots")
        pems = [root["RootCert"].strip() for root in body["Roots"]]
        self._roots = ("\n".join(pems) + "\n").encode()
        self.trust_domain = str(body["TrustDomain"])
        await self._renew()

    async def _take_leaf(self, answer: Answer) -> None:
        body: Any = answer.body
        self._leaf = (body["CertPEM"].encode(), body["PrivateKeyPEM"].encode())
        await self._renew()

    async def _renew(self) -> None:
        if self._leaf is None or self._roots is None:
            return
        certificate, key = self._leaf
        material = KeyMaterial(certificate, key, self._roots)
        if material == self._material:
            return
        self._folder.write(material)
        self._material = material
        self._ready.set()
        _log.info("certificate_renewed", expires=material.expires.isoformat())

    async def _warn_of_the_end(self) -> None:
        """Say loudly where renewal fails for so long that calls will soon be refused."""
        await self._ready.wait()
        while True:
            left = self.material.expires - self._now()
            if left < _WARN_BEFORE_END:
                _log.error("certificate_expiring", seconds_left=round(left.total_seconds()))
            await asyncio.sleep(_WARN_INTERVAL_S)
