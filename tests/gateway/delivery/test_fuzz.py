"""Whatever is sent to the gateway's line, its endpoints and its sockets: never a 5xx, never a stack trace, and it goes on serving."""

import json
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kairos.local.kafka import EmbeddedKafka
from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.processes import TOKEN_SECRET, GatewayProcess, Topics, command, token
from tests.gateway.delivery.services import Google
from tests.gateway.line import talk

pytestmark = pytest.mark.kafka
LONGER = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

GOOD = token("ada", 3600)
TOKENS = st.sampled_from(
    [
        GOOD,
        "",
        "x",
        "ey.ey.ey",
        "eyJ" + "a" * 5000 + ".b.c",
        "\xff\xfe",
        token("\0"),
        token("x" * 3000),
        jwt.encode({"sub": ["x"], "aud": {}, "exp": "x"}, TOKEN_SECRET, algorithm="HS256"),
        jwt.encode({"sub": "x"}, "", algorithm="none"),
        jwt.encode({"sub": "\ud800", "aud": "kairos", "iat": 1, "exp": 2}, TOKEN_SECRET, algorithm="HS256"),
        jwt.encode({"sub": "ada", "aud": "kairos", "iat": 1, "exp": 1 << 60}, TOKEN_SECRET, algorithm="HS256", headers={"kid": "\0"}),
    ]
)
PATHS = st.sampled_from(
    ["/v1/devices/phone", "/v1/devices/%00", "/v1/devices/" + "x" * 300, "/v1/devices/", "/v1/devices/%ff", "/v1/stream/messages",
     "/v1/stream", "/v1/web-push/key", "/", "/healthz", "/v1/stream/sse?last_id=x",
     "/v1/stream/sse?device_id=%00", "/v1/stream/messages?device_id=%ff"]
)  # fmt: skip
METHODS = st.sampled_from(["PUT", "POST", "DELETE", "GET", "PATCH", "OPTIONS", "HEAD"])
NAMES = st.sampled_from(
    ["channel", "subscription", "endpoint", "keys", "p256dh", "auth", "token", "app_id", "platform", "locale", "type", "id", "ref",
     "outcome", "command_id", "value", "currency", "at_ms", "report_id", "\ud800"]
)  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text(st.characters(), max_size=6)
    | st.sampled_from(["web_push", "fcm", "ack", "ping", "outcome", "opened", "converted", "unsubscribed", "known", "\ud800", "1" * 18, "1" * 5000,
                       "https://fcm.googleapis.com/x", "x" * 3000])
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=5), max_leaves=12
)
DEVICES = st.fixed_dictionaries(
    {"channel": st.sampled_from(["fcm", "web_push", "apns", "\ud800"])},
    optional={"token": LEAVES, "platform": LEAVES, "subscription": DOCUMENTS, "app_id": LEAVES, "locale": LEAVES, "\ud800": LEAVES},
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(["ack", "outcome", "ping"])},
    optional={"id": LEAVES, "outcome": LEAVES, "command_id": LEAVES, "value": LEAVES, "at_ms": LEAVES, "ref": LEAVES},
)
BODIES = (
    st.binary(max_size=80)
    | (DOCUMENTS | DEVICES | MESSAGES | st.lists(MESSAGES, max_size=4)).map(lambda document: json.dumps(document).encode())
    | st.sampled_from([b"", b"[" * 3000, b'{"a":' * 3000, b"1" * 5000, b'"\\ud800"', b'{"a":1e400}', b"\x00" * 50, b"x" * 70_000])
)


@pytest.fixture(scope="module")
def gateway(kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """One for all of these, with a channel to register devices for; it must outlive them."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    topics = Topics(kafka.bootstrap_servers, f"fuzz-{os.getpid()}.")
    google = Google()
    google.url = "https://127.0.0.1:9"
    settings_ = {
        "port": 0,
        "store": {"path": str(folder / "gateway.db")},
        "source": {"group_id": f"{topics.prefix}gateway"},
        "fcm": {"url": google.url},
        "stream": {"messages_per_s": 1_000_000, "messages_burst": 1_000_000, "max_per_user": 1000},
    }
    environment = {"KAIROS_FCM_CREDENTIALS": google.service_account()}
    running = GatewayProcess(folder / "gateway", kafka.bootstrap_servers, topics.prefix, settings_, environment)
    topics.push(command("known"))
    yield running
    with closing(Device(running, "lin", device_id="the-next")) as phone:
        phone.hello()
        topics.push(command("after-all-that", "lin"))
        assert phone.pushes(1) == ["after-all-that"]
    topics.close()
    assert running.process.poll() is None
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()
    assert TOKEN_SECRET not in running.log.read_text()


def check(answer: bytes) -> None:
    for sign in (b"Traceback", b'File "', b".py", b"Error(", TOKEN_SECRET.encode()):
        assert sign not in answer
    if answer.startswith(b"HTTP/"):
        status = int(answer.split(b" ", 2)[1])
        assert status < 500 or (status == 503 and b"retry-after" in answer.lower()), answer[:300]


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1", "replace") + f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@LONGER
@given(method=METHODS, path=PATHS, bearer=TOKENS, body=BODIES)
def test_any_body_and_token(gateway: GatewayProcess, method: str, path: str, bearer: str, body: bytes) -> None:
    answer = talk("127.0.0.1", gateway.port, request(method, path, {"Authorization": f"Bearer {bearer}"}, body), 20)
    assert answer
    check(answer)


@LONGER
@given(path=st.sampled_from(["/v1/devices/phone", "/v1/stream/messages"]), body=DEVICES | MESSAGES | st.lists(MESSAGES, max_size=5))
def test_any_device_and_message_of_a_user_who_is_known(gateway: GatewayProcess, path: str, body: Any) -> None:
    method = "PUT" if "devices" in path else "POST"
    answer = talk("127.0.0.1", gateway.port, request(method, path, {"Authorization": f"Bearer {GOOD}"}, json.dumps(body).encode()), 20)
    assert answer
    check(answer)


@LONGER
@given(
    raw=st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda some: b"GET /" + some + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    | st.binary(max_size=60).map(lambda some: handshake(b"/v1/stream?token=" + some))
)
def test_any_bytes_on_the_line(gateway: GatewayProcess, raw: bytes) -> None:
    check(talk("127.0.0.1", gateway.port, raw, 0.05))


@LONGER
@given(
    name=st.sampled_from(
        ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Upgrade", "Connection", "Origin",
         "Authorization", "Last-Event-ID", "Transfer-Encoding", "Expect"]
    ),
    value=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40) | TOKENS,
)  # fmt: skip
def test_any_header_of_a_handshake(gateway: GatewayProcess, name: str, value: str) -> None:
    check(talk("127.0.0.1", gateway.port, handshake(f"/v1/stream?token={GOOD}&device_id=fuzz".encode(), {name: value}), 0.05))


FRAMES = st.lists(
    st.tuples(
        st.sampled_from([0x81, 0x01, 0x80, 0x00, 0x82, 0x88, 0x89, 0x8A]) | st.integers(0, 255),  # end, reserved bits and kind
        st.booleans(),  # masked, as a client must
        st.binary(max_size=150) | (DOCUMENTS | MESSAGES).map(lambda document: json.dumps(document).encode()),
        st.none() | st.sampled_from([0, 5, 126, 65_535, 65_537, 1 << 40, (1 << 64) - 1]),  # a length that is not its own
    ).map(lambda parts: frame(*parts))
    | (DOCUMENTS | MESSAGES).map(
        lambda document: frame(0x81, True, json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"), None)
    ),
    max_size=6,
)


@LONGER
@given(frames=FRAMES)
def test_any_frames(gateway: GatewayProcess, frames: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        connection.sendall(handshake(f"/v1/stream?token={GOOD}&device_id=fuzz".encode()))
        answer = b""
        while b'"hello"' not in answer:  # what is sent before that, no WebSocket has to read
            answer += connection.recv(65_536)
        connection.settimeout(0.05)
        with suppress(ConnectionError, TimeoutError):
            connection.sendall(b"".join(frames))
            while part := connection.recv(65_536):
                answer += part
    check(answer)


def handshake(path: bytes, changed: dict[str, str] | None = None) -> bytes:
    headers = {"Host": "x", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    headers |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} | (changed or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return b"GET " + path + b" HTTP/1.1\r\n" + lines.encode("latin-1", "replace") + b"\r\n"


def frame(first: int, masked: bool, payload: bytes, length: int | None) -> bytes:
    said = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if said < 126:
        head = bytes([first, bit | said])
    elif said < 65_536:
        head = bytes([first, bit | 126]) + struct.pack("!H", said)
    else:
        head = bytes([first, bit | 127]) + struct.pack("!Q", said)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def test_heads_that_are_too_long_or_do_not_end_are_given_up(gateway: GatewayProcess) -> None:
    assert talk("127.0.0.1", gateway.port, request("GET", "/" + "x" * 200_000, {}), 20).startswith(b"HTTP/1.1 431 ")
    assert talk("127.0.0.1", gateway.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A", 20).startswith(b"HTTP/1.1 408 ")
    assert httpx.get(f"http://{gateway.address}/healthz").status_code == 200
