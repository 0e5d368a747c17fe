"""A server that answers as Flink's REST API does, in what matters to who reads a job's counts: from what it last heard, asking anew only then.

Time is counted in requests, so that tests need no clock: the TaskManagers are asked at most once in `interval` requests, and answer `delay` requests
later.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

JOB = "a" * 32
VERTICES = ("source", "decide")


@dataclass
class FlinkAnswers:
    """`pushes`: what the job has counted. `known`: what the JobManager has heard of it, with the clock of the tasks. Tests set them."""

    url: str = ""
    pushes: int = 0
    known: tuple[int, int] | None = None
    interval: int = 10
    delay: int = 3
    silent: bool = False
    update_interval: str = "60 s"
    checkpoints: dict[str, Any] = field(default_factory=dict)
    requests: int = 0
    asked_at: int = -1_000

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        self.requests += 1
        last = path.rsplit("/", 1)[-1]
        if last == "metrics":
            return self._metrics(path, query)
        if last == "checkpoints":
            return self.checkpoints
        return {
            "/overview": {"flink-version": "2.3.0", "taskmanagers": 2, "slots-total": 2, "slots-available": 0},
            "/jobmanager/config": [{"key": "metrics.fetcher.update-interval", "value": self.update_interval}],
            "/jobs/overview": {"jobs": [{"jid": JOB, "name": "kairos", "state": "RUNNING", "start-time": 1}]},
            f"/jobs/{JOB}": {
                "status-counts": {"RUNNING": 2},
                "start-time": 1,
                "duration": 5_000,
                "vertices": [{"id": vertex} for vertex in VERTICES],
            },
            f"/jobs/{JOB}/plan": {"plan": {"nodes": [{"id": vertex} for vertex in VERTICES]}},
            f"/jobs/{JOB}/exceptions": {},
        }[path]

    def _metrics(self, path: str, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        if not self.silent and self.asked_at + self.delay <= self.requests < self.asked_at + self.interval:
            self.known = (self.pushes, self.asked_at)
        if self.requests >= self.asked_at + self.interval:
            self.asked_at = self.requests
        if self.known is None or "vertices" not in path:
            return []
        pushes, clock = self.known
        values = {"accumulateIdleTimeMs": clock, "accumulateBusyTimeMs": clock}
        if "/decide/" in path:
            values["decide.kairos.pushes"] = pushes
        wanted = query.get("get", [""])[0].split(",")
        if wanted == [""]:
            return [{"id": name} for name in values]
        return [{"id": name, "sum": value, "max": value} for name, value in values.items() if name in wanted]


@contextmanager
def serving(answers: FlinkAnswers) -> Iterator[FlinkAnswers]:
    """Until the `with` block ends, on `answers.url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = json.dumps(answers.answer(parts.path, parse_qs(parts.query))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    answers.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
