"""Proves the books of a stopped service: ``python -m services.portfolio.verify DATABASE_URL``.

Prints one line for each row of a read model that is not what the journal makes. Exit code 0 where there is
none, 1 where there is one, 2 for wrong usage. It asks no service and needs no mesh.
"""

import asyncio
import sys

from services.chassis.persistence import Database
from services.portfolio.rebuild import ReadModels, differences, rebuild
from services.portfolio.storage.journal import read_journal
from services.portfolio.storage.models import read_models

_USAGE = 2


async def both_models(database: Database) -> tuple[ReadModels, ReadModels]:
    """The live read models and those made anew from the journal, of one snapshot. Reads whole tables."""
    async with database.read() as connection:
        return await read_models(connection), await rebuild(read_journal(connection))


async def verify(url: str) -> int:
    """Compare, print, and give the exit code."""
    database = await Database.open(url, migrations="services.portfolio.storage.migrations")
    try:
        live, rebuilt = await both_models(database)
    finally:
        await database.close()
    found = differences(live, rebuilt)
    for line in found:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{len(live.entries)} ledger entries, {len(found)} differences\n")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the URL
        sys.stderr.write(f"{__doc__}\n")
        raise SystemExit(_USAGE)
    raise SystemExit(asyncio.run(verify(sys.argv[1])))
