"""The tables of an event log (outbox), and the one of what a service has applied from others' logs (inbox).

``outbox_tables`` and ``inbox_table`` are what queries use. The other functions are for migrations
and never change again: a later change of the tables is a new function and a new migration, since
databases made by the old one exist.
"""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from services.chassis.persistence.types import UtcDateTime

OUTBOX_LOG = "outbox_log"
OUTBOX_EVENT = "outbox_event"
INBOX_CURSOR = "inbox_cursor"


@dataclass(frozen=True, slots=True)
class OutboxTables:
    """The event log of a service.

    Attributes:
        log: one row: identity of the log and its newest sequence.
        event: one row for each event.
    """

    log: sa.Table
    event: sa.Table


def outbox_tables(metadata: sa.MetaData) -> OutboxTables:
    """Declare the tables of an event log in a service's metadata."""
    log = sa.Table(
        OUTBOX_LOG,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    event = sa.Table(
        OUTBOX_EVENT,
        metadata,
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("trace_context", sa.Text, nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
        sa.UniqueConstraint("event_id"),
    )
    return OutboxTables(log, event)


def inbox_table(metadata: sa.MetaData) -> sa.Table:
    """Declare the table of the inbox in a service's metadata: which log of each source, and how far."""
    return sa.Table(
        INBOX_CURSOR,
        metadata,
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("update_time", UtcDateTime, nullable=False),
    )


def create_outbox_tables(op: Any) -> None:
    """For a migration: make the tables of an event log, and give the log its identity.

    Args:
        op: ``alembic.op``.
    """
    log = op.create_table(
        "outbox_log",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.create_table(
        "outbox_event",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("trace_context", sa.Text, nullable=False),
        sa.Column("create_time", UtcDateTime, nullable=False),
        sa.UniqueConstraint("event_id"),
    )
    op.bulk_insert(log, [{"id": 1, "log_id": str(uuid4()), "head": 0}])


def create_inbox_tables(op: Any) -> None:
    """For a migration: make the tables of the inbox as they were first, with a row for each event.

    Args:
        op: ``alembic.op``.
    """
    op.create_table(
        "inbox_cursor",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("update_time", UtcDateTime, nullable=False),
    )
    op.create_table(
        "inbox_event",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("apply_time", UtcDateTime, nullable=False),
        sa.UniqueConstraint("source", "sequence"),
    )


def drop_inbox_events(op: Any) -> None:
    """For a migration: the inbox keeps its cursors and no row for each event any more.

    Args:
        op: ``alembic.op``.
    """
    op.drop_table("inbox_event")
