"""What a server answers on its bare line."""

import socket
from contextlib import suppress


def talk(host: str, port: int, raw: bytes, patience_s: float) -> bytes:
    """Sends bytes as they are; what came back until the other side closed, or was silent for so long."""
    with socket.create_connection((host, port), timeout=patience_s) as connection:
        answer = b""
        with suppress(ConnectionError, TimeoutError):  # it may close before it has read everything
            connection.sendall(raw)
            while part := connection.recv(65_536):
                answer += part
    return answer
