"""Pushes to connected users: at once, in order, after a reconnect where they left off, and what became of them back."""

import json
from contextlib import closing

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PushCommand
from tests.gateway.delivery.clients import Device, server_sent
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import Topics, command, eventually, now_ms, token

pytestmark = pytest.mark.kafka


def test_a_connected_user_gets_a_push_and_says_what_became_of_it(start: Start, topics: Topics) -> None:
    gateway = start()
    with closing(Device(gateway)) as phone:
        phone.hello()
        topics.push(command("c1"))
        message = phone.receive()
        assert message["type"] == "push"
        assert message["push"]["title"] == "Blue mug"
        assert message["push"]["reason"] == "because you looked at mugs"
        assert not {"user_id", "decision"} & message["push"].keys()
        phone.ack()
        assert phone.say(type="outcome", command_id="c1", outcome="displayed")["type"] == "ok"
        assert phone.say(type="outcome", command_id="c1", outcome="opened", at_ms=17)["type"] == "ok"
        assert phone.say(type="outcome", command_id="c1", outcome="converted", value=12.5, currency="EUR", item_id="mug-7")["type"] == "ok"

    assert topics.outcomes("c1") == ["ACCEPTED", "DELIVERED", "DISPLAYED", "OPENED", "CONVERTED"]
    bought = next(told for told in topics.feedback() if told.outcome == feedback_pb2.OUTCOME_CONVERTED)
    assert (bought.value, bought.currency, bought.device_id) == (12.5, "EUR", "phone")


def test_a_device_resumes_where_it_left_off_also_at_another_gateway(start: Start, topics: Topics) -> None:
    first = start()
    with closing(Device(first)) as phone:
        phone.hello()
        topics.push(command("c1"), command("c2"))
        assert phone.pushes(1) == ["c1"]
        last_id = phone.last_id
    first.kill()
    second = start()
    topics.push(command("c3"))

    with closing(Device(second, last_id=last_id)) as phone:
        assert phone.hello().pushes(2) == ["c2", "c3"]
        phone.ack()
    with closing(Device(second)) as phone:  # without its last id: the gateway remembers what it has
        assert phone.hello().silent()
    assert topics.outcomes("c1") == ["ACCEPTED", "DELIVERED"]


def test_several_gateways_share_the_work_and_the_users(start: Start, topics: Topics) -> None:
    gateways = [start(), start()]
    with closing(Device(gateways[0], "ada")) as ada, closing(Device(gateways[1], "lin")) as lin:
        ada.hello()
        lin.hello()
        ids = [f"c{number}" for number in range(20)]
        topics.push(*(command(f"ada-{each}", "ada") for each in ids), *(command(f"lin-{each}", "lin") for each in ids))

        assert ada.pushes(20) == [f"ada-{each}" for each in ids]
        assert lin.pushes(20) == [f"lin-{each}" for each in ids]
        assert ada.silent()
        assert lin.silent()


def test_server_sent_events_resume_from_the_last_id_and_answer_by_post(start: Start, topics: Topics) -> None:
    gateway = start()
    events = server_sent(gateway, device_id="page")
    assert next(events)["event"] == "hello"
    topics.push(command("c1"), command("c2"))
    first = next(events)
    assert (first["event"], json.loads(first["data"])["command_id"]) == ("push", "c1")
    events.close()  # type: ignore[attr-defined]

    again = server_sent(gateway, last_id=first["id"], device_id="page")
    next(again)
    assert json.loads(next(again)["data"])["command_id"] == "c2"
    again.close()  # type: ignore[attr-defined]
    said = [
        {"type": "outcome", "command_id": "c2", "outcome": "dismissed", "ref": "1"},
        {"type": "outcome", "outcome": "opened", "ref": "2"},
    ]
    answer = httpx.post(f"http://{gateway.address}/v1/stream/messages", headers={"Authorization": f"Bearer {token('ada')}"}, json=said)

    assert [(each["type"], each["ref"]) for each in answer.json()] == [("ok", "1"), ("error", "2")]
    assert topics.outcomes("c2") == ["ACCEPTED", "DISMISSED"]


def test_a_newer_push_takes_the_place_of_one_that_waits(start: Start, topics: Topics) -> None:
    gateway = start()
    with closing(Device(gateway)) as phone:
        phone.hello()
    topics.push(command("c1", collapse_key="mug-7"), command("c2", collapse_key="mug-7"))
    eventually(lambda: topics.outcomes("c2"), "both")

    with closing(Device(gateway)) as phone:
        assert phone.hello().pushes(1) == ["c2"]
    assert topics.outcomes("c1") == ["ACCEPTED", "REPLACED"]


def test_what_is_taken_back_is_told_to_those_who_have_it(start: Start, topics: Topics) -> None:
    gateway = start()
    with closing(Device(gateway)) as phone:
        phone.hello()
        topics.push(command("c1"))
        assert phone.pushes(1) == ["c1"]
        topics.push(PushCommand(command_id="c2", user_id="ada", cancels_command_id="c1", expires_at_ms=now_ms() + 60_000))
        assert phone.receive() == {"type": "taken_back", "command_id": "c1"}
    assert topics.outcomes("c1") == ["ACCEPTED", "CANCELLED"]


def test_a_push_nobody_came_back_for_is_expired(start: Start, topics: Topics) -> None:
    gateway = start()
    with closing(Device(gateway)) as phone:
        phone.hello()
    topics.push(command("c1", ttl_ms=1500))

    eventually(lambda: topics.outcomes("c1")[-1:] == ["EXPIRED"], "its end")
    with closing(Device(gateway)) as phone:
        assert phone.hello().silent()


def test_only_the_users_own_token_opens_the_stream_and_only_for_its_life(start: Start, topics: Topics) -> None:
    gateway = start()
    for wrong in ("", "no-token", token("ada", lifetime_s=-60)):
        device = Device(gateway, token=wrong)
        with pytest.raises(ConnectionClosed) as refused:
            device.receive()
        assert refused.value.rcvd is not None
        assert refused.value.rcvd.code == 4401
        assert httpx.get(f"http://{gateway.address}/v1/stream/sse", params={"token": wrong}).status_code == 401
    with closing(Device(gateway, token=token("ada", lifetime_s=1))) as phone:
        phone.hello()
        with pytest.raises(ConnectionClosed) as ended:
            phone.receive()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 4401


def test_a_user_speaks_of_their_own_pushes_only(start: Start, topics: Topics) -> None:
    gateway = start()
    topics.push(command("hers", "ada"))
    eventually(lambda: topics.outcomes("hers"), "it is known")
    with closing(Device(gateway, "mallory")) as other:
        other.hello()
        assert other.say(type="outcome", command_id="hers", outcome="reported")["type"] == "error"
        assert other.say(type="outcome", command_id="unheard-of", outcome="opened")["type"] == "error"
        assert other.say(type="outcome", outcome="unsubscribed")["type"] == "ok"

    assert topics.outcomes("hers") == ["NO_DEVICE"]
    assert [(told.user_id, told.outcome) for told in topics.feedback() if not told.command_id] == [
        ("mallory", feedback_pb2.OUTCOME_UNSUBSCRIBED)
    ]


def test_a_client_that_takes_nothing_is_disconnected_and_resumes(start: Start, topics: Topics) -> None:
    gateway = start(stream={"max_pending": 40, "keep_per_user": 500, "send_timeout_ms": 60_000})
    large = {"content": {"title": "x" * 60_000}}
    with closing(Device(gateway, device_id="slow")) as slow, closing(Device(gateway, device_id="quick")) as quick:
        slow.hello()
        quick.hello()
        for first in range(0, 400, 20):
            ids = [f"c{number}" for number in range(first, first + 20)]
            topics.push(*(command(each, **large) for each in ids))
            assert quick.pushes(20) == ids
        with pytest.raises(ConnectionClosed) as ended:
            slow.drain()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 4408
    with closing(Device(gateway, device_id="slow", last_id=slow.last_id)) as back:
        back.hello()
        rest = 400 - int(slow.last_id)
        assert back.pushes(rest) == [f"c{number}" for number in range(int(slow.last_id), 400)]


def test_limits_hold(start: Start, topics: Topics) -> None:
    gateway = start(stream={"max_per_user": 1, "messages_per_s": 1, "messages_burst": 3}, body_bytes=1000)
    with closing(Device(gateway, device_id="one")) as one:
        one.hello()
        second = Device(gateway, device_id="two")
        with pytest.raises(ConnectionClosed) as refused:
            second.receive()
        assert refused.value.rcvd is not None
        assert refused.value.rcvd.code == 4429
        for _ in range(3):
            assert one.say(type="ping")["type"] == "pong"
        with pytest.raises(ConnectionClosed):
            one.say(type="ping")
    eventually(
        lambda: 'kairos_gateway_connections{transport="websocket"} 0.0' in httpx.get(f"http://{gateway.address}/metrics").text, "left"
    )
    with closing(Device(gateway)) as talker:
        talker.hello()
        talker.socket.send("x" * 1001)
        with pytest.raises(ConnectionClosed) as too_big:
            talker.receive()
        assert too_big.value.rcvd is not None
        assert too_big.value.rcvd.code == 1009
    assert httpx.post(f"http://{gateway.address}/v1/stream/messages", content=b"x" * 1001).status_code == 413


def test_a_gateway_that_ends_sends_everybody_away_in_order(start: Start, topics: Topics) -> None:
    gateway = start()
    with closing(Device(gateway)) as phone:
        phone.hello()
        assert gateway.stop() == 0
        with pytest.raises(ConnectionClosed) as ended:
            phone.receive()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1012
