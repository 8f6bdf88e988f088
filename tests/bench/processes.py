"""The processes of a bench: started, spoken to in JSON lines, stopped by pid."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from services.supervisor.paths import ROOT, import_path

_START_S = 30.0
_STOP_S = 10.0
_SHOWN = 3000


class Worker:
    """A process that answers each JSON line with one of its own."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    def cpu_seconds(self) -> float:
        """Processor time it and its children have used so far."""
        process = psutil.Process(self._process.pid)
        family = [process, *process.children(recursive=True)]
        return sum(one.cpu_times().user + one.cpu_times().system for one in family)

    async def hear(self, within: float = _START_S) -> dict[str, Any]:
        """Its next line.

        Raises:
            RuntimeError: it ended.
        """
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), within)
        if not line:
            code, log = await self._process.wait(), self._log.read_text(errors="replace")
            raise RuntimeError(f"{self._log.stem} ended with {code}: {log[-_SHOWN:]}")
        value: dict[str, Any] = json.loads(line)
        return value

    async def ask(self, within: float = _START_S, **order: Any) -> dict[str, Any]:
        """Send one line and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await self.hear(within)


@asynccontextmanager
async def worker(
    *command: str, log: Path, environment: Mapping[str, str] | None = None, speaks: bool = True
) -> AsyncIterator[Worker]:
    """Run ``python -m <command>``; ends with the block.

    Args:
        command: module and arguments.
        log: file for what it says on standard error.
        environment: variables beside ours.
        speaks: whether standard output is for us; it goes to the log otherwise.
    """
    pipe = asyncio.subprocess.PIPE
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": import_path(), **(environment or {})},
            stdin=pipe,
            stdout=pipe if speaks else errors,
            stderr=errors,
        )
    try:
        yield Worker(process, log)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()
