"""An instance's place in the registry, through everything Consul may do to it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.chassis.discovery.agent import (
    Answer,
    ConsulError,
    ConsulRefusedError,
    ConsulUnreachableError,
    Instance,
)
from services.chassis.discovery.presence import Presence
from services.chassis.discovery.watch import Watch

_INSTANCE = Instance("market", "market-1", "127.0.0.1", 4000, {"version": "1"})


class _Directory:
    """Behaves as Consul does: it forgets when told to, and knows no check it was not given."""

    def __init__(self) -> None:
        self.known = False
        self.away: ConsulError | None = None
        self.said: list[str] = []

    def _here(self) -> None:
        if self.away is not None:
            raise self.away

    async def register(self, instance: Instance) -> None:
        self._here()
        self.known = True
        self.said.append("register")

    async def report(self, instance: Instance, problem: str | None) -> None:
        self._here()
        if not self.known:
            raise ConsulError("500 CheckID does not have associated TTL")
        self.said.append("passing" if problem is None else f"critical: {problem}")

    async def deregister(self, instance: Instance) -> None:
        self._here()
        self.known = False
        self.said.append("deregister")


async def _failing() -> None:
    raise ConnectionError("no database")


async def test_an_instance_is_registered_then_passing() -> None:
    directory = _Directory()
    presence = Presence(directory, _INSTANCE)
    await presence.beat()
    await presence.beat()
    assert directory.said == ["register", "passing", "passing"]
    assert presence.announced.is_set()


async def test_a_failing_self_test_turns_it_critical_and_back() -> None:
    directory = _Directory()
    tests: list[Callable[[], Awaitable[None]]] = [_failing]

    async def switched() -> None:
        for test in tests:
            await test()

    presence = Presence(directory, _INSTANCE, [switched])
    await presence.beat()
    tests.clear()
    await presence.beat()
    assert "no database" in directory.said[1]
    assert directory.said[1].startswith("critical")
    assert directory.said[2] == "passing"


async def test_a_self_test_that_hangs_is_a_failure() -> None:
    directory = _Directory()

    async def hangs() -> None:
        await asyncio.Event().wait()

    await Presence(directory, _INSTANCE, [hangs], timeout=0.01).beat()
    assert "no answer within" in directory.said[1]


async def test_it_registers_again_where_consul_came_back_empty() -> None:
    directory = _Directory()
    presence = Presence(directory, _INSTANCE)
    await presence.beat()
    directory.known = False
    await presence.beat()
    assert directory.said == ["register", "passing", "register", "passing"]


@pytest.mark.parametrize("away", [ConsulUnreachableError("refused"), ConsulRefusedError("ACL not found")])
async def test_it_outlives_consul(away: ConsulError) -> None:
    directory = _Directory()
    presence = Presence(directory, _INSTANCE)
    directory.away = away
    await presence.beat()
    assert not presence.announced.is_set()
    directory.away = None
    await presence.beat()
    directory.away = away
    await presence.beat()
    directory.away = None
    await presence.beat()
    assert directory.said[-1] == "passing"


async def test_it_leaves_traffic_for_good() -> None:
    directory = _Directory()
    presence = Presence(directory, _INSTANCE)
    await presence.beat()
    await presence.leave_traffic()
    await presence.beat()
    await presence.deregister()
    assert directory.said == ["register", "passing", "critical: draining", "deregister"]


async def test_leaving_while_consul_is_away_is_quiet() -> None:
    directory = _Directory()
    presence = Presence(directory, _INSTANCE)
    await presence.beat()
    directory.away = ConsulUnreachableError("refused")
    await presence.leave_traffic()
    await presence.deregister()
    assert directory.said == ["register", "passing"]


async def test_a_watch_keeps_the_last_answer_and_starts_over_after_an_outage() -> None:
    asked: list[int] = []
    taken: list[str] = []
    done = asyncio.Event()
    script: list[Answer | ConsulError] = [
        Answer(10, "a"),
        Answer(10, "a"),
        ConsulUnreachableError("refused"),
        Answer(12, "b"),
        Answer(3, "new consul"),
        Answer(4, "c"),
    ]

    async def query(index: int) -> Answer:
        asked.append(index)
        if not script:
            done.set()
            await asyncio.Event().wait()
        step = script.pop(0)
        if isinstance(step, ConsulError):
            raise step
        return step

    async def apply(answer: Answer) -> None:
        taken.append(answer.body)

    watch = Watch("test", query, apply)
    running = asyncio.create_task(watch.run())
    await asyncio.wait_for(done.wait(), 5)
    running.cancel()
    assert asked == [0, 10, 10, 0, 12, 0, 4]
    assert taken == ["a", "b", "new consul", "c"]
    assert watch.ready.is_set()
