"""What is refused before Kafka is asked: who may not, what is too much, what cannot be read; and what is said when Kafka is away."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.gateway.collector.conftest import API_KEY, Running, running, token

VIEW = {"userId": "ada", "type": "INTERACTION_TYPE_VIEW", "itemId": "mug-7"}


def error_of(answer: httpx.Response) -> tuple[int, str]:
    document = answer.json()
    assert document["error"]["reason"]
    assert document["requestId"] == answer.headers["X-Request-ID"]
    return answer.status_code, document["error"]["code"]


def test_nobody_sends_without_a_credential_and_a_wrong_one_is_no_help(lonely: Running) -> None:
    with lonely.client(None) as client:
        assert error_of(client.post("/v1/events", json=VIEW)) == (401, "no_credential")
        assert error_of(client.put("/v1/users/ada", json={})) == (401, "no_credential")
        assert error_of(client.post("/v1/events", json={"records": [VIEW], "token": "x"})) == (401, "wrong_credential")
        half = b'{"records": [], "token": "\\ud800"}'
        assert error_of(client.post("/v1/events", content=half)) == (401, "wrong_credential")
        for value in ("Bearer x", "Basic eDp5", f"Bearer {API_KEY}x", "Bearer", f"Bearer {token(now_s=1_000_000)}", "Bearer eyJ.e.x"):
            answer = client.post("/v1/events", json=VIEW, headers={"Authorization": value})
            assert error_of(answer) == (401, "wrong_credential")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert error_of(client.post("/v1/items", json=[], headers={"Authorization": f"Bearer {token()}"})) == (403, "not_allowed")
        assert client.post("/v1/items", json=[], headers={"X-API-Key": API_KEY}).status_code == 200


@pytest.mark.parametrize(
    ("body", "media_type", "expected"),
    [
        (b"{", "application/json", (400, "malformed")),
        (b'"text"', "application/json", (400, "malformed")),
        (b"\xff", "application/json", (400, "malformed")),
        (b'{"value": NaN}', "application/json", (400, "malformed")),
        (b'{"value": ' + b"1" * 5000 + b"}", "application/json", (400, "malformed")),
        (b'{"records": {}}', "application/json", (400, "malformed")),
        (b"[" * 9 + b"]" * 9, "application/json", (400, "too_deep")),
        (b"[" * 100_000, "application/json", (400, "too_deep")),
        (b'["]]]]]]]]]]' + b"[" * 1 + b'",' + b"[" * 3000 + b"]" * 3000 + b"]", "application/json", (400, "too_deep")),
        (b"[" + b"0," * 1000 + b"0]", "application/json", (413, "too_many_records")),
        (b" " * 4_194_305, "application/json", (413, "too_large")),
        (b"{}", "application/xml", (415, "wrong_media_type")),
        (b"\x05abc", "application/x-protobuf", (400, "malformed")),
        (b"\xff" * 20, "application/x-protobuf", (400, "malformed")),
        (b"\x00" * 1001, "application/x-protobuf", (413, "too_many_records")),
    ],
)
def test_a_body_that_is_none_is_refused(lonely: Running, body: bytes, media_type: str, expected: tuple[int, str]) -> None:
    with lonely.client() as client:
        assert error_of(client.post("/v1/events", content=body, headers={"Content-Type": media_type})) == expected


def test_brackets_in_texts_are_no_depth(lonely: Running) -> None:
    with lonely.client() as client:
        answer = client.post("/v1/events", content=json.dumps([{"userId": "[[[[[[[[[[[[" + '\\"{{{{{{{{'}]))
        assert answer.json()["rejected"][0]["field"] == "type"


def test_a_chunked_body_is_bounded_and_compressed_ones_are_not_accepted(lonely: Running) -> None:
    with lonely.client() as client:
        assert error_of(client.post("/v1/events", content=(b" " * 65_536 for _ in range(65)))) == (413, "too_large")
        assert error_of(client.post("/v1/events", content=b"x", headers={"Content-Encoding": "gzip"})) == (415, "wrong_media_type")


def test_of_those_who_are_not_known_yet_no_more_is_read_than_a_beacon_holds(lonely: Running) -> None:
    envelope = json.dumps({"records": [], "token": API_KEY}).encode()
    with lonely.client(None) as client:
        assert client.post("/v1/events", content=envelope.ljust(65_536)).status_code == 200
        assert error_of(client.post("/v1/events", content=envelope.ljust(65_537))) == (413, "too_large")
    with lonely.client() as client:
        assert client.post("/v1/events", content=envelope.ljust(65_537)).status_code == 200


def test_a_slow_body_is_given_up(monkeypatch: pytest.MonkeyPatch, free_servers: str) -> None:
    import socket

    changes: Any = {"COLLECTOR__LIMITS__BODY_TIMEOUT_MS": "200", "COLLECTOR__SHUTDOWN_TIMEOUT_MS": "100"}
    with running(free_servers, "t.", monkeypatch, **changes) as it:
        host, port = it.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\nContent-Length: 10\r\n\r\n[".encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_unknown_addresses_and_methods_are_told_as_json(lonely: Running) -> None:
    with lonely.client() as client:
        assert error_of(client.get("/v2")) == (404, "not_found")
        assert error_of(client.get("/v1/events")) == (405, "method")
        assert error_of(client.post("/v1/events/", json=VIEW)) == (404, "not_found")


def test_who_sends_too_much_is_told_when_to_come_again(monkeypatch: pytest.MonkeyPatch, free_servers: str) -> None:
    changes: Any = {
        "COLLECTOR__LIMITS__REQUESTS_PER_MINUTE": "3",
        "COLLECTOR__LIMITS__USER_RECORDS_PER_MINUTE": "2",
        "COLLECTOR__SHUTDOWN_TIMEOUT_MS": "100",
    }
    with running(free_servers, "t.", monkeypatch, **changes) as it:
        with it.client() as client:
            assert [client.post("/v1/events", json=[]).status_code for _ in range(4)] == [200, 200, 200, 429]
            refused = client.post("/v1/events", json=[])
            assert error_of(refused) == (429, "rate")
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
        for user in ("ada", "shop"):  # of which one is called as the key
            with it.client(token(user)) as client:
                assert error_of(client.post("/v1/events", json=[{}] * 3)) == (429, "rate")
                assert client.post("/v1/events", json=[{}] * 2).status_code == 422


def test_too_many_at_once_are_told_to_come_again_and_watchers_are_still_answered(
    monkeypatch: pytest.MonkeyPatch, free_servers: str
) -> None:
    import socket

    changes: Any = {
        "COLLECTOR__LIMITS__CONCURRENT_REQUESTS": "1",
        "COLLECTOR__SHUTDOWN_TIMEOUT_MS": "100",
        "COLLECTOR__CORS_ORIGINS": '["https://shop.example.com"]',
    }
    with running(free_servers, "t.", monkeypatch, **changes) as it, it.client() as client:
        host, port = it.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as slow:
            slow.sendall(f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\nContent-Length: 2\r\n\r\n[".encode())
            deadline = time.monotonic() + 20
            while "requests_in_flight 1.0" not in client.get("/metrics").text and time.monotonic() < deadline:
                pass
            busy = client.post("/v1/events", json=[], headers={"Origin": "https://shop.example.com"})
            assert busy.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"  # its page can read when to come again
            assert error_of(busy) == (503, "busy")
            assert busy.headers["Retry-After"] == "2"
            assert client.get("/healthz").status_code == 200
            slow.sendall(b"]")
            assert slow.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_without_kafka_nothing_is_accepted_and_the_sender_is_told_to_come_again(lonely: Running) -> None:
    with lonely.client() as client:
        answer = client.post("/v1/events", json=VIEW)
        assert error_of(answer) == (503, "not_acknowledged")
        assert answer.headers["Retry-After"] == "2"
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert client.get("/healthz").status_code == 200


def test_pages_of_listed_origins_may_send_and_no_others(monkeypatch: pytest.MonkeyPatch, free_servers: str) -> None:
    changes: Any = {"COLLECTOR__CORS_ORIGINS": '["https://shop.example.com"]', "COLLECTOR__SHUTDOWN_TIMEOUT_MS": "100"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    with running(free_servers, "t.", monkeypatch, **changes) as it, it.client(token()) as client:
        ours = client.options("/v1/events", headers={"Origin": "https://shop.example.com", **asked})
        assert (ours.status_code, ours.headers["Access-Control-Allow-Origin"]) == (200, "https://shop.example.com")
        assert client.options("/v1/events", headers={"Origin": "https://evil.example.com", **asked}).status_code == 400
        sent = client.post("/v1/events", json=[], headers={"Origin": "https://shop.example.com"})
        assert sent.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
        refused = client.post("/v1/events", content=b"{", headers={"Origin": "https://shop.example.com"})
        assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (400, "https://shop.example.com")
