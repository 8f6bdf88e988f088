"""An exchange in a process of its own, which kills itself at a chosen point.

    python -m tests.support.exchange_process DATABASE_URL VENUE_ADDRESS [POINT [TURN]]

POINT is a step of the journal or a point inside a transaction; TURN says when it is come to for the how
manieth time, once where it is left out.

It reaches a real simulated venue at the address, approves every order, and says its port on the
first line of its standard output.
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace

import grpc.aio

from services.chassis.clock import SystemClock
from services.exchange.domain.order import Order
from services.exchange.ports import Step
from services.exchange.venues.simvenue import SimVenue
from tests.support.crash_points import SqlPoint, kill_at
from tests.support.exchange import PATIENT, CrashingJournal, assembled_exchange
from tests.support.rpc import serving

_TIMING = replace(PATIENT, quiet=2.0)
"""A request of a killed process arrives within milliseconds of its death, or never."""


class KillingJournal(CrashingJournal):
    """Ends the process at the step, with no chance for anybody to tidy up."""

    turns = 1

    def reached(self, step: Step, order: Order, **details: object) -> None:
        if step is self.crash_at:
            self.turns -= 1
            if self.turns <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


async def main(database_url: str, venue_address: str, point: str = "", turn: str = "1") -> None:
    """Serve until killed."""
    journal = KillingJournal(Step(point) if point in set(Step) else None)
    journal.turns = int(turn)
    if point in set(SqlPoint):
        kill_at(SqlPoint(point), int(turn))
    async with (
        grpc.aio.insecure_channel(venue_address) as channel,
        assembled_exchange(
            database_url, SimVenue("sim", channel, SystemClock()), timing=_TIMING, journal=journal
        ) as assembled,
        serving(assembled.application.servicers) as own,
    ):
        os.write(1, f"{address_of(own)}\n".encode())
        await asyncio.Event().wait()


def address_of(channel: grpc.aio.Channel) -> str:
    """Where a plaintext channel goes."""
    target: bytes = channel._channel.target  # type: ignore[attr-defined]
    return target.decode().rpartition("/")[2]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
