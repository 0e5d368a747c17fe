"""The clients against the real collector: kairos.js in Node, and the one for servers."""

import json
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.client import KairosClient, NotTaken, Rejection
from kairos.local.paths import project_root
from kairos.v1.feedback_pb2 import OUTCOME_OPENED, Feedback
from kairos.v1.signal_pb2 import Signal
from tests.gateway.collector.conftest import API_KEY, Running, token

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node.js")
SNIPPET = project_root() / "gateway" / "static" / "kairos.js"

BEGIN = """
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const kept = new Map();
const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
const beacons = [];
const sendBeacon = (url, body) => { beacons.push(fetch(url, { method: "POST", body })); return true; };
Object.defineProperty(globalThis, "navigator", { value: { language: "pt-PT", sendBeacon } });
require(process.argv[2]);
const [url, token] = process.argv.slice(3);
const told = (value) => console.log(JSON.stringify(value));
(async () => {
"""


def node(code: str, tmp_path: Path, *arguments: str) -> list[Any]:
    script = tmp_path / "page.js"
    script.write_text(f"{BEGIN}{code}\nprocess.exit(0);\n}})();\n")
    assert NODE is not None
    done = subprocess.run([NODE, str(script), str(SNIPPET), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@needs_node
@pytest.mark.kafka
def test_a_page_sends_nothing_before_consent_then_events_and_the_rest_when_it_is_left(collector: Running, tmp_path: Path) -> None:
    told = node(
        """
        const rejected = [];
        const kairos = new Kairos({ url, token: async () => token, storage, onRejected: (one) => rejected.push(one.field) });
        told(kairos.event("VIEW", { itemId: "not-agreed" }));
        kairos.consent(true);
        told(kairos.event("VIEW", { itemId: "mug-7" }));
        kairos.event("LOOK");
        kairos.feedback("OPENED", { commandId: "c1" });
        await kairos.flush();
        told([kairos.queue.length, rejected]);
        kairos.event("CART", { itemId: "mug-7" });
        kairos.feedback("DISMISSED", { commandId: "c2" });
        kairos.leave();
        told((await Promise.all(beacons)).map((answer) => answer.status));
        told([...kept.keys()]);
        """,
        tmp_path,
        collector.url,
        token("ada"),
    )
    assert told == [False, True, [0, ["type"]], [200, 200], ["kairos.consent", "kairos.user"]]
    events = [Signal.FromString(value).interaction for _, value in collector.records("interactions", 2)]
    assert [(event.user_id, event.item_id, event.context.locale) for event in events] == [
        ("ada", "mug-7", "pt-PT"),
        ("ada", "mug-7", "pt-PT"),
    ]
    assert len({event.event_id for event in events}) == 2
    assert all(event.occurred_at_ms for event in events)
    assert [Signal.FromString(value).feedback.command_id for _, value in collector.records("feedback", 2)] == ["c1", "c2"]


@needs_node
def test_a_page_keeps_what_cannot_be_sent_within_bounds_and_forgets_it_when_consent_is_taken_back(lonely: Running, tmp_path: Path) -> None:
    told = node(
        """
        const kairos = new Kairos({ url, token, storage, mostQueued: 3 });
        kairos.consent(true);
        for (let number = 0; number < 5; number++) kairos.event("VIEW", { itemId: `i${number}` });
        await kairos.flush();
        const next = new Kairos({ url, token, storage });
        told([kairos.failures, next.queue.map((one) => one.record.itemId), next.agreed]);
        clearTimeout(next.timer);
        kairos.consent(false);
        told([kairos.queue.length, [...kept.keys()]]);
        """,
        tmp_path,
        lonely.url,
        token("ada"),
    )
    assert told == [[1, ["i2", "i3", "i4"], True], [0, ["kairos.consent"]]]


@needs_node
def test_a_page_asks_for_a_new_token_when_the_old_one_is_refused(lonely: Running, tmp_path: Path) -> None:
    told = node(
        """
        const given = ["ey.old.token", token];
        const kairos = new Kairos({ url, token: () => given.shift(), storage });
        kairos.consent(true);
        kairos.event("LOOK");
        await kairos.flush();
        told([kairos.token ?? null, kairos.queue.length]);
        await kairos.flush();
        told([kairos.token === token, kairos.queue.length, kairos.failures]);
        """,
        tmp_path,
        lonely.url,
        token("ada"),
    )
    assert told == [[None, 1], [True, 0, 0]]


@needs_node
@pytest.mark.kafka
def test_what_one_user_left_behind_is_not_sent_in_the_name_of_the_next(collector: Running, tmp_path: Path) -> None:
    told = node(
        """
        const [ada, lin] = process.argv.slice(4);
        const first = new Kairos({ url: "http://127.0.0.1:9", token: ada, storage });
        first.consent(true);
        first.event("VIEW", { itemId: "of-ada" });
        await first.flush();
        const same = new Kairos({ url, token: ada, storage });
        told(same.queue.length);
        clearTimeout(same.timer);
        const other = new Kairos({ url, token: lin, storage });
        other.event("VIEW", { itemId: "of-lin" });
        await other.flush();
        told([other.queue.length, other.queue.map((one) => one.record.itemId)]);
        """,
        tmp_path,
        collector.url,
        token("ada"),
        token("lin"),
    )
    assert told == [1, [0, []]]
    ((_, value),) = collector.records("interactions", 1)
    event = Signal.FromString(value).interaction
    assert (event.user_id, event.item_id) == ("lin", "of-lin")


@needs_node
def test_what_would_be_lost_when_a_page_is_left_waits_for_the_next_and_consent_is_taken_back_in_every_tab(
    lonely: Running, tmp_path: Path
) -> None:
    told = node(
        """
        const handlers = {};
        globalThis.document = { addEventListener() {}, visibilityState: "hidden" };
        globalThis.addEventListener = (name, handler) => { handlers[name] = handler; };
        const [ada, expired] = process.argv.slice(4);
        const kairos = new Kairos({ url, token: ada, storage });
        kairos.consent(true);
        kairos.event("VIEW", { itemId: "mug-7" });
        kairos.token = expired;
        kairos.leave();
        kairos.token = ada;
        navigator.onLine = false;
        kairos.leave();
        told([kairos.queue.length, beacons.length, JSON.parse(kept.get("kairos.queue")).length]);
        kept.set("kairos.consent", "false"); // another tab
        handlers.storage({ key: "kairos.consent" });
        told([kairos.agreed, kairos.event("VIEW"), kairos.queue.length, [...kept.keys()]]);
        """,
        tmp_path,
        lonely.url,
        token("ada"),
        token("ada", now_s=1_000_000),
    )
    assert told == [[1, 0, 1], [False, False, 0, ["kairos.consent"]]]


@needs_node
def test_a_token_that_is_none_is_not_kept(lonely: Running, tmp_path: Path) -> None:
    told = node(
        """
        const given = ["<!doctype html>\\n<p>please sign in</p>", token];
        const kairos = new Kairos({ url, token: () => given.shift(), storage });
        kairos.consent(true);
        kairos.event("LOOK");
        await kairos.flush();
        await kairos.flush();
        told([kairos.token === token, kairos.queue.length]);
        """,
        tmp_path,
        lonely.url,
        token("ada"),
    )
    assert told == [[True, 0]]


def test_the_snippet_is_small_and_served_to_any_page(lonely: Running) -> None:
    assert SNIPPET.stat().st_size < 8_000
    with lonely.client(None) as client:
        answer = client.get("/kairos.js")
    assert answer.text == SNIPPET.read_text(encoding="utf-8")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.kafka
def test_a_server_sends_in_batches_and_is_told_what_was_refused(collector: Running) -> None:
    rejected: list[Rejection] = []
    with KairosClient(collector.url, API_KEY, batch=10, on_rejected=rejected.append) as kairos:
        for number in range(25):
            kairos.event({"userId": "ada", "type": "INTERACTION_TYPE_VIEW", "itemId": f"i{number}"})
        kairos.event({"userId": "ada", "type": "VIEW"})
        kairos.feedback(Feedback(user_id="ada", command_id="c", outcome=OUTCOME_OPENED))
        kairos.item({"itemId": "mug-7"})
        kairos.put_user("a/da", {"pushConsent": True})
        kairos.flush()
        kairos.erase_user("a/da")
    assert [(one.field, one.record["type"]) for one in rejected] == [("type", "VIEW")]
    signals = [Signal.FromString(value) for _, value in collector.records("interactions", 27)]
    assert {signal.interaction.item_id for signal in signals if signal.HasField("interaction")} == {f"i{number}" for number in range(25)}
    assert [signal.user_update.user_id for signal in signals if signal.HasField("user_update")] == ["a/da", "a/da"]
    assert len(collector.records("feedback", 1)) == len(collector.records("items", 1)) == 1


class Flaky(BaseHTTPRequestHandler):
    """Says 503 twice, then takes all; remembers the bodies."""

    seen: ClassVar[list[tuple[bytes, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((body, self.headers["Idempotency-Key"]))
        answer = b'{"accepted":1,"rejected":[],"requestId":"x"}'
        self.send_response(200 if len(self.seen) > 2 else 503)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        pass


def test_a_server_tries_again_with_the_same_ids() -> None:
    server = HTTPServer(("127.0.0.1", 0), Flaky)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with KairosClient(f"http://127.0.0.1:{server.server_port}", API_KEY, wait_s=0) as kairos:
            kairos.event({"userId": "ada", "type": "INTERACTION_TYPE_VIEW"})
    finally:
        server.shutdown()
        server.server_close()
    assert len(Flaky.seen) == 3
    assert len(set(Flaky.seen)) == 1
    assert json.loads(Flaky.seen[0][0])[0]["eventId"]


def test_a_server_is_told_what_was_given_up(free_servers: str) -> None:
    kairos = KairosClient(f"http://{free_servers}", API_KEY, give_up_s=0.1)
    kairos.event({"userId": "ada", "type": "INTERACTION_TYPE_VIEW"})
    began = time.monotonic()
    with pytest.raises(NotTaken, match="cannot be reached"):
        kairos.close()
    assert time.monotonic() - began < 20


def test_a_client_that_has_ended_takes_nothing_that_it_would_lose(lonely: Running) -> None:
    def broken(_rejection: Rejection) -> None:
        raise ZeroDivisionError

    kairos = KairosClient(lonely.url, API_KEY, wait_s=0, on_rejected=broken)
    kairos.event({"type": "VIEW"})
    with pytest.raises(NotTaken, match="thread has ended"):
        kairos.flush()
    with pytest.raises(NotTaken, match="has ended"):
        kairos.event({"userId": "ada", "type": "INTERACTION_TYPE_VIEW"})
    kairos.close()


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"error": "bad gateway"}', b"null"])
def test_what_something_before_the_collector_says_is_told(answer: bytes) -> None:
    class Proxy(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with KairosClient(f"http://127.0.0.1:{server.server_port}", API_KEY) as kairos, pytest.raises(NotTaken, match="404 Not Found"):
            kairos.put_user("ada", {})
    finally:
        server.shutdown()
        server.server_close()
