"""Talks to a supervisor over its control socket, and starts one."""

import json
import os
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.supervisor import lock
from services.supervisor.failure import ExitCode, MeshError
from services.supervisor.options import MeshOptions
from services.supervisor.paths import ROOT, StatePaths, import_path
from services.supervisor.status import MeshStatus, Phase

# Stopping drains every service in turn; nothing else takes long.
_ANSWER_BOUND = 10.0
_LONG_BOUND = 150.0
_START_BOUND = 30.0
_POLL = 0.05


class Supervisor:
    """The supervisor of one state directory, as seen from another process.

    Args:
        state_dir: the state directory.
    """

    def __init__(self, state_dir: Path) -> None:
        self.paths = StatePaths(state_dir)

    def is_running(self) -> bool:
        """Whether a supervisor holds the state directory."""
        return lock.is_held(self.paths.lock)

    def status(self) -> MeshStatus:
        """What runs, and how.

        Raises:
            MeshError: no supervisor runs, or it does not answer within 10 s.
        """
        return MeshStatus.from_value(self._ask({"command": "status"}))

    def scale(self, service: str, count: int) -> MeshStatus:
        """Runs so many instances of a service.

        Raises:
            MeshError: refused, or no supervisor runs.
        """
        answer = self._ask({"command": "scale", "service": service, "count": count}, _LONG_BOUND)
        return MeshStatus.from_value(answer)

    def wait_serving(self, service: str, bound: float = 60.0) -> MeshStatus:
        """Waits until every instance of a service serves.

        Raises:
            MeshError: one keeps dying, or they do not serve within ``bound`` seconds.
        """
        end = time.monotonic() + bound
        while True:
            status = self.status()
            late = [r for r in status.instances if r.service == service and r.phase is not Phase.SERVING]
            if not late:
                return status
            if late[0].phase is Phase.CRASH_LOOPING or time.monotonic() > end:
                raise MeshError(f"{service} is {late[0].phase.value} ({late[0].detail}): see {late[0].log}")
            time.sleep(_POLL)

    def restart(self, service: str) -> MeshStatus:
        """Restarts the instances of a service one after another.

        Raises:
            MeshError: refused, or no supervisor runs.
        """
        return MeshStatus.from_value(self._ask({"command": "restart", "service": service}, _LONG_BOUND))

    def stop(self) -> None:
        """Ends the mesh; returns when nothing of it runs.

        Raises:
            MeshError: no supervisor runs, or it did not end in time.
        """
        self._ask({"command": "stop"}, _LONG_BOUND)
        end = time.monotonic() + _ANSWER_BOUND
        while self.is_running():
            if time.monotonic() > end:
                raise MeshError(f"the supervisor does not end: see {self.paths.log}")
            time.sleep(0.02)

    def start(self, options: MeshOptions) -> None:
        """Starts a supervisor that outlives this process; returns when it has accepted the mesh.

        Raises:
            MeshError: it refused (busy port, missing tool ...) and has ended.
        """
        self.paths.make()
        with self.paths.log.open("ab") as log:
            daemon = subprocess.Popen(
                [sys.executable, "-m", "services.supervisor"],
                cwd=self.paths.root,
                env=os.environ | {"PYTHONPATH": import_path()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        if daemon.stdin is None or daemon.stdout is None:
            raise MeshError("the supervisor's answer cannot be read")
        with suppress(BrokenPipeError), daemon.stdin as pipe:
            pipe.write(options.to_json().encode())
        with daemon.stdout as pipe:
            ready, _, _ = select.select([pipe], [], [], _START_BOUND)
            line = pipe.readline() if ready else b""
        try:
            answer = json.loads(line)
        except ValueError:
            daemon.kill()
            daemon.wait()
            raise MeshError(f"the supervisor did not start: see {self.paths.log}") from None
        if not answer["ok"]:
            daemon.wait()
            raise MeshError(answer["error"], ExitCode(answer["code"]))
        # It goes on without us; that it is our child until we end is of no use to anybody.
        daemon.returncode = 0

    def _ask(self, request: dict[str, Any], bound: float = _ANSWER_BOUND) -> Any:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(bound)
                connection.connect(str(self.paths.socket))
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("rb") as answers:
                    line = answers.readline()
        except TimeoutError:
            raise MeshError(f"the supervisor does not answer: see {self.paths.log}") from None
        except OSError:
            raise MeshError(f"no mesh runs on {self.paths.root}", ExitCode.NOT_RUNNING) from None
        if not line:
            raise MeshError(f"the supervisor has ended: see {self.paths.log}", ExitCode.NOT_RUNNING)
        answer = json.loads(line)
        if not answer["ok"]:
            raise MeshError(answer["error"], ExitCode(answer["code"]))
        return answer["result"]


def default_state_dir() -> Path:
    """``TRADEMESH_STATE_DIR``, else ``.trademesh`` in the checkout (or where we are, if installed)."""
    named = os.environ.get("TRADEMESH_STATE_DIR")
    if named:
        return Path(named).resolve()
    base = ROOT if (ROOT / "pyproject.toml").exists() else Path.cwd()
    return base / ".trademesh"
