"""Counts and times the calls of every method."""

import asyncio
from time import perf_counter
from typing import Any

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.chassis.rpc.interceptor import Call, Context, Method

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class MetricsInterceptor:
    """Keeps ``trademesh_rpc_*``: requests by method and code, latency, calls in flight.

    Args:
        registry: where the metrics are registered; one server per registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "trademesh_rpc_requests_total", "Finished calls.", ["method", "code"], registry=registry
        )
        self._seconds = Histogram(
            "trademesh_rpc_seconds",
            "Time from the first byte of a call to its status; for streams, how long they lived.",
            ["method"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "trademesh_rpc_in_flight", "Calls running now.", ["method"], registry=registry
        )

    def wrap(self, method: Method, call: Call) -> Call:
        """The measured call; the label children are looked up once per code, not per call."""
        seconds = self._seconds.labels(method.path)
        in_flight = self._in_flight.labels(method.path)
        by_code: dict[grpc.StatusCode, Counter] = {}

        def count(code: grpc.StatusCode) -> None:
            counter = by_code.get(code)
            if counter is None:
                counter = by_code[code] = self._requests.labels(method.path, code.name)
            counter.inc()

        async def measured(request: Any, context: Context) -> Any:
            began = perf_counter()
            in_flight.inc()
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
                in_flight.dec()
                seconds.observe(perf_counter() - began)
                count(code)
            return response

        return measured


def _code(context: Context, otherwise: grpc.StatusCode) -> grpc.StatusCode:
    """The code the call was given; gRPC answers None before anybody set one."""
    found: object = context.code()
    return found if isinstance(found, grpc.StatusCode) else otherwise
