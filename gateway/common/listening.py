"""A socket to listen on, before anything else is begun: whoever comes waits in it, and who cannot have it is told at once."""

import socket

from kairos.errors import KairosError

_BACKLOG = 2048


def listening_socket(who: str, host: str, port: int) -> socket.socket:
    """Port 0 takes a free one. ``who``: for people, such as "collector". Raises KairosError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        hint = "Choose another port, or end what listens there."
        raise KairosError(f"The {who} cannot listen on {host}, port {port} ({error.strerror}).", hint) from error
