"""Sees who serves: asks Consul for the services, and a port for what does not register."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import structlog

from services.supervisor import catalog
from services.supervisor.child import Child
from services.supervisor.consul_api import ConsulApi, ConsulError
from services.supervisor.status import Phase

_log = structlog.get_logger()
_EAGER = 0.1
_CALM = 1.0
_CONNECT = 1.0


class Watch:
    """Marks children as serving or not, and clears the registry of the dead.

    Args:
        api: Consul; None where the mesh has none.
        members: the services whose registrations are ours to clear.
        children: the children now.
        registered: whether a child tells Consul that it serves.
        started: the instances this supervisor has started, where only those are ours to clear: of a
            mesh of which a part runs here, the rest may run by hand. None where all are.
    """

    def __init__(
        self,
        api: ConsulApi | None,
        members: frozenset[str],
        children: Callable[[], Sequence[Child]],
        registered: Callable[[Child], bool],
        started: Callable[[], Collection[str] | None] = lambda: None,
    ) -> None:
        self.consul_reachable = api is None
        self._api = api
        self._members = members
        self._children = children
        self._registered = registered
        self._started = started
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Looks again at once: a child has just started or ended."""
        self._wake.set()

    async def run(self, consul_ready: Callable[[], bool]) -> None:
        """Looks for ever; often while something is starting, once a second otherwise."""
        while True:
            self._wake.clear()
            await asyncio.gather(
                *(self._probe(child) for child in self._children() if not self._registered(child))
            )
            if self._api is not None and consul_ready():
                await self._read_catalog(self._api)
            eager = any(child.phase is Phase.STARTING for child in self._children())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _EAGER if eager else _CALM)

    async def _probe(self, child: Child) -> None:
        if child.alive and child.seat.service != "consul":
            instance = child.instance
            serving = await accepts(next(iter(child.seat.ports.values())))
            if child.instance == instance:
                child.mark_serving(serving)

    async def _read_catalog(self, api: ConsulApi) -> None:
        try:
            found = await catalog.registrations(api)
        except ConsulError as error:
            self._note(reachable=False, error=str(error))
            return
        self._note(reachable=True)
        # Read after the answer: whatever registered had been started before it.
        living = {child.instance: child for child in self._children() if child.alive}
        seen = {registration.instance: registration for registration in found}
        for instance, child in living.items():
            registration = seen.get(instance)
            if registration is not None:
                child.note_ports(registration.ports)
            if self._registered(child):
                child.mark_serving(registration is not None and registration.passing)
        await self._clear(api, [r for r in found if r.instance not in living and self._is_ours(r)])

    def _is_ours(self, registration: catalog.Registration) -> bool:
        started = self._started()
        return registration.service in self._members and (started is None or registration.instance in started)

    async def _clear(self, api: ConsulApi, dead: Sequence[catalog.Registration]) -> None:
        # A process that was killed could not say goodbye. Its check would leave it in traffic for
        # the rest of its TTL; we know better.
        for registration in dead:
            if await catalog.remove(api, registration):
                _log.info(
                    "dead_instance_deregistered", service=registration.service, instance=registration.instance
                )

    def _note(self, *, reachable: bool, error: str = "") -> None:
        if reachable is not self.consul_reachable:
            self.consul_reachable = reachable
            if reachable:
                _log.info("consul_reached")
            else:
                _log.warning("consul_lost", error=error)


async def accepts(port: int) -> bool:
    """Whether something on loopback accepts a connection."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), _CONNECT)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
