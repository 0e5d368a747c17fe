"""`kill -9` under load: no push is lost, none comes again to a device that has it, and no command is delivered twice by the provider's book."""

import json
import threading
import time
from collections import Counter

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.customer import SECRET, Customer
from tests.gateway.delivery.processes import GatewayProcess, Topics, command, eventually

pytestmark = [pytest.mark.kafka, pytest.mark.parametrize("start", ["sqlite", "postgresql"], indirect=True)]

USERS = 20
PUSHES = 1200


class Reader(threading.Thread):
    """A device that acknowledges all it gets, and comes back to whichever gateway lives, with the last id it has."""

    def __init__(self, user: str, gateways: list[GatewayProcess]) -> None:
        super().__init__(daemon=True)
        self.user = user
        self.gateways = gateways
        self.got: list[str] = []
        self.last_id = ""
        self.ending = False

    def run(self) -> None:
        while not self.ending:
            try:
                self._listen(Device(self.gateways[-1], self.user, **({"last_id": self.last_id} if self.last_id else {})))
            except (ConnectionClosed, OSError):
                time.sleep(0.1)  # as any client waits before it comes back

    def _listen(self, device: Device) -> None:
        while not self.ending:
            try:
                message = device.receive(0.5)
            except TimeoutError:
                continue
            if message["type"] == "push":
                self.got.append(message["push"]["command_id"])
                self.last_id = device.last_id
                device.socket.send(json.dumps({"type": "ack", "id": device.last_id}))
        device.close()


def test_a_gateway_that_is_killed_loses_nothing_and_repeats_nothing(start: Start, topics: Topics) -> None:
    gateways = [start()]
    readers = [Reader(f"user-{number}", gateways) for number in range(USERS)]
    for reader in readers:
        reader.start()
    sent: dict[str, list[str]] = {reader.user: [] for reader in readers}
    killed_at = (PUSHES // 3, 2 * PUSHES // 3)
    eventually(lambda: connected(gateways[-1]) == USERS, "all are there")
    for number in range(PUSHES):
        user = f"user-{number % USERS}"
        sent[user].append(f"c{number}")
        topics.send(command(f"c{number}", user))
        if number in killed_at:
            gateways[-1].kill()
            gateways.append(start())
        time.sleep(0.002)
    everything_arrived(readers, sent)
    eventually(lambda: topics.committed(f"{topics.prefix}gateway") == PUSHES, "every offset is committed")


def test_one_of_two_gateways_is_killed_and_the_other_takes_over(start: Start, topics: Topics) -> None:
    with Customer() as customer:
        gateways = [start({"SHOP_SECRET": SECRET}, webhook=customer.settings()) for _ in range(2)]
        user_of = {f"c{number}": f"user-{number % USERS}" for number in range(300)}
        ids = list(user_of)
        for number, command_id in enumerate(ids):
            topics.send(command(command_id, user_of[command_id]))
            if number == 150:
                gateways[0].kill()
            time.sleep(0.005)
        eventually(lambda: set(customer.ids) == set(ids), "every push arrived", 90)
        eventually(lambda: topics.committed(f"{topics.prefix}gateway") == len(ids), "every offset is committed")

        # Only what was on its way to the customer at that moment may have come twice, with the same id; of each user, that is one push.
        repeated = {command_id: count for command_id, count in Counter(customer.ids).items() if count > 1}
        assert set(repeated.values()) <= {2}
        assert len({user_of[command_id] for command_id in repeated}) == len(repeated)
    told = topics.feedback()
    outcomes = Counter(each.command_id for each in told)
    assert set(outcomes) == set(ids)
    assert [each for each in told if outcomes[each.command_id] > 1] == []


def test_of_two_gateways_with_users_on_both_one_is_killed(start: Start, topics: Topics) -> None:
    gateways = [start(), start()]
    homes = [[gateway] for gateway in gateways]
    readers = [Reader(f"user-{number}", homes[number % 2]) for number in range(USERS)]
    for reader in readers:
        reader.start()
    sent: dict[str, list[str]] = {reader.user: [] for reader in readers}
    eventually(lambda: [connected(gateway) for gateway in gateways] == [USERS // 2] * 2, "half of them are at each")
    for number in range(PUSHES // 2):
        user = f"user-{number % USERS}"
        sent[user].append(f"c{number}")
        topics.send(command(f"c{number}", user))
        if number == PUSHES // 4:
            gateways[0].kill()
            homes[0].append(gateways[1])
        time.sleep(0.002)
    everything_arrived(readers, sent)
    eventually(lambda: topics.committed(f"{topics.prefix}gateway") == PUSHES // 2, "every offset is committed")


def everything_arrived(readers: list[Reader], sent: dict[str, list[str]]) -> None:
    """Everything, in its order, once."""
    eventually(lambda: all(len(reader.got) >= len(sent[reader.user]) for reader in readers), "every push arrived", 90)
    for reader in readers:
        reader.ending = True
    for reader in readers:
        reader.join(10)
        assert reader.got == sent[reader.user]


def connected(gateway: GatewayProcess) -> int:
    """How many devices are."""
    text = httpx.get(f"http://{gateway.address}/metrics").text
    return next(
        (int(float(line.split()[-1])) for line in text.splitlines() if line.startswith('kairos_gateway_connections{transport="web')), 0
    )
