"""Moments inside a transaction at which a process kills itself, by what it has just written."""

import inspect
import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from services.chassis.persistence import sqlite_driver


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
    doomed = False

    def done(statement: str) -> None:
        nonlocal count, doomed
        if wanted.match(statement):
            count += 1
            if count >= turn:
                if not moment.before_commit:
                    os.kill(os.getpid(), signal.SIGKILL)
                doomed = True

    def committing() -> None:
        if doomed:
            os.kill(os.getpid(), signal.SIGKILL)

    watch_driver(done, committing)


def watch_driver(done: Callable[[str], None], committing: Callable[[], None]) -> None:
    """Tell of every statement that a SQLite connection of this process ran, and before every commit."""
    for kind in (sqlite_driver.Connection, sqlite_driver.Cursor):
        for name in ("execute", "executemany"):
            setattr(kind, name, _told_after(getattr(kind, name), done))
    commit = sqlite_driver.Connection.commit

    async def told_commit(connection: sqlite_driver.Connection) -> None:
        committing()
        await commit(connection)

    setattr(sqlite_driver.Connection, "commit", told_commit)  # noqa: B010 - a method is in its place


def _told_after(run: Callable[..., Any], done: Callable[[str], None]) -> Callable[..., Any]:
    # A cursor's coroutine runs its statement when it is awaited, so that nothing ran yet when it is made.
    if inspect.iscoroutinefunction(run):

        async def awaited(driver: object, statement: str, *parameters: Any) -> Any:
            answer = await run(driver, statement, *parameters)
            done(statement)
            return answer

        return awaited

    def called(driver: object, statement: str, *parameters: Any) -> Any:
        answer = run(driver, statement, *parameters)
        done(statement)
        return answer

    return called
