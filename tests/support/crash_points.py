"""Moments inside a transaction at which a process kills itself, by what it has just written."""

import os
import re
import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine


class SqlPoint(StrEnum):
    """Where the exchange dies between the steps that its journal names."""

    INTENT_UNCOMMITTED = "intent_uncommitted"
    SUBMISSION_UNCOMMITTED = "submission_uncommitted"
    MID_FILL = "mid_fill"
    FILL_UNCOMMITTED = "fill_uncommitted"
    MID_OUTBOX = "mid_outbox"
    ANSWER_UNCOMMITTED = "answer_uncommitted"


@dataclass(frozen=True, slots=True)
class _Moment:
    """A statement of this form; the process dies right after it, or just before its commit."""

    statement: str
    before_commit: bool


_MOMENTS: Final = {
    SqlPoint.INTENT_UNCOMMITTED: _Moment(r"INSERT INTO trade_order\b", before_commit=True),
    SqlPoint.SUBMISSION_UNCOMMITTED: _Moment(r"UPDATE trade_order\b", before_commit=True),
    SqlPoint.MID_FILL: _Moment(r"INSERT INTO fill\b", before_commit=False),
    SqlPoint.FILL_UNCOMMITTED: _Moment(r"INSERT INTO fill\b", before_commit=True),
    # The sequence is taken, its event is not written.
    SqlPoint.MID_OUTBOX: _Moment(r"UPDATE outbox_log\b", before_commit=False),
    SqlPoint.ANSWER_UNCOMMITTED: _Moment(r"UPDATE request\b", before_commit=True),
}


def kill_at(point: SqlPoint, turn: int) -> None:
    """End this process, with no chance to tidy up, when it comes to the point for the ``turn``-th time."""
    moment = _MOMENTS[point]
    wanted = re.compile(moment.statement)
    count = 0

    def statement_done(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal count
        if wanted.match(statement):
            count += 1
            if count >= turn:
                if not moment.before_commit:
                    os.kill(os.getpid(), signal.SIGKILL)
                connection.info["doomed"] = True

    def committing(connection: sa.Connection) -> None:
        if connection.info.get("doomed"):
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(Engine, "after_cursor_execute", statement_done)
    sa.event.listen(Engine, "commit", committing)
