"""A client for servers: records by HTTP to the collector, in batches, tried again until they are taken.

    with KairosClient("https://collector.example.com", api_key) as kairos:
        kairos.event({"userId": "ada", "type": "INTERACTION_TYPE_VIEW", "itemId": "mug-7"})

*Contract*: a record is a mapping by protobuf's JSON mapping, or the message itself. Whatever has no id gets one here, so that trying again does no
harm. Records wait in memory, at most `most_queued`; then the caller waits, too. Leaving the block returns when all are taken, or raises
`NotTaken`. Records that the collector refuses are handed to `on_rejected`: they would be refused again. Safe to use from several threads.

For a process that must not lose records when it is killed, this is not enough: write to Kafka, or keep a journal and send it with `send`.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

Record = Mapping[str, Any] | Message
_ID_OF = {"events": ("eventId", "event_id"), "feedback": ("feedbackId", "feedback_id"), "items": ()}
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0


class NotTaken(Exception):
    """Records that have not been taken; `reason` says why."""

    def __init__(self, count: int, reason: str) -> None:
        super().__init__(f"{count} records were not taken: {reason}")
        self.count = count
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that the collector refuses, and why."""

    record: Mapping[str, Any]
    code: str
    field: str
    reason: str


class KairosClient:
    """`batch`: most records of one request. `wait_s`: how long a record may wait for others. `give_up_s`: for how long a batch is tried again."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        batch: int = 100,
        wait_s: float = 0.5,
        most_queued: int = 10_000,
        give_up_s: float = 300.0,
        timeout_s: float = 30.0,
        on_rejected: Callable[[Rejection], None] = lambda _rejection: None,
    ) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {api_key}"}, timeout=timeout_s)
        self._batch, self._wait_s, self._most_queued, self._give_up_s = batch, wait_s, most_queued, give_up_s
        self._on_rejected = on_rejected
        self._queue: deque[tuple[str, dict[str, Any]]] = deque()
        self._changed = threading.Condition()
        self._sending = 0
        self._hurry = self._ending = self._ended = False
        self._failure: NotTaken | None = None
        self._worker = threading.Thread(target=self._work, name="kairos-client", daemon=True)
        self._worker.start()

    def event(self, record: Record) -> None:
        """Queues an interaction. Waits while the queue is full; raises NotTaken if an earlier batch was given up."""
        self._add("events", record)

    def feedback(self, record: Record) -> None:
        """Queues what became of a push; otherwise as `event`."""
        self._add("feedback", record)

    def item(self, record: Record) -> None:
        """Queues an item of the catalogue, whole; otherwise as `event`."""
        self._add("items", record)

    def put_user(self, user_id: str, facts: Mapping[str, Any]) -> None:
        """Tells facts about a user (consent, zone, …), at once. Raises NotTaken."""
        self._deliver("PUT", f"/v1/users/{_escaped(user_id)}", dict(facts), [dict(facts)])

    def erase_user(self, user_id: str) -> None:
        """Makes Kairos forget a user, at once. Raises NotTaken."""
        self._deliver("DELETE", f"/v1/users/{_escaped(user_id)}", None, [{}])

    def send(self, path: str, records: Sequence[Record]) -> None:
        """Sends records of one kind ("events", "feedback", "items") past the queue, and returns when they are taken. Raises NotTaken."""
        given = [_as_json(path, record) for record in records]
        for first in range(0, len(given), self._batch):
            part = given[first : first + self._batch]
            self._deliver("POST", f"/v1/{path}", part, part)

    def flush(self) -> None:
        """Returns when nothing waits any more. Raises NotTaken if a batch was given up."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended or (not self._queue and not self._sending))
            self._hurry = False
            self._raise_failure()

    def close(self) -> None:
        """As `flush`, and ends the client."""
        try:
            self.flush()
        finally:
            with self._changed:
                self._ending = True
                self._changed.notify_all()
            self._worker.join()
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _add(self, path: str, record: Record) -> None:
        given = _as_json(path, record)
        with self._changed:
            self._changed.wait_for(lambda: len(self._queue) < self._most_queued or self._failure is not None or self._ended)
            self._raise_failure()
            if self._ended:
                raise NotTaken(1, "the client has ended")
            self._queue.append((path, given))
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _work(self) -> None:
        try:
            self._send_until_the_end()
        finally:  # also when `on_rejected` raises: who waits must not wait for ever
            with self._changed:
                self._ended = True
                if self._queue or self._sending:
                    self._failure = NotTaken(len(self._queue) + self._sending, "the client's thread has ended")
                self._changed.notify_all()

    def _send_until_the_end(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._ending)
                if self._ending and not self._queue:
                    return
                if not self._hurry:
                    self._changed.wait_for(lambda: len(self._queue) >= self._batch or self._hurry or self._ending, self._wait_s)
                path, part = self._next()
                self._sending = len(part)
                self._changed.notify_all()
            failure = None
            try:
                self._deliver("POST", f"/v1/{path}", part, part)
            except NotTaken as error:
                failure = error
            with self._changed:
                self._sending = 0
                self._failure = failure or self._failure
                self._changed.notify_all()

    def _next(self) -> tuple[str, list[dict[str, Any]]]:
        """The oldest record, and those after it that go the same way."""
        path = self._queue[0][0]
        part: list[dict[str, Any]] = []
        while self._queue and self._queue[0][0] == path and len(part) < self._batch:
            part.append(self._queue.popleft()[1])
        return path, part

    def _deliver(self, method: str, path: str, body: object, records: Sequence[Mapping[str, Any]]) -> None:
        """Returns when the collector has answered for good. Raises NotTaken."""
        ends = time.monotonic() + self._give_up_s
        key = uuid.uuid4().hex  # the same for each try: what has no id and no time gets the same one
        tries = 0
        while True:
            wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**tries) * random.uniform(0.5, 1.0)
            tries += 1
            try:
                answer = self._http.request(method, path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                reason = f"the collector cannot be reached ({type(error).__name__})"
            else:
                if answer.status_code not in _AGAIN:
                    self._finish(answer, records)
                    return
                reason = f"the collector answers {answer.status_code}"
                wait_s = max(wait_s, _seconds(answer.headers.get("Retry-After")))
            if time.monotonic() + wait_s > ends:
                raise NotTaken(len(records), reason)
            time.sleep(wait_s)

    def _finish(self, answer: httpx.Response, records: Sequence[Mapping[str, Any]]) -> None:
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict) or "rejected" not in document:  # the whole request, or something before the collector answers
            error = document.get("error") if isinstance(document, dict) else None
            reason = error.get("reason") if isinstance(error, dict) else None
            raise NotTaken(len(records), f"{answer.status_code} {reason or answer.reason_phrase}")
        for one in document["rejected"]:
            self._on_rejected(Rejection(records[one["index"]], one["code"], one["field"], one["reason"]))


def _as_json(path: str, record: Record) -> dict[str, Any]:
    given = MessageToDict(record) if isinstance(record, Message) else dict(record)
    names = _ID_OF[path]
    if names and not any(given.get(name) for name in names):
        given[names[0]] = uuid.uuid4().hex
    return given


def _escaped(user_id: str) -> str:
    from urllib.parse import quote

    return quote(user_id, safe="")


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0
