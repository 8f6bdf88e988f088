"""Keeps an instance announced in Consul, healthy exactly as long as its self tests pass."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from services.chassis.discovery.agent import ConsulError, ConsulUnreachableError, Instance

_log = structlog.get_logger(__name__)

SelfTest = Callable[[], Awaitable[None]]


class Directory(Protocol):
    """Where instances are announced; the Consul agent."""

    async def register(self, instance: Instance) -> None:
        """Announce an instance."""
        ...

    async def report(self, instance: Instance, problem: str | None) -> None:
        """Say how an instance is."""
        ...

    async def deregister(self, instance: Instance) -> None:
        """Take an instance back."""
        ...


class Presence:
    """The announcement of one instance.

    Args:
        directory: where it is announced.
        instance: what is announced.
        self_tests: each raises where the instance is not fit for calls.
        interval: seconds between two rounds of self tests.
        timeout: seconds one round may take.
    """

    def __init__(
        self,
        directory: Directory,
        instance: Instance,
        self_tests: Sequence[SelfTest] = (),
        *,
        interval: float = 2.0,
        timeout: float = 3.0,
    ) -> None:
        self._directory = directory
        self._instance = instance
        self._self_tests = tuple(self_tests)
        self._interval = interval
        self._timeout = timeout
        self._registered = False
        self._draining = False
        self._reporting = asyncio.Lock()
        self._problem: str | None = None
        self._lost = False
        self.announced = asyncio.Event()

    async def run(self) -> None:
        """Test, report, wait, for ever; registers again wherever Consul has forgotten the instance."""
        while True:
            await self.beat()
            await asyncio.sleep(self._interval)

    async def beat(self) -> None:
        """One round: the self tests, then the report."""
        problem = await self._test()
        async with self._reporting:
            if self._draining:
                return
            self._note(problem)
            try:
                await self._say(problem)
            except ConsulError as error:
                self._note_lost(error)
                return
            self._note_found()
            self.announced.set()

    async def leave_traffic(self) -> None:
        """Say critical, and never healthy again; calls go on arriving until routing follows."""
        async with self._reporting:
            self._draining = True
            if not self._registered:
                return
            try:
                await self._directory.report(self._instance, "draining")
            except ConsulError as error:
                _log.warning("drain_report_failed", error=str(error))

    async def deregister(self) -> None:
        """Take the announcement back; where Consul is away, it forgets by itself later."""
        try:
            await self._directory.deregister(self._instance)
        except ConsulError as error:
            _log.warning("deregistration_failed", error=str(error))
        self._registered = False

    async def _say(self, problem: str | None) -> None:
        if self._registered:
            try:
                await self._directory.report(self._instance, problem)
            except ConsulUnreachableError:
                raise
            except ConsulError:
                # The agent knows no such check: it came back empty.
                self._registered = False
            else:
                return
        await self._directory.register(self._instance)
        self._registered = True
        await self._directory.report(self._instance, problem)

    async def _test(self) -> str | None:
        """What is wrong with this instance, if something is."""
        name = ""
        try:
            async with asyncio.timeout(self._timeout):
                for self_test in self._self_tests:
                    name = getattr(self_test, "__qualname__", "self test")
                    await self_test()
        except TimeoutError:
            return f"{name}: no answer within {self._timeout:g} s"
        except Exception as error:  # noqa: BLE001 - any failure means the same here
            return f"{name}: {type(error).__name__}: {error}"
        return None

    def _note(self, problem: str | None) -> None:
        if problem is not None and self._problem is None:
            _log.error("self_test_failed", problem=problem)
        elif problem is None and self._problem is not None:
            _log.info("self_test_recovered")
        self._problem = problem

    def _note_lost(self, error: ConsulError) -> None:
        if not self._lost:
            self._lost = True
            _log.warning("consul_lost", error=str(error))

    def _note_found(self) -> None:
        if self._lost or not self.announced.is_set():
            self._lost = False
            _log.info("instance_announced", id=self._instance.id, port=self._instance.port)
