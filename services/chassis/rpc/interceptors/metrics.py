"""Counts and times the calls of every method.

The counts are plain numbers of this process's event loop, and become metrics only when the page is
read: counters with a lock and a label look-up of their own cost as much as the validation of a request.
"""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from time import perf_counter
from typing import Any, Final

import grpc
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from services.chassis.rpc.interceptor import Call, Context, Method

_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS: Final = (*(str(bound) for bound in _BUCKETS), "+Inf")


class MetricsInterceptor(Collector):
    """Keeps ``trademesh_rpc_*``: requests by method and code, latency, calls in flight.

    Args:
        registry: where the metrics are registered; one server per registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tallies: dict[str, _Tally] = {}
        registry.register(self)

    def wrap(self, method: Method, call: Call) -> Call:
        """The measured call."""
        tally = self._tallies.setdefault(method.path, _Tally())

        async def measured(request: Any, context: Context) -> Any:
            began = perf_counter()
            tally.in_flight += 1
            code = grpc.StatusCode.UNKNOWN
            try:
                response = await call(request, context)
                code = _code(context, grpc.StatusCode.OK)
            except asyncio.CancelledError:
                code = grpc.StatusCode.CANCELLED
                raise
            except Exception:
                code = _code(context, grpc.StatusCode.UNKNOWN)
                raise
            finally:
                tally.in_flight -= 1
                tally.count(code, perf_counter() - began)
            return response

        return measured

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        requests = CounterMetricFamily("trademesh_rpc_requests", "Finished calls.", labels=["method", "code"])
        seconds = HistogramMetricFamily(
            "trademesh_rpc_seconds",
            "Time from the first byte of a call to its status; for streams, how long they lived.",
            labels=["method"],
        )
        in_flight = GaugeMetricFamily("trademesh_rpc_in_flight", "Calls running now.", labels=["method"])
        for path, tally in self._tallies.items():
            for code, number in list(tally.by_code.items()):
                requests.add_metric([path, code.name], number)
            seconds.add_metric([path], list(tally.histogram()), tally.seconds)
            in_flight.add_metric([path], tally.in_flight)
        yield from (requests, seconds, in_flight)


class _Tally:
    """What happened to one method."""

    __slots__ = ("buckets", "by_code", "in_flight", "seconds")

    def __init__(self) -> None:
        self.in_flight = 0
        self.seconds = 0.0
        self.buckets = [0] * len(_BOUNDS)
        self.by_code: defaultdict[grpc.StatusCode, int] = defaultdict(int)

    def count(self, code: grpc.StatusCode, seconds: float) -> None:
        self.by_code[code] += 1
        self.seconds += seconds
        self.buckets[bisect_left(_BUCKETS, seconds)] += 1

    def histogram(self) -> Iterator[tuple[str, float]]:
        """Upper bound and how many calls took no longer."""
        return zip(_BOUNDS, accumulate(map(float, self.buckets)), strict=True)


def _code(context: Context, otherwise: grpc.StatusCode) -> grpc.StatusCode:
    """The code the call was given; gRPC answers None before anybody set one."""
    found: object = context.code()
    return found if isinstance(found, grpc.StatusCode) else otherwise
