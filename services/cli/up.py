"""Bringing a mesh up: start it, wait until it serves and has traded, or stop it again."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from services.cli.databases import provide_databases
from services.cli.trade import SERVICES, EdgeApi, NoTradeExpectedError, NotYetError, Trade, find_trade
from services.supervisor.client import Supervisor
from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.options import MeshOptions
from services.supervisor.status import MeshStatus, Phase
from services.supervisor.tools import require
from services.toolchain import Tool

_POLL = 0.1
Tell = Callable[[str], None]


def bring_up(options: MeshOptions, *, timeout: float, tell: Tell) -> tuple[MeshStatus, Trade | None, bool]:
    """Starts a mesh, or joins the one that runs, and waits until it is ready.

    A mesh this call has started is stopped again where it does not get ready.

    Args:
        options: what the mesh shall be; a running mesh keeps its own.
        timeout: seconds it may take.
        tell: told in one line what is being waited for, whenever that changes.

    Returns:
        The mesh, the trade it made (None where services for it are left out or told not to trade),
        and whether it was up before.

    Raises:
        MeshError: it did not get ready.
    """
    supervisor = Supervisor(options.state_dir)
    present = supervisor.is_running()
    deadline = time.monotonic() + timeout
    with _interruptible():
        try:
            if not present:
                _start(supervisor, options, tell)
            status = _wait_serving(supervisor, deadline, tell)
            trade = _wait_trade(supervisor, status, deadline, tell)
        except (MeshError, KeyboardInterrupt) as error:
            if not present and supervisor.is_running():
                tell("stopping what was started")
                supervisor.stop()
            if isinstance(error, MeshError):
                raise
            raise MeshError("interrupted; nothing is left running", ExitCode.INTERRUPTED) from None
    return supervisor.status(), trade, present


def _start(supervisor: Supervisor, options: MeshOptions, tell: Tell) -> None:
    if options.recording is not None and not options.recording.exists():
        raise MeshError(f"there is no recording at {options.recording}", ExitCode.USAGE)
    for tool in (Tool.CONSUL, Tool.ENVOY):
        require(tool, tell)
    if made := provide_databases(options):
        tell(f"made the databases of {', '.join(made)}")
    tell("starting")
    supervisor.start(options)


def _wait_serving(supervisor: Supervisor, deadline: float, tell: Tell) -> MeshStatus:
    said = ""
    while True:
        status = supervisor.status()
        if status.serving:
            return status
        _refuse_hopeless(status)
        line = _waiting_for(status)
        if line != said:
            tell(line)
            said = line
        if time.monotonic() > deadline:
            late = next(row for row in status.instances if row.phase is not Phase.SERVING)
            message = f"{late.service} is still {late.phase.value} after the time allowed: see {late.log}"
            raise MeshError(message, ExitCode.TIMED_OUT)
        time.sleep(_POLL)


def _wait_trade(supervisor: Supervisor, status: MeshStatus, deadline: float, tell: Tell) -> Trade | None:
    if not {row.service for row in status.instances} >= SERVICES:
        return None
    edge = EdgeApi(status.edge_port)
    said = ""
    while True:
        try:
            return find_trade(edge, status.start_time)
        except NotYetError as reason:
            line = f"waiting for the first trade: {reason}"
        except NoTradeExpectedError as reason:
            tell(f"no trade to wait for: {reason}")
            return None
        if line != said:
            tell(line)
            said = line
        _refuse_hopeless(supervisor.status())
        if time.monotonic() > deadline:
            log = next(row.log for row in status.instances if row.service == "orchestrator")
            raise MeshError(
                f"no trade went through in the time allowed ({said}): see {log}", ExitCode.TIMED_OUT
            )
        time.sleep(_POLL)


def _refuse_hopeless(status: MeshStatus) -> None:
    for row in status.instances:
        if row.phase is Phase.CRASH_LOOPING:
            raise MeshError(f"{row.service} keeps dying ({row.detail}): see {row.log}")


def _waiting_for(status: MeshStatus) -> str:
    missing = [row for row in status.instances if row.phase is not Phase.SERVING]
    serving = len(status.instances) - len(missing)
    names = ", ".join(dict.fromkeys(row.service for row in missing))
    return f"{serving} of {len(status.instances)} serving; waiting for {names}"


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the wait as Ctrl-C does, so that both leave nothing running."""

    def interrupt(_: int, __: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
