"""TCP ports of this machine: a free one, whether one is taken, and by whom."""

import random
import socket

import psutil

from kairos.errors import KairosError

LOCALHOST = "127.0.0.1"
_RANDOM = random.SystemRandom()  # two test runs at once must not walk through the same ports


def free_port() -> int:
    """A port that was free a moment ago."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Distinct free ports, from below the range from which the system takes those of outgoing connections."""
    found: list[int] = []
    while len(found) < count:
        port = _RANDOM.randrange(20_000, 32_000)
        if port not in found and _can_bind(port):
            found.append(port)
    return found


def is_free(port: int) -> bool:
    """Nobody listens there, and this program may."""
    return _can_bind(port)


def is_listening(port: int, host: str = LOCALHOST) -> bool:
    """Somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def require_free(port: int, purpose: str, how_to_change: str) -> None:
    """Raises ``KairosError`` naming the port, its purpose and the process that holds it."""
    if not _can_bind(port):
        raise KairosError(
            f"Port {port}, needed for {purpose}, is taken by {holder(port)}.",
            f"Stop that process, or choose another port: {how_to_change}.",
        )


def holder(port: int) -> str:
    """The process that listens on ``port``, in words; other users' processes cannot always be named."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows other processes to root only
        return "another process"
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN and connection.pid:
            try:
                process = psutil.Process(connection.pid)
                return f"process {connection.pid} ({' '.join(process.cmdline())[:80]})"
            except psutil.Error:
                return f"process {connection.pid}"
    return "another process"


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
        return True
