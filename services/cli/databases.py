"""Databases of a mesh on PostgreSQL: made before anything starts, or one line that says why not."""

import asyncio

from services.chassis.registry import load_registry
from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.options import MeshOptions


def provide_databases(options: MeshOptions) -> list[str]:
    """Make sure that each service to run has its database.

    Args:
        options: what the mesh shall be.

    Returns:
        The names of the services whose database was made now; none on SQLite.

    Raises:
        MeshError: a database is not there and cannot be made, or the server does not answer.
    """
    if options.database_url is None:
        return []
    wanted = {
        spec.name: options.database_url.replace("{service}", spec.name)
        for spec in load_registry().services.values()
        if spec.database and (not options.only or spec.name in options.only)
    }
    return asyncio.run(_provide(wanted))


async def _provide(wanted: dict[str, str]) -> list[str]:
    # SQLAlchemy takes its time to load, and most commands do not need it.
    from services.chassis.persistence.errors import StorageUnavailableError  # noqa: PLC0415
    from services.chassis.persistence.provision import provide  # noqa: PLC0415

    made = []
    for service, url in wanted.items():
        try:
            if await provide(url):
                made.append(service)
        except StorageUnavailableError as error:
            raise MeshError(f"--database-url, for {service}: {error.message}") from error
        except ValueError as error:
            raise MeshError(f"--database-url: {error}", ExitCode.USAGE) from error
    return made
