"""Whatever is sent, the answer is the sender's mistake or 503, told as JSON, and never tells what is inside; and the collector goes on."""

import json
import random
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.common import protocol
from kairos.v1.interaction_pb2 import Interaction
from tests.gateway.collector.conftest import API_KEY, SECRET, Running, token
from tests.gateway.line import talk

PATHS = st.sampled_from(
    ["/v1/events", "/v1/feedback", "/v1/items", "/v1/users/ada", "/v1/users/", "/v1/users/%00", "/v1/users/%ff%2F..", "/", "/docs"]
)
METHODS = st.sampled_from(["POST", "PUT", "DELETE", "GET", "PATCH", "OPTIONS", "HEAD"])
TYPES = st.sampled_from(
    ["application/json", "application/x-protobuf", "text/plain", "", "application/json; charset=utf-16", "multipart/form-data", "\x01", "é"]
)
NAMES = st.sampled_from(
    [*Interaction.DESCRIPTOR.fields_by_camelcase_name, "records", "token", "outcome", "itemId", "texts", "purposes", "erase"]
)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text(st.characters(), max_size=6)
    | st.sampled_from(["INTERACTION_TYPE_VIEW", "OUTCOME_OPENED", "", "\ud800", "1" * 5000, "1e999", "AAAA", token()])
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4), max_leaves=12
)
BODIES = (
    st.binary(max_size=80)
    | DOCUMENTS.map(lambda document: json.dumps(document).encode())
    | st.integers(1, 3000).map(lambda depth: b'{"context":' * depth)
    | st.sampled_from(
        [b"", b"[", b"\xef\xbb\xbf{}", b"[" * 3000, b"1" * 5000, b'"\\ud800"', b'{"a":1e400}', b"\x00" * 50, b"\xff\xff\xff\xff\x0f"]
    )
)
CREDENTIALS = st.sampled_from(
    [
        API_KEY,
        token(),
        token("\0"),
        token("x" * 200),
        "",
        "ey.ey.ey",
        "eyJ" + "a" * 5000 + ".b.c",
        jwt.encode({"sub": ["x"], "aud": {}, "exp": "x"}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "x"}, "", algorithm="none"),
        jwt.encode({"sub": "\ud800", "aud": "kairos", "iat": 1, "exp": 2}, SECRET, algorithm="HS256"),
        "\xff\xfe",
    ]
)
LONGER = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


def said_to(running: Running, raw: bytes, patience_s: float = 20) -> bytes:
    host, port = running.url.removeprefix("http://").split(":")
    return talk(host, int(port), raw, patience_s)


def check(answer: bytes) -> None:
    for sign in (b"Traceback", b'File "', b".py", b"Error(", SECRET.encode(), API_KEY.encode()):
        assert sign not in answer or b"text/html" in answer or b"text/javascript" in answer
    if not answer:  # broken off before a request was whole
        return
    status = int(answer.split(b" ", 2)[1])
    assert status < 500 or (status == 503 and b"retry-after" in answer.lower()), answer[:300]


def request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1", "replace")
    return (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
        + head
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


@LONGER
@given(method=METHODS, path=PATHS, media_type=TYPES, body=BODIES, credential=CREDENTIALS)
def test_any_body_and_credential(lonely: Running, method: str, path: str, media_type: str, body: bytes, credential: str) -> None:
    headers = {"Content-Type": media_type, "Authorization": f"Bearer {credential}"}
    answer = said_to(lonely, request(method, path, headers, body))
    assert answer
    check(answer)


@LONGER
@given(path=PATHS, records=DOCUMENTS | st.lists(DOCUMENTS, max_size=3), credential=CREDENTIALS | LEAVES)
def test_any_envelope(lonely: Running, path: str, records: Any, credential: Any) -> None:
    check(said_to(lonely, request("POST", path, {}, json.dumps({"records": records, "token": credential}).encode())))


HEADERS = st.dictionaries(
    st.sampled_from(
        ["Authorization", "X-API-Key", "X-Request-ID", "Idempotency-Key", "Content-Encoding", "Content-Type", "Origin", "Expect", "Transfer-Encoding",
         "Content-Length", "Access-Control-Request-Method", "Cookie", "X-Forwarded-For", "Upgrade", "Connection", "Accept-Encoding"]
    ),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
    | st.sampled_from(["chunked", "gzip", "-1", "9" * 400, "100-continue", "websocket"]),
    max_size=4,
)  # fmt: skip


@LONGER
@given(headers=HEADERS, body=st.binary(max_size=30))
def test_any_headers(lonely: Running, headers: dict[str, str], body: bytes) -> None:
    check(said_to(lonely, request("POST", "/v1/events", {"X-API-Key": API_KEY, **headers}, body), 1))


@LONGER
@given(
    raw=st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda some: b"GET /" + some + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
)
def test_any_bytes_on_the_line(lonely: Running, raw: bytes) -> None:
    check(said_to(lonely, raw, 0.05))


def test_long_headers_and_paths(lonely: Running) -> None:
    for raw in (
        request("POST", "/v1/events", {"X-API-Key": "x" * 200_000}, b"[]"),
        request("GET", "/" + "x" * 200_000, {}, b""),
        request("GET", "/v1/events", {f"X-{number}": "x" for number in range(20_000)}, b""),
    ):
        assert said_to(lonely, raw).startswith(b"HTTP/1.1 431 ")


def test_a_head_that_does_not_end_is_given_up(lonely: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)
    for raw in (b"", b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-A"):
        assert said_to(lonely, raw).startswith(b"HTTP/1.1 408 ")


@pytest.mark.kafka
def test_a_thousand_spoilt_bodies_do_not_keep_a_good_one_from_being_taken(collector: Running) -> None:
    good: dict[str, Any] = {
        "userId": "ada",
        "type": "INTERACTION_TYPE_VIEW",
        "itemId": "mug-7",
        "occurredAtMs": "1",
        "context": {"timeZone": "UTC"},
    }
    chance = random.Random(7)
    with collector.client() as client:
        for _ in range(1_000):
            spoilt = bytearray(json.dumps(good).encode())
            for _ in range(chance.randint(1, 4)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            assert client.post("/v1/events", content=bytes(spoilt)).status_code in (200, 400, 422)
        assert client.post("/v1/events", json={**good, "occurredAtMs": 0}).json()["accepted"] == 1
