"""One child process: its own session and process group, its output in a file, its death seen.

The group is killed with its leader, and only while the leader is not yet reaped: until then the
kernel cannot give its number to anybody else. The kernel also kills the child with the supervisor
(``PR_SET_PDEATHSIG``), so that a supervisor killed with -9 leaves nothing behind. The Python code
between fork and exec that this takes is safe here: one thread, no grpc.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from services.supervisor.logfile import RotatingFile

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_CHUNK = 65536
# How long the output of a dead process may stay open in a descendant that left the group.
_LAST_WORDS = 1.0


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None where there is no such process.

    Together with the boot id it names a process for good, while a bare pid is used again.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def _die_with_parent(parent: int) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Process:
    """A running child.

    Attributes:
        pid: its process id, which is also the id of its group.
        ticks: when it started, see ``start_ticks``.
        exit_code: its exit code once it has ended, negative for a signal; None before.
    """

    def __init__(self, child: "subprocess.Popen[bytes]", sink: RotatingFile) -> None:
        loop = asyncio.get_running_loop()
        self.pid = child.pid
        self.ticks = start_ticks(child.pid) or 0
        self.exit_code: int | None = None
        self._child = child
        self._sink = sink
        self._ended: asyncio.Future[int] = loop.create_future()
        self._drained = loop.create_future()
        self._pidfd = os.pidfd_open(child.pid)
        if child.stdout is None:  # pragma: no cover - start() always makes the pipe
            raise ValueError("the child's output is not piped")
        self._pipe = child.stdout
        os.set_blocking(self._pipe.fileno(), False)
        loop.add_reader(self._pipe.fileno(), self._pump)
        loop.add_reader(self._pidfd, self._reap)

    @classmethod
    def start(
        cls, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, sink: RotatingFile
    ) -> "Process":
        """Starts a child; needs a running event loop in the main thread.

        Raises:
            OSError: the program cannot be started.
        """
        parent = os.getpid()
        child = subprocess.Popen(  # noqa: S603 - the command is ours
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: _die_with_parent(parent),  # noqa: PLW1509 - see the module's docstring
            bufsize=0,
        )
        return cls(child, sink)

    async def wait(self) -> int:
        """Waits for the end and the last output; the exit code, negative for a signal."""
        code = await asyncio.shield(self._ended)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._drained), _LAST_WORDS)
        self._close_pipe()
        return code

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the leader, if it runs still."""
        if self.exit_code is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills the whole group, if the leader runs still."""
        if self.exit_code is None:
            os.killpg(self.pid, signal.SIGKILL)

    async def stop(self, grace: float) -> int:
        """Asks it to end (SIGTERM) and kills the group after ``grace`` seconds; the exit code."""
        self.signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._ended), grace)
        self.kill()
        return await self.wait()

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.exit_code = self._child.wait()
        self._ended.set_result(self.exit_code)

    def _pump(self) -> None:
        try:
            data = os.read(self._pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if data:
            self._sink.write(data)
        else:
            self._close_pipe()

    def _close_pipe(self) -> None:
        if not self._pipe.closed:
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            self._pipe.close()
        if not self._drained.done():
            self._drained.set_result(None)
