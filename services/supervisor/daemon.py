"""The supervisor process: checks, starts, serves the control socket, cleans up."""

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
from pathlib import Path

import structlog

from services.chassis.registry import RegistryError, load_registry
from services.supervisor.access import Access
from services.supervisor.control import ControlServer
from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.lock import InstanceLock
from services.supervisor.mesh import Mesh
from services.supervisor.options import MeshOptions
from services.supervisor.paths import StatePaths
from services.supervisor.plan import Unit, build
from services.supervisor.ports import require_free
from services.supervisor.records import ProcessRecord, stop_leftovers
from services.supervisor.tools import require
from services.toolchain import Tool

_log = structlog.get_logger()
_KEEP_LOG = 4 * 1024 * 1024


def main() -> int:
    """Runs the supervisor until it is told to stop.

    It reads its options as JSON from standard input (see ``MeshOptions``; a database URL may hold a
    password, which a command line would show to everybody). Its only line on standard output says
    whether it accepted the mesh: ``{"ok": true}`` or ``{"ok": false, "error": LINE, "code": EXIT_CODE}``.

    Returns:
        The exit code.
    """
    _configure_log()
    try:
        options = MeshOptions.from_json(sys.stdin.read())
        paths = StatePaths(options.state_dir)
        paths.make()
        lock = InstanceLock(paths.lock)
        lock.acquire()
        _shorten_log(paths)
        run = secrets.token_hex(8)
        units, access = _prepare(options, paths, run)
    except MeshError as error:
        _report({"ok": False, "error": error.message, "code": int(error.code)})
        return int(error.code)
    try:
        with asyncio.Runner() as runner:
            runner.run(_serve(options, paths, Mesh(options, units, access, ProcessRecord(paths.pids, run))))
    finally:
        for file in (paths.socket, paths.pid, paths.pids):
            file.unlink(missing_ok=True)
    # The lock is not given back: the kernel drops it when this process is really gone.
    return int(ExitCode.OK)


def _prepare(options: MeshOptions, paths: StatePaths, run: str) -> tuple[tuple[Unit, ...], Access]:
    for leftover in stop_leftovers(paths.pids):
        _log.warning("leftover_stopped", name=leftover.name, pid=leftover.pid)
    require_free(options.ports())
    try:
        registry = load_registry()
    except (RegistryError, OSError) as error:
        raise MeshError(f"services/registry.toml: {error}") from error
    units = build(registry, options, require(Tool.CONSUL), run)
    paths.socket.unlink(missing_ok=True)
    paths.options.write_text(options.to_json(), encoding="utf-8")
    return units, Access(registry.members, frozenset(registry.calls()))


async def _serve(options: MeshOptions, paths: StatePaths, mesh: Mesh) -> None:
    wanted = asyncio.Event()
    gone = asyncio.Event()

    async def stop() -> None:
        wanted.set()
        await gone.wait()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, wanted.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    control = ControlServer(mesh, stop)
    await control.open(paths.socket)
    paths.pid.write_text(f"{os.getpid()}\n", encoding="ascii")
    _log.info("supervisor_started", pid=os.getpid(), ports=options.ports(), only=options.only)
    try:
        mesh.start()
        _report({"ok": True})
        await wanted.wait()
    finally:
        _log.info("supervisor_stopping")
        await mesh.stop()
        gone.set()
        control.close()
        # Lets the answers to `stop` out before the loop ends.
        await asyncio.sleep(0.05)
        _log.info("supervisor_stopped")


def _report(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    # Whoever waited for the line has it; from here on nobody reads.
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, sys.stdout.fileno())
    os.close(void)


def _shorten_log(paths: StatePaths) -> None:
    if paths.log.exists() and paths.log.stat().st_size > _KEEP_LOG:
        kept = Path(f"{paths.log}.1")
        kept.write_bytes(paths.log.read_bytes())
        os.truncate(paths.log, 0)


def _configure_log() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        context_class=dict,
    )
