"""uvicorn's WebSocket with a short way beside ASGI, for what there is a thousand of in a second: a push to a device, and its acknowledgement.

ASGI's way takes a task, a queue and a pause of reading for each message. What the short way does not take goes by ASGI, in its order.

And a client that has said something since the last heartbeat is not asked whether it lives.
"""

from collections.abc import Callable, Mapping
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request

_EXTENSION = "kairos.direct"


class DirectProtocol(WebSocketsSansIOProtocol):
    """Give it to uvicorn as ``ws``, and find it by ``direct``."""

    on_text: Callable[[bytes], bool] | None = None
    """Hears each text first; True: it needs no other."""
    _heard = False
    """The client has said something since the last heartbeat, other than that it lives."""

    def data_received(self, data: bytes) -> None:  # noqa: D102 - as uvicorn's, like what follows
        self._heard = True
        super().data_received(data)

    def handle_pong(self, event: Frame) -> None:  # noqa: D102
        self._heard = False
        super().handle_pong(event)

    def send_keepalive_ping(self) -> None:  # noqa: D102
        if not self._heard:
            super().send_keepalive_ping()
            return
        self._heard = False
        self.schedule_ping()

    def handle_connect(self, event: Request) -> None:  # noqa: D102
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][_EXTENSION] = {"protocol": self}

    def write(self, text: bytes) -> bool:
        """Send a text now. False: it cannot go now, because the client takes nothing, or is gone."""
        if self.disconnected or self.close_sent or not self.writable.is_set():
            return False
        try:
            self.conn.send_text(text)
        except InvalidState:
            return False
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def send_receive_event_to_app(self) -> None:  # noqa: D102
        if self.on_text is not None and self.curr_msg_data_type == "text" and len(self.frames) == 1 and not self.close_sent:
            (text,) = self.frames
            if self.on_text(bytes(text)):
                self.frames = []
                return
        super().send_receive_event_to_app()


def direct(scope: Mapping[str, Any]) -> DirectProtocol:
    """The protocol under an ASGI connection, given out once: what refers to itself would outlive the connection."""
    protocol: DirectProtocol = scope["extensions"].pop(_EXTENSION)["protocol"]
    return protocol
