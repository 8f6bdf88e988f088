"""Are the ports free, and if not, who has them."""

import errno
import socket
from collections.abc import Mapping

import psutil

from services.supervisor.failure import ExitCode, MeshError

LOOPBACK = "127.0.0.1"


def require_free(ports: Mapping[str, int]) -> None:
    """Checks that every port can be listened on.

    Args:
        ports: port by the option that sets it.

    Raises:
        MeshError: a port is taken or given twice; the line names it and, where visible, its holder.
    """
    seen: dict[int, str] = {}
    for option, port in ports.items():
        if port in seen:
            raise MeshError(f"port {port} is given twice: {seen[port]} and {option}", ExitCode.USAGE)
        seen[port] = option
        if is_busy(port):
            message = (
                f"port {port} is in use by {holder(port)}: stop that or choose another port with {option}"
            )
            raise MeshError(message, ExitCode.PORT_BUSY)


def is_busy(port: int, address: str = LOOPBACK) -> bool:
    """Whether some process listens on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return True
            raise
    return False


def holder(port: int) -> str:
    """Name and pid of the process that has a port, or what can be said instead."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another process"
    having = [c for c in connections if c.laddr and c.laddr.port == port and c.pid]
    # A listener first; else somebody's outgoing connection that happens to come from this port.
    for connection in sorted(having, key=lambda c: c.status != psutil.CONN_LISTEN):
        try:
            return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
        except psutil.NoSuchProcess:
            continue
    return "a process that cannot be seen from here"


def free_ports(count: int) -> list[int]:
    """So many different ports that are free now on loopback."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
