"""The broker goes away and comes back: the gateway waits, and nothing that was accepted is lost."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.delivery.stream.room import NO_ROOM
from kairos.local.kafka import EmbeddedKafka
from kairos.v1 import feedback_pb2
from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import GatewayProcess, Topics, command, eventually, token
from tests.gateway.delivery.test_kill import USERS, Reader, all_told

pytestmark = pytest.mark.kafka

LITTLE_PATIENCE = {"KAIROS_EDGE__PRODUCER__DELIVERY_TIMEOUT_MS": "1500", "KAIROS_EDGE__PRODUCER__REPLY_TIMEOUT_MS": "500"}


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker of this test alone, since it is killed."""
    with EmbeddedKafka(data_dir=tmp_path / "kafka") as broker:
        yield broker


@pytest.fixture
def topics(own_broker: EmbeddedKafka, topic_prefix: str) -> Iterator[Topics]:
    opened = Topics(own_broker.bootstrap_servers, topic_prefix)
    yield opened
    opened.close()


def test_the_gateway_waits_for_a_broker_that_is_away(own_broker: EmbeddedKafka, topics: Topics, start: Start) -> None:
    gateway = start()

    def ready() -> int:
        return httpx.get(f"http://{gateway.address}/readyz").status_code

    with closing(Device(gateway)) as phone:
        phone.hello()
        topics.push(command("c1"))
        assert phone.pushes(1) == ["c1"]
        eventually(lambda: topics.outcomes("c1") == ["ACCEPTED"], "the first is told")
        own_broker.kill()
        eventually(lambda: ready() == 503, "it says that it is not ready")
        phone.socket.send('{"type": "outcome", "command_id": "c1", "outcome": "opened", "ref": "kept"}')
        assert phone.silent(2.0)  # no "ok" for what Kafka does not have
        own_broker.start()
        while (answer := phone.receive(60)).get("ref") != "kept":
            pass
        assert answer["type"] == "ok"
        eventually(lambda: ready() == 200, "it is ready again")
        topics.push(command("c2"))
        assert phone.receive(60)["push"]["command_id"] == "c2"
    assert topics.outcomes("c1")[:2] == ["ACCEPTED", "OPENED"]
    assert gateway.process.poll() is None


def say_by_http(gateway: GatewayProcess, user: str, command_id: str, outcome: str) -> httpx.Response:
    return httpx.post(
        f"http://{gateway.address}/v1/stream/messages",
        headers={"Authorization": f"Bearer {token(user)}"},
        json=[{"type": "outcome", "command_id": command_id, "outcome": outcome}],
        timeout=30,
    )


def test_what_clients_say_while_the_broker_is_away_has_its_bound_and_nothing_that_was_taken_is_lost(
    own_broker: EmbeddedKafka, topics: Topics, start: Start
) -> None:
    most = 5
    gateway = start(LITTLE_PATIENCE, stream={"max_unwritten": most, "again_ms": 1500})
    ids = [f"c{number}" for number in range(most)]
    with closing(Device(gateway)) as phone:
        phone.hello()
        topics.push(*(command(each) for each in ids))
        assert phone.pushes(most) == ids
        eventually(lambda: all("ACCEPTED" in topics.outcomes(each) for each in ids), "all are told")
        own_broker.kill()
        for each in ids:
            taken = say_by_http(gateway, "ada", each, "opened")
            assert (taken.status_code, "did not acknowledge" in taken.json()["error"]) == (503, True)
        refused = say_by_http(gateway, "ada", "c0", "dismissed")
        assert (refused.status_code, refused.headers["Retry-After"], refused.json()) == (503, "2", {"error": NO_ROOM})
        error = {"type": "error", "message": NO_ROOM, "again_ms": 1500}
        assert phone.say(type="outcome", command_id="c0", outcome="dismissed") == {**error, "ref": "r"}
        phone.socket.send(json.dumps({"type": "ack", "id": phone.last_id}))
        assert phone.receive() == {**error, "ref": ""}
        assert phone.say(type="ping")["type"] == "pong"  # which needs no Kafka
        own_broker.start()
        eventually(lambda: say_by_http(gateway, "ada", "c0", "dismissed").status_code == 200, "there is room again", 90)
        phone.ack()
    assert all({"OPENED", "DELIVERED"} <= set(topics.outcomes(each)) for each in ids)
    assert "DISMISSED" in topics.outcomes("c0")


def test_a_broker_that_is_away_for_longer_than_anything_waits_costs_nothing(
    own_broker: EmbeddedKafka, topics: Topics, start: Start
) -> None:
    gateway = start(LITTLE_PATIENCE, stream={"keep_per_user": 1000}, max_in_flight=100)
    readers = [Reader(f"user-{number}", [gateway]) for number in range(USERS)]
    for reader in readers:
        reader.start()
    count = 800
    sent = {reader.user: [f"c{number}" for number in range(count) if number % USERS == place] for place, reader in enumerate(readers)}
    topics.push(*(command(f"c{number}", f"user-{number % USERS}") for number in range(count)))
    eventually(lambda: sum(len(reader.got) for reader in readers) >= count // 8, "some have come")
    own_broker.kill()

    eventually(lambda: "records given up" in gateway.log.read_text(), "the Kafka client has given feedback up")
    said = say_by_http(gateway, "user-0", "c0", "opened")
    assert (said.status_code, said.headers["Retry-After"]) == (503, "5")  # who asks by HTTP is not left waiting
    own_broker.start()

    eventually(lambda: all(len(reader.got) >= len(sent[reader.user]) for reader in readers), "every push arrived", 90)
    eventually(lambda: topics.committed(f"{topics.prefix}gateway") == count, "every offset is committed", 90)
    for reader in readers:
        reader.ending = True
    for reader in readers:
        reader.join(10)
        assert reader.got == sent[reader.user]
    # What was said while the broker was away may have come through as well: it was said once, whoever repeats it.
    told = eventually(lambda: all_told(topics, count, besides=[("c0", feedback_pb2.OUTCOME_OPENED)]), "each was told", 90)
    assert set(told.values()) == {1}
