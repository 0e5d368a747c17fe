"""The broker goes away and comes back: the gateway waits, and nothing that was accepted is lost."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from kairos.local.kafka import EmbeddedKafka
from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import Topics, command, eventually

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
