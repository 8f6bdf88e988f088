"""What can go wrong for the person at the terminal, each with its exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the console script, the same for every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3
    TOOL_MISSING = 4
    PORT_BUSY = 5
    PACKAGE_MISSING = 6
    TIMED_OUT = 7
    INTERRUPTED = 130


class MeshError(Exception):
    """One line a person can act on.

    Args:
        message: the line.
        code: exit code of the command that ran into it.
    """

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
