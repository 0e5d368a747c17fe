"""Commands that are delivered together: as each on its own would be, and whole or not at all, whatever the gateway dies at."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.common.settings import load_settings
from gateway.delivery.offsets import OffsetTracker
from gateway.delivery.outcomes import Report
from gateway.delivery.pending import Pending
from gateway.delivery.routes import CHANNELS, Plan
from gateway.delivery.routing import Router
from gateway.delivery.settings import DeliverySection, DeliverySettings
from gateway.delivery.source import Place, Record
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.sqlite import SqliteStore
from gateway.delivery.store.values import Standing
from gateway.delivery.stream.connection import Connection, Event
from gateway.delivery.stream.hub import Hub
from gateway.delivery.telling import Telling
from gateway.delivery.together import Together
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Privacy, PushCommand, Target
from tests.gateway.delivery.processes import command

NOW = 1_800_000_000_000
DAY_MS = 86_400_000
BUSY_MS = 30_000
PATIENCE_S = 20
FCM = Target(channel=feedback_pb2.CHANNEL_FCM, token="t", device_id="phone")


class Gateway:
    """What delivers together, on a real store; what is told is kept."""

    def __init__(self, settings: DeliverySection, store: AsyncStore) -> None:
        self.store = store
        self.told: list[Report] = []
        self.left: list[tuple[str, Standing]] = []
        self.failures: list[BaseException] = []
        self.hub = Hub(settings.stream, store, self.tell_all, lambda: NOW, self.failures.append)
        plan = Plan(settings.devices, [CHANNELS[name] for name in settings.order], "")
        channels = (feedback_pb2.CHANNEL_IN_APP, feedback_pb2.CHANNEL_FCM)
        telling = Telling(self)  # type: ignore[arg-type]
        self.together = Together(settings, Router(plan, channels), self.hub, store, telling, lambda: NOW)

    async def tell_all(self, reports: Sequence[Report]) -> None:
        self.told += reports

    async def connect(self, user: str, settings: DeliverySection, last_id: int | None = None) -> list[Event]:
        shown: list[Event] = []

        async def write(event: Event) -> None:
            shown.append(event)

        def write_now(event: Event) -> bool:
            shown.append(event)
            return True

        await self.hub.join(Connection((user,), "phone", write, lambda _why: None, settings.stream, write_now), last_id)
        return shown

    async def deliver(self, *several: PushCommand) -> list[str]:
        written = await self.together.write([pending(each) for each in several])
        self.left += [(left.command.command_id, claim.standing) for left, claim in written.left]
        await self.together.tell(written)
        return [each.command.command_id for each in written.done]

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(report.command_id, feedback_pb2.Outcome.Name(report.outcome).removeprefix("OUTCOME_")) for report in self.told]


@pytest.fixture
def settings() -> DeliverySection:
    return load_settings(DeliverySettings, "delivery", None).delivery


@contextmanager
def file_store(path: Path, gateway: str = "one", alive_until_ms: int = NOW + 10_000) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path / "store.db", gateway, synchronous="normal", busy_ms=BUSY_MS, linger_ms=60_000)) as store:
        store.alive(alive_until_ms)
        yield store


def run(path: Path, settings: DeliverySection, story: Callable[[Gateway], Any], name: str = "one") -> None:
    async def whole() -> None:
        store = AsyncStore(lambda: SqliteStore(path / "store.db", name, synchronous="normal", busy_ms=BUSY_MS, linger_ms=60_000))
        await store.open()
        await store.run(lambda opened: opened.alive(NOW + 10_000))
        gateway = Gateway(settings, store)
        await story(gateway)
        await store.close()
        assert gateway.failures == []

    asyncio.run(whole())


def pending(push: PushCommand) -> Pending:
    place = Place("pushes", 0, int(push.command_id.partition("-")[0] or 0), OffsetTracker())
    return Pending(Record(place, push.user_id.encode(), b"", NOW), push, NOW)


def push(command_id: str, user: str = "ada", *targets: Target, **fields: Any) -> PushCommand:
    return command(command_id, user, *targets, **({"expires_at_ms": NOW + DAY_MS} | fields))


def test_each_of_a_batch_has_the_outcome_that_it_would_have_alone(tmp_path: Path, settings: DeliverySection) -> None:
    async def story(gateway: Gateway) -> None:
        shown = await gateway.connect("ada", settings)
        batch = [
            push("1"),
            push("2", "nobody"),
            push("3", "late", expires_at_ms=NOW),
            push("4", "minor", privacy=Privacy(minor=True)),
            push("5", "phone", FCM),
        ]
        assert await gateway.deliver(*batch) == ["1", "2", "3", "4"]
        assert set(gateway.outcomes) == {("1", "ACCEPTED"), ("2", "NO_DEVICE"), ("3", "EXPIRED"), ("4", "REJECTED")}
        assert [getattr(event, "command_id", "") for event in shown] == ["1"]
        assert gateway.left == [("5", Standing.MINE)]  # a provider takes its time: on its own

    run(tmp_path, settings, story)


def test_what_another_gateway_has_or_is_settled_is_left_with_how_it_stands(tmp_path: Path, settings: DeliverySection) -> None:
    with file_store(tmp_path, "alive") as alive, file_store(tmp_path, "dead", NOW - 1) as dead:
        alive.claim("1", "ada", "pushes/0/1", NOW, NOW + DAY_MS)
        dead.claim("2", "lin", "pushes/0/2", NOW, NOW + DAY_MS)
        dead.claim("3", "eve", "pushes/0/3", NOW, NOW + DAY_MS)
        dead.settle(Report("eve", "3", feedback_pb2.OUTCOME_ACCEPTED, NOW))

    async def story(gateway: Gateway) -> None:
        assert await gateway.deliver(push("1"), push("2", "lin"), push("3", "eve")) == []
        assert gateway.left == [("1", Standing.HELD), ("2", Standing.TAKEN_OVER), ("3", Standing.SETTLED)]
        assert gateway.told == []

    run(tmp_path, settings, story)


def test_a_connected_user_with_another_way_is_left_for_somebody_has_to_wait_for_the_acknowledgement(
    tmp_path: Path, settings: DeliverySection
) -> None:
    with file_store(tmp_path) as store:
        store.put_devices("ada", [FCM], NOW, all_of_them=True, most=5)

    async def story(gateway: Gateway) -> None:
        shown = await gateway.connect("ada", settings)
        assert await gateway.deliver(push("1")) == []
        assert (gateway.left, shown) == ([("1", Standing.MINE)], [])

    run(tmp_path, settings, story)


def test_a_gateway_that_dies_before_the_transaction_is_over_has_done_nothing(tmp_path: Path, settings: DeliverySection) -> None:
    with file_store(tmp_path) as store:
        store.connect("ada", "phone")

    async def story(gateway: Gateway) -> None:
        with file_store(tmp_path) as dying:
            dying.begin()
            written = gateway.together._write(dying, [pending(push("1"))], {"ada"}, gateway.hub.before({"ada"}), NOW)
            assert len(written.appended) == 1
            dying._db.close()  # as the kernel does for a process that is killed: nobody commits

        with file_store(tmp_path, "two") as other:
            assert other.claim("1", "ada", "pushes/0/1", NOW, NOW + DAY_MS).standing is Standing.MINE
            assert other.after("ada", "phone", None, NOW) == []

    run(tmp_path, settings, story, "watcher")


def test_a_gateway_that_dies_after_it_has_settled_it_and_told_no_one_and_the_next_one_knows(
    tmp_path: Path, settings: DeliverySection
) -> None:
    class Died(BaseException):
        pass

    async def story(gateway: Gateway) -> None:
        async def die(_reports: Sequence[Report]) -> None:
            raise Died

        await gateway.connect("ada", settings)
        gateway.tell_all = die  # type: ignore[method-assign]
        with pytest.raises(Died):
            await gateway.deliver(push("1"))

    run(tmp_path, settings, story)
    with file_store(tmp_path, "two") as other:
        claim = other.claim("1", "ada", "pushes/0/1", NOW, NOW + DAY_MS)
        assert (claim.standing, claim.same_record) == (Standing.SETTLED, True)
        assert claim.settled is not None
        assert claim.settled.outcome == feedback_pb2.OUTCOME_ACCEPTED  # and this is what it tells
        assert [entry.command_id for entry in other.after("ada", "phone", None, NOW)] == ["1"]


def test_acknowledgements_of_many_devices_are_told_and_noted_together_each_push_once(tmp_path: Path, settings: DeliverySection) -> None:
    async def story(gateway: Gateway) -> None:
        users = [f"user-{number}" for number in range(20)]
        shown = {user: await gateway.connect(user, settings) for user in users}
        await gateway.deliver(*(push(str(number), user) for number, user in enumerate(users)))
        gateway.told.clear()
        ids = {user: shown[user][0].stream_id for user in users}  # type: ignore[union-attr]

        waiting = [gateway.hub.acknowledge((user,), device, ids[user]) for user in users for device in ("phone", "pad")]
        await asyncio.gather(*(asyncio.shield(each) for each in waiting))

        assert sorted(gateway.outcomes) == sorted((str(number), "DELIVERED") for number in range(20))
        assert {report.device_id for report in gateway.told} == {"phone"}  # it was first
        for user in users:
            for device in ("phone", "pad"):
                assert await gateway.store.run(lambda store, user=user, device=device: store.after(user, device, None, NOW)) == []

    run(tmp_path, settings, story)


def test_an_acknowledgement_is_noted_only_after_the_job_was_told(tmp_path: Path, settings: DeliverySection) -> None:
    async def story(gateway: Gateway) -> None:
        await gateway.connect("ada", settings)
        await gateway.deliver(push("1"))
        brokers_are_back = asyncio.Event()
        begun = asyncio.Event()

        async def wait(_reports: Sequence[Report]) -> None:
            begun.set()
            await brokers_are_back.wait()

        gateway.hub._acknowledging._tell_all = wait
        done = gateway.hub.acknowledge(("ada",), "phone", 1)
        await begun.wait()
        assert len(await gateway.store.run(lambda store: store.unacknowledged("ada", 1))) == 1
        brokers_are_back.set()
        await asyncio.shield(done)
        assert await gateway.store.run(lambda store: store.unacknowledged("ada", 1)) == []

    run(tmp_path, settings, story)


def test_a_device_that_resumes_while_too_much_waits_for_kafka_gets_what_it_missed(tmp_path: Path, settings: DeliverySection) -> None:
    async def story(gateway: Gateway) -> None:
        shown = await gateway.connect("ada", settings)
        await gateway.deliver(push("1"))
        await gateway.deliver(push("2"))
        first, second = shown
        gateway.hub.room.take(settings.stream.max_unwritten)
        resumed = await gateway.connect("ada", settings, first.stream_id)  # type: ignore[union-attr]
        async with asyncio.timeout(PATIENCE_S):
            while not resumed:
                await asyncio.sleep(0)
        assert resumed == [second]
        assert ("1", "DELIVERED") not in gateway.outcomes  # it says so again with the next

        gateway.hub.room.give_back(settings.stream.max_unwritten)
        await asyncio.shield(gateway.hub.acknowledge(("ada",), "phone", second.stream_id))  # type: ignore[union-attr]
        assert gateway.outcomes[-2:] == [("1", "DELIVERED"), ("2", "DELIVERED")]
        assert not gateway.hub.room.is_full

    run(tmp_path, settings, story)
