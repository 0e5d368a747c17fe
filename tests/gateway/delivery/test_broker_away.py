"""The broker goes away and comes back: the gateway waits, and nothing that was accepted is lost."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from kairos.local.kafka import EmbeddedKafka
from kairos.v1 import feedback_pb2
from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import Topics, command, eventually, token
from tests.gateway.delivery.test_kill import USERS, Reader, all_told

pytestmark = pytest.mark.kafka


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


def test_a_broker_that_is_away_for_longer_than_anything_waits_costs_nothing(
    own_broker: EmbeddedKafka, topics: Topics, start: Start
) -> None:
    patience = {"KAIROS_EDGE__PRODUCER__DELIVERY_TIMEOUT_MS": "1500", "KAIROS_EDGE__PRODUCER__REPLY_TIMEOUT_MS": "500"}
    gateway = start(patience, stream={"keep_per_user": 1000}, max_in_flight=100)
    readers = [Reader(f"user-{number}", [gateway]) for number in range(USERS)]
    for reader in readers:
        reader.start()
    count = 800
    sent = {reader.user: [f"c{number}" for number in range(count) if number % USERS == place] for place, reader in enumerate(readers)}
    topics.push(*(command(f"c{number}", f"user-{number % USERS}") for number in range(count)))
    eventually(lambda: sum(len(reader.got) for reader in readers) >= count // 8, "some have come")
    own_broker.kill()

    eventually(lambda: "records given up" in gateway.log.read_text(), "the Kafka client has given feedback up")
    said = httpx.post(
        f"http://{gateway.address}/v1/stream/messages",
        headers={"Authorization": f"Bearer {token('user-0')}"},
        json=[{"type": "outcome", "command_id": "c0", "outcome": "opened"}],
        timeout=30,
    )
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
