"""The same load for every contender: so many calls in flight, for so long, each timed."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import quantiles
from time import perf_counter
from typing import Any

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Figures:
    """One round of one contender.

    Attributes:
        rate: calls answered in a second.
        median_ms: time of one call, in milliseconds.
        p99_ms: time that one call in a hundred exceeds, in milliseconds.
        calls: how many there were.
    """

    rate: float
    median_ms: float
    p99_ms: float
    calls: int


async def measure(call: Call, seconds: float, in_flight: int) -> Figures:
    """Call as fast as the answers come.

    Args:
        call: makes one call; where it raises, the run ends.
        seconds: how long.
        in_flight: calls under way at any moment.
    """
    times: list[float] = []
    began = perf_counter()
    end = began + seconds

    async def worker() -> None:
        while (start := perf_counter()) < end:
            await call()
            times.append(perf_counter() - start)

    await asyncio.gather(*(worker() for _ in range(in_flight)))
    elapsed = perf_counter() - began
    cuts = quantiles(times, n=100)
    return Figures(len(times) / elapsed, cuts[49] * 1000, cuts[98] * 1000, len(times))


async def obey(calls: Mapping[str, Call]) -> None:
    """Measure what each line of standard input asks for, a JSON line each, until the input ends.

    Args:
        calls: what can be asked for, by name.
    """
    say({"ready": True})
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        figures = await measure(calls[order["call"]], order["seconds"], order["in_flight"])
        say(asdict(figures))


def say(value: Any) -> None:
    """Tell whoever started this process, in one line."""
    print(json.dumps(value), flush=True)  # noqa: T201 - the protocol
