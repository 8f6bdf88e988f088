"""Where things lie: the state directory and the checkout (or the installed packages)."""

import os
from dataclasses import dataclass
from pathlib import Path

import services

ROOT = Path(services.__file__).resolve().parent.parent


def import_path() -> str:
    """``PYTHONPATH`` of a child: this tree, its generated code, and what was set before."""
    entries = [str(ROOT), str(ROOT / "gen" / "python"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return os.pathsep.join(dict.fromkeys(entry for entry in entries if entry))


@dataclass(frozen=True, slots=True)
class StatePaths:
    """Names inside one state directory."""

    root: Path

    @property
    def lock(self) -> Path:
        """Locked by the running supervisor; the lock ends with its process, however it ends."""
        return self.root / "supervisor.lock"

    @property
    def pid(self) -> Path:
        """Process id of the supervisor, for people."""
        return self.root / "supervisor.pid"

    @property
    def socket(self) -> Path:
        """Control socket of the supervisor."""
        return self.root / "supervisor.sock"

    @property
    def log(self) -> Path:
        """The supervisor's own log."""
        return self.root / "supervisor.log"

    @property
    def pids(self) -> Path:
        """Record of the processes started, to clean up after a killed supervisor."""
        return self.root / "run" / "pids.json"

    @property
    def options(self) -> Path:
        """Options of the present or last run."""
        return self.root / "run" / "options.json"

    @property
    def logs(self) -> Path:
        """Folder of the children's logs."""
        return self.root / "logs"

    @property
    def consul(self) -> Path:
        """Folder of Consul's configuration, data and tokens."""
        return self.root / "consul"

    def log_of(self, service: str, slot: int) -> Path:
        """Log file of one instance."""
        return self.logs / f"{service}-{slot}.log"

    def token_of(self, service: str) -> Path:
        """Consul token of one service."""
        return self.consul / "tokens" / service

    def make(self) -> None:
        """Makes the folders, readable by their owner only."""
        for folder in (self.root, self.logs, self.consul / "tokens", self.pids.parent, self.root / "data"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
