"""A simulated venue in a process of its own, which a fault script may end.

    python -m tests.support.simvenue_process DATABASE_URL

Its settings come from the environment. It says its address on the first line of its standard output.
"""

import asyncio
import os
import sys

from services.simvenue.doors import end_now
from services.simvenue.settings import SimvenueSettings
from tests.support.exchange_process import address_of
from tests.support.simvenue import SystemClock, running_venue


async def main(database_url: str) -> None:
    """Serve until killed."""
    async with running_venue(
        database_url, SimvenueSettings(), clock=SystemClock(), end_process=end_now
    ) as venue:
        os.write(1, f"{address_of(venue.channel)}\n".encode())
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
