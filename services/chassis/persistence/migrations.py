"""Brings a database's schema up to date, in this process, in one transaction."""

import importlib.util
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from services.chassis.persistence.backends import Backend, Role
from services.chassis.persistence.errors import StorageSchemaError
from services.chassis.persistence.types import table_metadata


async def upgrade(backend: Backend, package: str) -> None:
    """Apply every migration of ``package`` that the database has not seen.

    All of them commit together or not at all. Instances that start at the same moment take turns.
    There is no way down: a mistake is mended by the next migration.

    Raises:
        StorageSchemaError: the database is at a revision that this program does not know.
        ModuleNotFoundError: there is no such package.
    """
    scripts = scripts_of(package)
    engine = backend.engine(Role.MIGRATION)
    try:
        async with engine.connect() as connection:
            await backend.begin_write(connection)
            await connection.run_sync(_upgrade, scripts)
            if backend.name == "sqlite":
                await connection.run_sync(_check_references)
            await connection.commit()
    finally:
        await engine.dispose()


def scripts_of(package: str) -> ScriptDirectory:
    """The migrations of a package: the files in its ``versions`` folder.

    Raises:
        ModuleNotFoundError: there is no such package.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package}", name=package)
    folder = Path(next(iter(spec.submodule_search_locations)))
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def _upgrade(connection: Connection, scripts: ScriptDirectory) -> None:
    def steps(current: Any, _context: object) -> list[Any]:
        return list(scripts._upgrade_revs("head", current))  # noqa: SLF001 (as Alembic's own commands do)

    try:
        with EnvironmentContext(Config(), scripts, fn=steps) as environment:
            environment.configure(
                connection=connection,
                target_metadata=table_metadata(),  # so that migrations name constraints as the tables do
                transactional_ddl=True,
                render_as_batch=True,
            )
            environment.run_migrations()
    except CommandError as error:
        raise StorageSchemaError(
            f"the database was written by another version of the program: {error}"
        ) from error


def _check_references(connection: Connection) -> None:
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise StorageSchemaError(f"a migration broke a reference: {tuple(broken)}")
