"""Devices that are connected: over WebSocket and over Server-Sent Events."""

import json
from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.gateway.delivery.processes import GatewayProcess, token

PATIENCE_S = 20.0


class Device:
    """A client over WebSocket. `last_id`: of the newest push it was given."""

    def __init__(self, gateway: GatewayProcess, user: str = "ada", device_id: str = "phone", **query: str) -> None:
        values = {"token": token(user), "device_id": device_id} | query
        self.socket: ClientConnection = connect(f"ws://{gateway.address}/v1/stream?{urlencode(values)}", compression=None, legacy=True)
        self.last_id = ""

    def receive(self, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout_s))
        self.last_id = message.get("id", self.last_id)
        return message

    def hello(self) -> Self:
        assert self.receive()["type"] == "hello"
        return self

    def pushes(self, count: int) -> list[str]:
        """Command ids of the next pushes."""
        return [self.receive()["push"]["command_id"] for _ in range(count)]

    def say(self, **message: Any) -> dict[str, Any]:
        """Say something, and what the gateway answers."""
        self.socket.send(json.dumps({**message, "ref": "r"}))
        while (answer := self.receive()).get("ref") != "r":
            pass
        return answer

    def ack(self) -> None:
        assert self.say(type="ack", id=self.last_id) == {"type": "ok", "ref": "r"}

    def silent(self, timeout_s: float = 0.5) -> bool:
        """Nothing comes."""
        try:
            self.receive(timeout_s)
        except TimeoutError:
            return True
        return False

    def drain(self) -> None:
        """Take all there is, until the connection ends."""
        while True:
            self.receive()

    def close(self) -> None:
        self.socket.close()


def server_sent(gateway: GatewayProcess, user: str = "ada", last_id: str = "", **query: str) -> Iterator[dict[str, str]]:
    """Events as they come."""
    headers = {"Authorization": f"Bearer {token(user)}"} | ({"Last-Event-ID": last_id} if last_id else {})
    with httpx.stream("GET", f"http://{gateway.address}/v1/stream/sse", params=query, headers=headers, timeout=PATIENCE_S) as response:
        assert response.status_code == 200
        event: dict[str, str] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if not line and event:
                yield event
                event = {}
            elif name in ("event", "data", "id"):
                event[name] = value
