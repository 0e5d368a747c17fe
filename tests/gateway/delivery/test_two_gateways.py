"""A user whose pushes two gateways write: devices get them in the order of their ids, each once, and what was shown counts as sent."""

import asyncio
import contextlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.common.settings import load_settings
from gateway.delivery.channels.channel import Push
from gateway.delivery.outcomes import Report
from gateway.delivery.settings import DeliverySection, DeliverySettings
from gateway.delivery.store.values import StreamEntry
from gateway.delivery.stream.connection import Connection, Event
from kairos.v1 import feedback_pb2
from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import PARTITIONS, GatewayProcess, Topics, command, eventually
from tests.gateway.delivery.test_together import DAY_MS, NOW, PATIENCE_S, Gateway, file_store, push, run

NEVER_MS = 3_600_000


@pytest.fixture
def settings() -> DeliverySection:
    return load_settings(DeliverySettings, "delivery", None).delivery


def entry(command_id: str, user: str = "ada") -> StreamEntry:
    return StreamEntry(0, user, command_id, "{}", "", NOW + DAY_MS)


def written_by_another(path: Path, command_id: str, user: str = "ada", *, acknowledged_by: str = "") -> None:
    with file_store(path, "two") as two:
        stream_id = two.append(entry(command_id, user), None, 50, sent=False).entry.stream_id
        if acknowledged_by:
            two.acknowledge(user, acknowledged_by, stream_id, NOW)


def ids(shown: Sequence[Event]) -> list[str]:
    return [event.command_id for event in shown]


async def watched(gateway: Gateway, up_to_id: int) -> None:
    """Until the hub has seen all up to this id."""
    watching = asyncio.create_task(gateway.hub.watch())
    async with asyncio.timeout(PATIENCE_S):
        while gateway.hub._seen_id < up_to_id:
            await asyncio.sleep(0)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


def test_what_is_added_goes_out_after_what_another_gateway_had_added_and_nothing_twice(tmp_path: Path, settings: DeliverySection) -> None:
    async def story(gateway: Gateway) -> None:
        shown = await gateway.connect("ada", settings)
        written_by_another(tmp_path, "1")
        await gateway.deliver(push("2"))
        assert ids(shown) == ["1", "2"]
        written_by_another(tmp_path, "3")
        alone = push("4")
        accepted = Report("ada", "4", feedback_pb2.OUTCOME_ACCEPTED, NOW)
        await gateway.hub.deliver(Push(alone, NOW + DAY_MS), accepted, NOW, another_way=False)
        assert ids(shown) == ["1", "2", "3", "4"]
        await watched(gateway, 4)
        assert ids(shown) == ["1", "2", "3", "4"]

    run(tmp_path, settings, story)


def test_the_order_is_that_of_all_names_of_a_user(tmp_path: Path, settings: DeliverySection) -> None:
    async def story(gateway: Gateway) -> None:
        shown: list[Event] = []

        def write(event: Event) -> bool:
            shown.append(event)
            return True

        async def write_later(event: Event) -> None:
            shown.append(event)

        await gateway.hub.join(Connection(("new", "old"), "phone", write_later, lambda _why: None, settings.stream, write), None)
        written_by_another(tmp_path, "1", "old")
        await gateway.deliver(push("2", "new"))
        assert ids(shown) == ["1", "2"]

    run(tmp_path, settings, story)


def test_what_a_device_acknowledged_at_another_gateway_is_not_found_for_it_here(tmp_path: Path, settings: DeliverySection) -> None:
    async def story(gateway: Gateway) -> None:
        written_by_another(tmp_path, "1", acknowledged_by="phone")
        shown = await gateway.connect("ada", settings)
        await watched(gateway, 1)
        assert shown == []

    run(tmp_path, settings, story)


def test_what_is_found_for_a_connected_user_counts_as_sent_and_the_rest_does_not(tmp_path: Path, settings: DeliverySection) -> None:
    async def story(gateway: Gateway) -> None:
        await gateway.connect("ada", settings)
        written_by_another(tmp_path, "1")
        written_by_another(tmp_path, "2", "lin")
        await watched(gateway, 2)
        written_by_another(tmp_path, "3")
        await gateway.deliver(push("4"))
        written_by_another(tmp_path, "5")

    run(tmp_path, settings, story)
    with file_store(tmp_path, "two") as two:
        sent = {found.command_id: sent for found, sent in two.expired(NOW + DAY_MS, 10)}
    assert sent == {"1": True, "2": False, "3": True, "4": True, "5": False}


def share_the_work(topics: Topics, *gateways: GatewayProcess) -> None:
    """Until each has some of the partitions."""

    def all_have_read() -> bool:
        for number in range(PARTITIONS):
            topics.push(command(f"warm-{next(numbers)}", "nobody"), partition=number)
        return all('standing="mine"' in httpx.get(f"http://{gateway.address}/metrics", timeout=30).text for gateway in gateways)

    numbers = iter(range(1_000_000))
    eventually(all_have_read, "each has partitions")


def push_one_after_the_other(topics: Topics, ids: Sequence[str], **fields: int) -> None:
    """To all partitions in turn, so that both gateways write; the next one when the last is in the stream."""
    for number, command_id in enumerate(ids):
        topics.push(command(command_id, "ada", **fields), partition=number % PARTITIONS)
        eventually(lambda command_id=command_id: "ACCEPTED" in topics.outcomes(command_id), "it is in the stream")  # type: ignore[misc]


def the_rest(device: Device) -> list[str]:
    """Command ids of what comes, until nothing does."""
    found = []
    with contextlib.suppress(TimeoutError):
        while True:
            found += [device.receive(1.0)["push"]["command_id"]]
    return found


@pytest.mark.kafka
@pytest.mark.parametrize("start", ["sqlite", "postgresql"], indirect=True)
def test_an_acknowledgement_never_covers_a_push_that_the_device_has_not_had(start: Start, topics: Topics) -> None:
    home = start(stream={"watch_ms": NEVER_MS})  # as if it were always about to look for what the other one wrote
    other = start()
    share_the_work(topics, home, other)
    sent = [f"c{number}" for number in range(2 * PARTITIONS)]
    with closing(Device(home, "ada")) as phone:
        phone.hello()
        push_one_after_the_other(topics, sent)
        got = phone.pushes(1) + the_rest(phone)
        phone.ack()
    home.kill()
    with closing(Device(other, "ada")) as phone:
        got += phone.hello().pushes(len(sent) - len(got))
        assert got == sent
        assert phone.silent()


@pytest.mark.kafka
@pytest.mark.parametrize("start", ["sqlite", "postgresql"], indirect=True)
def test_a_push_that_was_shown_is_not_told_to_have_expired_whichever_gateway_wrote_it(start: Start, topics: Topics) -> None:
    home, other = start(), start()
    share_the_work(topics, home, other)
    with closing(Device(home, "lin")) as phone:
        phone.hello()  # and leaves
    sent = [f"c{number}" for number in range(PARTITIONS)]
    with closing(Device(home, "ada")) as phone:
        phone.hello()
        push_one_after_the_other(topics, sent, ttl_ms=30_000)
        assert phone.pushes(PARTITIONS) == sent  # and never says that it has them
        topics.push(command("not-shown", "lin", ttl_ms=30_000))
        eventually(lambda: "EXPIRED" in topics.outcomes("not-shown"), "the end of all of them has come", deadline_s=90)
    assert {outcome for command_id in sent for outcome in topics.outcomes(command_id)} == {"ACCEPTED"}
