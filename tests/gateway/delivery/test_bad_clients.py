"""Whatever clients send: no 5xx, no stack trace, no secret in the log, and the others are served."""

import random
import string
from contextlib import closing

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from tests.gateway.delivery.clients import Device, server_sent
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.customer import SECRET, Customer
from tests.gateway.delivery.processes import TOKEN_SECRET, Topics, command, eventually, token
from tests.gateway.delivery.services import Apple, Google, pem

pytestmark = pytest.mark.kafka

DRAW = random.Random(5)


def noise(length: int) -> str:
    return "".join(DRAW.choice(string.printable + "äß€😀\x00") for _ in range(length))


MESSAGES = [
    "",
    "null",
    "[]",
    "{}",
    '{"type": "ack"}',
    '{"type": "ack", "id": 7}',
    '{"type": "ack", "id": "-1"}',
    '{"type": "ack", "id": "99999999999999999999999"}',
    '{"type": "ack", "id": "999999999999999999"}',
    '{"type": "outcome", "outcome": "opened"}',
    '{"type": "outcome", "outcome": "accepted", "command_id": "c1"}',
    '{"type": "outcome", "outcome": "converted", "command_id": "c1", "value": 1e400}',
    '{"type": "outcome", "outcome": "converted", "command_id": "c1", "value": NaN}',
    '{"type": "outcome", "outcome": "opened", "command_id": "' + "x" * 200 + '"}',
    '{"type": "outcome", "outcome": "opened", "command_id": "\\u0000\\ud800"}',
    '{"type": "outcome", "outcome": "opened", "at_ms": -5}',
    '{"type": "ping", "more": 1}',
    "[" * 5000,
    *(noise(40) for _ in range(40)),
]


def test_messages_that_are_none_are_told_so(start: Start, topics: Topics) -> None:
    gateway = start(stream={"messages_burst": 1000})
    with closing(Device(gateway)) as phone:
        phone.hello()
        for text in MESSAGES:
            phone.socket.send(text)
        assert phone.say(type="ping")["type"] == "pong"
        phone.socket.send(b"\x00\x01")
        assert phone.receive()["type"] == "error"
        topics.push(command("c1"))
        assert phone.pushes(1) == ["c1"]
    assert "Traceback" not in gateway.log.read_text()


def test_requests_that_are_none_get_an_answer_and_never_a_5xx(start: Start, topics: Topics) -> None:
    gateway = start()
    base = f"http://{gateway.address}"
    good = {"Authorization": f"Bearer {token('ada')}"}
    with httpx.Client(base_url=base) as client:
        statuses = [
            client.request(method, path, headers=headers, content=body, params=query).status_code
            for method, path in (
                ("PUT", "/v1/devices/x"),
                ("PUT", "/v1/devices/" + "x" * 300),
                ("DELETE", "/v1/devices/%00"),
                ("POST", "/v1/stream/messages"),
                ("GET", "/v1/stream"),
                ("POST", "/v1/stream/sse"),
                ("GET", "/v1/nothing"),
            )
            for headers in ({}, good, {"Authorization": "Bearer " + "x" * 5000}, {"Authorization": "Basic eDp5"})
            for body in (
                b"",
                b"\xff\xfe",
                b"[" * 10_000,
                b'{"channel": "fcm"}',
                b'[{"type": "ack", "id": "999999999999999999"}]',
                noise(99).encode(),
            )
            for query in ({}, {"device_id": "\x00"}, {"last_id": "1; DROP TABLE stream"})
        ]
        for query in ({"last_id": "x"}, {"last_id": "9" * 30}, {"device_id": ""}):
            assert client.get("/v1/stream/sse", params=query, headers=good).status_code == 400
    assert max(statuses) < 500
    assert 401 in statuses
    assert "Traceback" not in gateway.log.read_text()


def test_handshakes_that_are_none_end_and_the_gateway_goes_on(start: Start, topics: Topics) -> None:
    gateway = start()
    for query in ("", "token=x", f"token={token('ada')}&last_id=x", f"token={token('ada')}&device_id=%00", "token=%ff%fe", "token=a.b.c"):
        try:
            with connect(f"ws://{gateway.address}/v1/stream?{query}") as socket:
                socket.recv(10)
        except (ConnectionClosed, WebSocketException):
            continue
        raise AssertionError(query)
    with closing(Device(gateway)) as phone:
        phone.hello()
    assert "Traceback" not in gateway.log.read_text()


def test_no_secret_is_in_the_log(start: Start, topics: Topics) -> None:
    google, apple, vapid = Google(), Apple(), pem(ec.generate_private_key(ec.SECP256R1()))
    google.url = "https://127.0.0.1:9"
    with Customer() as customer:
        environment = {
            "SHOP_SECRET": SECRET,
            "KAIROS_FCM_CREDENTIALS": google.service_account(),
            "KAIROS_APNS_KEY": pem(apple.key),
            "KAIROS_VAPID_PRIVATE_KEY": vapid,
        }
        web_push = {"subject": "mailto:push@shop.example"}
        apns = {"key_id": "K", "team_id": "T", "url": "https://127.0.0.1:9"}
        fcm = {"url": "https://127.0.0.1:9"}
        gateway = start(environment, webhook=customer.settings(), web_push=web_push, apns=apns, fcm=fcm, retry={"attempts": 2})
        users_token = token("ada")
        with closing(Device(gateway, token=users_token)) as phone:
            phone.hello()
            phone.socket.send('{"type": "outcome", "command_id": "a-clients-words"}')
        events = server_sent(gateway, "bob")
        assert next(events)["event"] == "hello"
        topics.push(command("c3", "bob"))
        assert "Back in stock" in next(events)["data"]
        events.close()  # type: ignore[attr-defined]
        headers = {"Authorization": f"Bearer {users_token}"}
        url = f"http://{gateway.address}/v1/devices/d"
        assert httpx.put(url, json={"channel": "fcm", "token": "a-device-token-f00d"}, headers=headers).status_code == 200
        topics.push(command("c1", "lin"), command("c2", "ada", channels=[3]))
        eventually(lambda: topics.outcomes("c2")[-1:] == ["FAILED"], "both channels were tried")
        gateway.stop()
    log = gateway.log.read_text()
    assert '"debug"' in log
    key_lines = [
        line
        for text in (vapid, pem(apple.key), google.service_account())
        for line in text.replace("\\n", "\n").splitlines()
        if len(line) > 40
    ]
    words = ["PRIVATE KEY", "a-clients-words", "a-device-token-f00d", "Back in stock"]
    for secret in (SECRET, TOKEN_SECRET, users_token, *key_lines, *words):
        assert secret not in log
    assert repr(gateway.events()).count("listening") == 1


def test_what_a_user_says_by_http_has_a_limit_as_over_a_socket(start: Start, topics: Topics) -> None:
    gateway = start(stream={"messages_per_s": 1, "messages_burst": 5})
    said = [{"type": "ping"}] * 3
    with httpx.Client(base_url=f"http://{gateway.address}", headers={"Authorization": f"Bearer {token('ada')}"}) as ada:
        assert ada.post("/v1/stream/messages", json=said).status_code == 200
        refused = ada.post("/v1/stream/messages", json=said)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert {ada.delete("/v1/devices/phone").status_code for _ in range(6)} == {204, 429}
    with httpx.Client(base_url=f"http://{gateway.address}", headers={"Authorization": f"Bearer {token('lin')}"}) as lin:
        assert lin.post("/v1/stream/messages", json=said).status_code == 200


def test_a_port_that_is_taken_is_said_in_words(start: Start, topics: Topics) -> None:
    gateway = start()
    with pytest.raises(AssertionError) as told:  # with the log of the one that did not start
        start(port=gateway.port)
    assert f"The gateway cannot listen on 127.0.0.1, port {gateway.port}" in str(told.value)
    assert "Traceback" not in str(told.value)
