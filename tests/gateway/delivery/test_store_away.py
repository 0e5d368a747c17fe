"""The server that holds the store goes away and comes back: the gateway waits, says so, and nothing is lost."""

import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from kairos.v1 import feedback_pb2, signal_pb2
from kairos.v1.push_pb2 import Target
from kairos.v1.signal_pb2 import Signal, UserUpdate
from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.postgresql import PASSWORD, Postgresql
from tests.gateway.delivery.processes import GatewayProcess, Topics, command, eventually, now_ms

pytestmark = [pytest.mark.kafka, pytest.mark.parametrize("start", ["postgresql"], indirect=True)]


@pytest.fixture
def postgresql() -> Iterator[Postgresql]:
    """A server of this test alone, since it is stopped."""
    with Postgresql() as server:
        yield server


def ready(gateway: GatewayProcess) -> tuple[int, str]:
    answer = httpx.get(f"http://{gateway.address}/readyz")
    return answer.status_code, answer.json()["reason"]


def device_of(user: str) -> tuple[bytes, bytes]:
    """A record of the topic of interactions."""
    phone = Target(channel=feedback_pb2.CHANNEL_FCM, token=f"{user}s", device_id="phone")
    update = UserUpdate(user_id=user, occurred_at_ms=now_ms(), devices=[signal_pb2.Device.FromString(phone.SerializeToString())])
    return user.encode(), Signal(user_update=update).SerializeToString()


def devices(server: Postgresql) -> int:
    """How many are in the one store that the server has."""
    with server.connect() as connection:
        ((schema,),) = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'devices'").fetchall()
        ((count,),) = connection.execute(f"SELECT count(*) FROM {schema}.devices".encode()).fetchall()
        return int(count)


def test_pushes_wait_for_a_store_that_is_away(start: Start, topics: Topics, postgresql: Postgresql) -> None:
    gateways = [start(), start()]
    with closing(Device(gateways[0], "ada")) as adas, closing(Device(gateways[1], "lin")) as lins:
        adas.hello()
        lins.hello()
        topics.push(command("c1", "ada"), command("c2", "lin"))
        assert adas.pushes(1) == ["c1"]
        assert lins.pushes(1) == ["c2"]
        postgresql.crash()
        topics.push(command("c3", "ada"), command("c4", "lin"))
        for gateway in gateways:
            eventually(lambda gateway=gateway: ready(gateway) == (503, "the store does not answer"), "it says that it is not ready")  # type: ignore[misc]
        assert adas.silent(0.1)
        postgresql.start()
        assert adas.receive(60)["push"]["command_id"] == "c3"
        assert lins.receive(60)["push"]["command_id"] == "c4"
        for gateway in gateways:
            eventually(lambda gateway=gateway: ready(gateway)[0] == 200, "it is ready again")  # type: ignore[misc]
        assert adas.silent(0.5)  # each once
        assert lins.silent(0.1)
    for gateway in gateways:
        assert gateway.stop() == 0
        events = [event["event"] for event in gateway.events()]
        assert "the store is away" in events
        assert "the store is back" in events
        assert PASSWORD not in gateway.log.read_text()


def test_a_gateway_ends_without_a_store_and_the_next_one_goes_on(start: Start, topics: Topics, postgresql: Postgresql) -> None:
    gateway = start(shutdown_timeout_ms=500)
    with closing(Device(gateway, "ada")) as phone:
        phone.hello()
        topics.write("interactions", *device_of("ada"))
        eventually(lambda: devices(postgresql) == 1, "it reads what devices there are")
        postgresql.crash()
        topics.write("interactions", *device_of("lin"))
        topics.push(command("c1", "ada"))
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 15
    postgresql.start()
    next_one = start()
    with closing(Device(next_one, "ada")) as phone:
        phone.hello()
        assert phone.pushes(1) == ["c1"]
    eventually(lambda: devices(postgresql) == 2, "the device that came meanwhile is there as well")


def test_a_gateway_that_cannot_use_its_store_says_why_and_does_not_start(start: Start, postgresql: Postgresql) -> None:
    with pytest.raises(AssertionError, match="password authentication failed") as caught:
        start({"KAIROS_STORE_PASSWORD": "another-password"})
    assert "another-password" not in str(caught.value)
    address = f"postgresql://kairos:{PASSWORD}@127.0.0.1:{postgresql.port}/postgres"
    with pytest.raises(AssertionError, match="address: holds a password") as caught:
        start(store={"postgresql": {"address": address}})
    assert PASSWORD not in str(caught.value)
