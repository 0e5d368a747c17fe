"""A customer's server: takes webhooks, checks who sent them, and answers what it is told to."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SECRET = "the-customers-secret-0123456789"


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # the standard library's 5 resets connections when a gateway sends many at once


class Customer:
    """`received`: what came with a good signature. `replies`: status and headers of the next answers; then 204."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.forged = 0
        self.replies: list[tuple[int, dict[str, str]]] = []
        customer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = self.headers["Kairos-Timestamp"].encode() + b"." + body
                expected = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
                document = json.loads(body)
                if (
                    not hmac.compare_digest(expected, self.headers["Kairos-Signature"])
                    or document["command_id"] != self.headers["Kairos-Id"]
                ):
                    customer.forged += 1
                customer.received.append(document)
                status, headers = customer.replies.pop(0) if customer.replies else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_line: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/kairos"

    @property
    def ids(self) -> list[str]:
        """Command ids, in the order they came."""
        return [document["command_id"] for document in self.received]

    def settings(self) -> dict[str, Any]:
        """Of the gateway, and in its environment."""
        return {"endpoints": [{"name": "shop", "url": self.url, "secret": "env:SHOP_SECRET"}], "default_endpoint": "shop"}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
