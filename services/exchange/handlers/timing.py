"""How long the use cases wait for others, and how a caller's deadline is divided."""

import asyncio
from dataclasses import dataclass

_LEAST_S = 0.2
"""A call upstream gets at least this long: less would only make unknown outcomes."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Bounds in seconds.

    Attributes:
        risk: longest wait for risk's decision.
        send: longest wait for the venue's answer to an order or a cancel.
        margin: kept back of a caller's deadline to commit and answer.
        quiet: how long after a sending, and between two looks, the venue's "no such order" must
            stand before it counts as proof that the order never arrived. Longer than ``send``, so
            that a request still on its way has arrived or is dead.
        resolve: pause between two looks at unsettled orders.
        reconcile: pause between two full comparisons with the venue.
        health: pause between two signs of life of a venue.
        lease: how long a writer's lease runs without being renewed.
        stale: an order that could not be sent for so long, since we were down, is not sent any more.
        recovery: how long the start waits for a venue before it serves without it.
        keep_requests: how long a request_id is remembered.
        ratchet: least time between two commits of a trailing stop that follows the market.
        price_silence: a price that orders wait for and that is silent for so long is reported.
        heartbeat: longest silence in a stream of ours.
        slow_consumer: how long a caller may take for one frame before its stream is ended.
    """

    risk: float = 2.0
    send: float = 4.0
    margin: float = 0.5
    quiet: float = 6.0
    resolve: float = 0.5
    reconcile: float = 30.0
    health: float = 2.0
    lease: float = 10.0
    stale: float = 60.0
    recovery: float = 30.0
    keep_requests: float = 8 * 24 * 3600.0
    ratchet: float = 1.0
    price_silence: float = 15.0
    heartbeat: float = 10.0
    slow_consumer: float = 30.0


class Budget:
    """What is left of a caller's deadline.

    Args:
        seconds: the whole of it.
        margin: kept back to commit and answer.
    """

    def __init__(self, seconds: float, margin: float) -> None:
        self._end = asyncio.get_running_loop().time() + seconds - margin

    def left(self) -> float:
        """Seconds that are left; below zero where it is over."""
        return self._end - asyncio.get_running_loop().time()

    def within(self, most: float) -> float:
        """How long the next call upstream may take."""
        return max(_LEAST_S, min(most, self.left()))
