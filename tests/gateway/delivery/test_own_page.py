"""A newcomer's own page, made of what the documents show: it sends what its user does, receives pushes over a WebSocket, and comes back."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kairos.contract.topics import TOPICS, ensure_topics
from kairos.local.paths import project_root
from kairos.local.ports import free_port
from kairos.v1.signal_pb2 import Signal
from tests.gateway.collector.conftest import SECRET, running
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import Topics, command, eventually, issue_token
from tests.gateway.page.browser import chromium, opened

pytestmark = pytest.mark.kafka

PATIENCE_MS = 120_000
"""For a push that comes through a gateway that has just begun, on a busy machine."""


def shown_in(document: str, language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", (project_root() / "docs" / document).read_text(), re.DOTALL)
    return str(code)


@contextmanager
def own_server(page: str, token: str) -> Iterator[str]:
    """The newcomer's server: the page, and its user's token. Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {"/": page, "/kairos-token": token}
            self.send_response(200 if self.path in known else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(known.get(self.path, "").encode())

        def log_message(self, *_line: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_twenty_lines_are_twenty() -> None:
    assert len([line for line in shown_in("gateway.md", "javascript").splitlines() if line.strip()]) <= 20


def test_a_page_made_of_the_documents_sends_events_and_receives_pushes(
    start: Start, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    ensure_topics(topics.bootstrap_servers, topics.prefix, partitions=1, topics=[TOPICS["items"]])
    port = free_port()
    secret = {"KAIROS_TOKEN_SECRETS": f"t1:{SECRET}"}
    token = issue_token("ada", "t1", SECRET.encode(), "kairos", int(time.time()), 600)
    changes = {"COLLECTOR__CORS_ORIGINS": '["*"]'}
    with running(topics.bootstrap_servers, topics.prefix, monkeypatch, **changes) as collector:
        sends = shown_in("collector.md", "html").replace("https://collector.example.com", collector.url)
        receives = shown_in("gateway.md", "javascript").replace("127.0.0.1:8089", f"127.0.0.1:{port}")
        page = f"<!doctype html><body><script>const userHasAgreed = true;</script>{sends}<script>{receives}</script>"
        gateway = start(secret, port=port)
        with own_server(page, token) as address, chromium() as browser:
            watched = opened(browser, address)
            topics.push(command("c1"))
            watched.page.get_by_role("button", name="Blue mug").click(timeout=PATIENCE_MS)
            eventually(lambda: set(topics.outcomes("c1")) == {"ACCEPTED", "DISPLAYED", "DELIVERED", "OPENED"}, "the job knows")
            events = eventually(lambda: topics.records("interactions"), "the event came")
            assert [(event := Signal.FromString(value).interaction).user_id for _, value in events] == ["ada"]
            assert event.item_id == "mug-7"
            assert watched.complaints == []

            gateway.kill()
            start(secret, port=port)
            topics.push(command("c2"))
            watched.page.get_by_role("button", name="Blue mug").click(timeout=PATIENCE_MS)
            eventually(lambda: "OPENED" in topics.outcomes("c2"), "it has come back")
            assert watched.page.get_by_role("button").count() == 0  # the first did not come again
