"""One supervisor per state directory."""

import fcntl
import os
from pathlib import Path

from services.supervisor.failure import MeshError


class InstanceLock:
    """A lock the kernel drops with the process that holds it, even when that is killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock.

        Raises:
            MeshError: another process holds it.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise MeshError(f"a supervisor already runs on {self._path.parent}") from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Gives the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path) -> bool:
    """Whether some process holds the lock now."""
    lock = InstanceLock(path)
    if not path.exists():
        return False
    try:
        lock.acquire()
    except MeshError:
        return True
    lock.release()
    return False
