"""`kill -9` under load: no push is lost, none comes again to a device that has it, and no command is delivered twice by the provider's book."""

import json
import threading
import time
from collections import Counter
from collections.abc import Collection

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from kairos.v1 import feedback_pb2
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


class Forgetful(Reader):
    """A device that keeps nothing: it relies on the gateways to remember what it has acknowledged."""

    def __init__(self, user: str, gateways: list[GatewayProcess]) -> None:
        super().__init__(user, gateways)
        self.acknowledged: set[str] = set()
        self.repeated: list[str] = []

    def _listen(self, device: Device) -> None:
        self.last_id = ""
        by_id: dict[str, str] = {}
        while not self.ending:
            try:
                message = device.receive(0.5)
            except TimeoutError:
                continue
            if message["type"] == "push":
                command_id = message["push"]["command_id"]
                self.got.append(command_id)
                if command_id in self.acknowledged:
                    self.repeated.append(command_id)
                by_id[message["id"]] = command_id
                device.socket.send(json.dumps({"type": "ack", "id": message["id"], "ref": message["id"]}))
            elif message["type"] == "ok":
                self.acknowledged.add(by_id[message["ref"]])
        device.close()


def test_gateways_that_are_killed_in_a_flood_lose_nothing_and_repeat_nothing_that_was_acknowledged(start: Start, topics: Topics) -> None:
    flood = 3000
    gateways = [start(stream={"keep_per_user": 1000})]
    readers = [(Forgetful if number % 2 else Reader)(f"user-{number}", gateways) for number in range(USERS)]
    for reader in readers:
        reader.start()
    eventually(lambda: connected(gateways[-1]) == USERS, "all are there")
    sent = {reader.user: [f"c{number}" for number in range(flood) if number % USERS == place] for place, reader in enumerate(readers)}
    topics.push(*(command(f"c{number}", f"user-{number % USERS}") for number in range(flood)))  # as fast as it goes

    for share in (3, 2):
        eventually(lambda share=share: sum(len(reader.got) for reader in readers) >= flood // share, "a part has come", 90)
        gateways[-1].kill()
        assert topics.committed(f"{topics.prefix}gateway") < flood  # in the midst of it
        gateways.append(start(stream={"keep_per_user": 1000}))
    eventually(lambda: all(set(reader.got) >= set(sent[reader.user]) for reader in readers), "every push arrived", 90)
    eventually(lambda: topics.committed(f"{topics.prefix}gateway") == flood, "every offset is committed", 90)
    told = eventually(lambda: all_told(topics, flood), "each was told", 90)

    for reader in readers:
        reader.ending = True
    for reader in readers:
        reader.join(10)
        assert list(dict.fromkeys(reader.got)) == sent[reader.user]
        if isinstance(reader, Forgetful):
            assert reader.acknowledged
            assert reader.repeated == []
        else:
            assert reader.got == sent[reader.user]
    assert set(told.values()) == {1}


def all_told(topics: Topics, count: int, besides: Collection[tuple[str, int]] = ()) -> Counter[tuple[str, int]] | None:
    """How often each outcome of each command was told, once each was accepted and delivered; but for those `besides`."""
    told = Counter(key for report in topics.feedback() if (key := (report.command_id, report.outcome)) not in besides)
    return told if len(told) == 2 * count else None


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
    ends = [each for each in topics.feedback() if each.outcome != feedback_pb2.OUTCOME_RETRYING]  # a connection may fail and be tried again
    assert Counter((each.command_id, each.outcome) for each in ends) == Counter(
        (command_id, feedback_pb2.OUTCOME_ACCEPTED) for command_id in ids
    )


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
