"""Proves that the migrations make the tables that the code speaks of."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, MetaData, inspect

from services.chassis.persistence.database import Database


async def assert_schema_current(database: Database, metadata: MetaData) -> None:
    """For the storage tests of each service: the migrated schema is the one of ``metadata``.

    Compares tables, columns, types, nullability, indexes, unique and foreign keys, and the names of
    check constraints.

    Raises:
        AssertionError: they differ; the message lists how.
    """
    async with database.read() as connection:
        differences = await connection.run_sync(_differences, metadata)
    if differences:
        raise AssertionError("schema and metadata differ:\n" + "\n".join(differences))


def _differences(connection: Connection, metadata: MetaData) -> list[str]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    found = [repr(difference) for difference in compare_metadata(context, metadata)]
    inspector = inspect(connection)
    for table in metadata.sorted_tables:
        if not inspector.has_table(table.name):
            continue
        actual = {check["name"] for check in inspector.get_check_constraints(table.name)}
        expected = {
            connection.dialect.identifier_preparer.format_constraint(constraint)
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint)
        }
        found += [f"check constraint {name} of {table.name}" for name in sorted(actual ^ expected, key=str)]
    return found
