"""A command that one gateway delivers is taken back at another, on one store: the job hears one last word, and nothing more is sent."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.common.settings import load_settings
from gateway.delivery.channels.channel import Answer, Push
from gateway.delivery.channels.webhook import WebhookChannel
from gateway.delivery.delivering import Delivering
from gateway.delivery.outcomes import Report
from gateway.delivery.routes import CHANNELS, Plan
from gateway.delivery.routing import Router
from gateway.delivery.sending import Sender
from gateway.delivery.settings import DeliverySection, DeliverySettings, WebhookSettings
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.sqlite import SqliteStore
from gateway.delivery.store.values import Withdrawn
from gateway.delivery.stream.connection import Connection, Event
from gateway.delivery.stream.hub import Hub
from gateway.delivery.telling import Telling
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PushCommand, Target
from tests.gateway.delivery.customer import SECRET, Customer
from tests.gateway.delivery.stores import SqliteFile, Stores
from tests.gateway.delivery.test_together import DAY_MS, NOW, pending, push

SHOP = Target(channel=feedback_pb2.CHANNEL_WEBHOOK, app_id="shop")
BUSY_MS = 30_000


class TakenBackMeanwhile(WebhookChannel):
    """The customer's server answers after the command was taken back."""

    meanwhile: Callable[[], None]

    async def send(self, push: Push, target: Target, now_ms: int) -> Answer:
        self.meanwhile()
        return await super().send(push, target, now_ms)


class Gateway:
    """What delivers commands on their own, with a real store and a customer's server; what is told is kept."""

    def __init__(
        self, path: Path, store: AsyncStore, customer: Customer, channel: type[WebhookChannel], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self.path = path
        self.store = store
        self.told: list[Report] = []
        self.failures: list[BaseException] = []
        self.settings: DeliverySection = load_settings(DeliverySettings, "delivery", None).delivery
        self.hub = Hub(self.settings.stream, store, self.tell_all, lambda: NOW, self.failures.append)
        self.channel = channel(WebhookSettings(**customer.settings()), httpx.AsyncClient(), {"SHOP_SECRET": SECRET})
        senders = {SHOP.channel: Sender(self.channel, self.settings.retry, lambda: NOW, sleep)}
        plan = Plan("first", [CHANNELS[name] for name in self.settings.order], "")
        router = Router(plan, (feedback_pb2.CHANNEL_IN_APP, *senders))
        telling = Telling(self)  # type: ignore[arg-type]
        self.delivering = Delivering(self.settings, router, senders, self.hub, store, telling, lambda: NOW, ())

    async def tell_all(self, reports: Sequence[Report]) -> None:
        self.told += reports

    async def connect(self, user: str) -> list[Event]:
        shown: list[Event] = []

        async def write(event: Event) -> None:
            shown.append(event)

        def write_now(event: Event) -> bool:
            shown.append(event)
            return True

        await self.hub.join(Connection((user,), "phone", write, lambda _why: None, self.settings.stream, write_now), None)
        return shown

    async def deliver(self, command: PushCommand) -> list[str]:
        await self.delivering.deliver(pending(command), None)
        return self.outcomes

    @property
    def outcomes(self) -> list[str]:
        return [feedback_pb2.Outcome.Name(report.outcome).removeprefix("OUTCOME_") for report in self.told]


def take_back(path: Path) -> None:
    """As the gateway does that reads the user's partition; it tells CANCELLED itself, too."""
    with closing(SqliteStore(path, "owner", synchronous="normal", busy_ms=BUSY_MS, linger_ms=60_000)) as owner:
        assert owner.cancelled("1", "ada", NOW, NOW + DAY_MS)


def run(
    tmp_path: Path,
    customer: Customer,
    story: Callable[[Gateway], Awaitable[None]],
    *,
    channel: type[WebhookChannel] = WebhookChannel,
    on_wait: Callable[[Path], None] = lambda _path: None,
) -> None:
    path = tmp_path / "store.db"

    async def whole() -> None:
        async def sleep(_seconds: float) -> None:
            on_wait(path)

        store = AsyncStore(lambda: SqliteStore(path, "deliverer", synchronous="normal", busy_ms=BUSY_MS, linger_ms=60_000))
        await store.open()
        await store.run(lambda opened: opened.alive(NOW + 10_000))
        gateway = Gateway(path, store, customer, channel, sleep)
        await story(gateway)
        await gateway.channel.close()
        await store.close()
        assert gateway.failures == []

    asyncio.run(whole())


def test_what_is_taken_back_at_another_gateway_while_this_one_waits_to_try_again_is_not_sent_again(tmp_path: Path) -> None:
    async def story(gateway: Gateway) -> None:
        assert await gateway.deliver(push("1", "ada", SHOP)) == ["RETRYING", "CANCELLED"]

    with Customer() as customer:
        customer.replies = [(503, {})]
        run(tmp_path, customer, story, on_wait=take_back)
    assert customer.ids == ["1"]


def test_a_push_that_was_taken_back_at_another_gateway_while_it_was_sent_has_that_last_word_alone(tmp_path: Path) -> None:
    async def story(gateway: Gateway) -> None:
        gateway.channel.meanwhile = lambda: take_back(gateway.path)  # type: ignore[attr-defined]
        assert await gateway.deliver(push("1", "ada", SHOP)) == ["CANCELLED"]
        settled = await gateway.store.run(lambda store: store.settled("1"))
        assert settled is not None
        assert settled.feedback_id == gateway.told[0].feedback_id  # the owner's word once more: the job drops it

    with Customer() as customer:
        run(tmp_path, customer, story, channel=TakenBackMeanwhile)
    assert customer.ids == ["1"]  # it was on its way


def test_a_push_that_was_taken_back_at_another_gateway_after_it_was_claimed_is_not_put_into_the_stream(tmp_path: Path) -> None:
    async def story(gateway: Gateway) -> None:
        shown = await gateway.connect("ada")
        claim = await gateway.store.run(lambda store: store.claim("1", "ada", "pushes/0/1", NOW, NOW + DAY_MS))
        take_back(gateway.path)

        await gateway.delivering.deliver(pending(push("1")), claim)

        assert gateway.outcomes == ["CANCELLED"]
        assert shown == [Withdrawn("1")]  # which takes off no screen what none shows
        assert await gateway.store.run(lambda store: store.after("ada", "pad", None, NOW)) == []

    with Customer() as customer:
        run(tmp_path, customer, story)


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    chosen: Stores = SqliteFile(tmp_path / "store.db") if request.param == "sqlite" else request.getfixturevalue("schema")
    return chosen


@pytest.mark.parametrize("first", ["ACCEPTED", "CANCELLED"])
def test_the_store_knows_the_word_that_stands(stores: Stores, first: str) -> None:
    words = {"ACCEPTED": feedback_pb2.OUTCOME_ACCEPTED, "CANCELLED": feedback_pb2.OUTCOME_CANCELLED}
    with closing(stores.open("one")) as store:
        assert store.settled("1") is None
        store.claim("1", "ada", "pushes/0/1", NOW, NOW + DAY_MS)
        assert store.settled("1") is None
        for word in sorted(words, key=lambda each: each != first):
            store.settle(Report("ada", "1", words[word], NOW))
        settled = store.settled("1")
        assert settled is not None
        assert settled.outcome == words[first]
        store.forget_user("ada")
        assert store.settled("1") is None  # it has a last word, and nobody knows it any more
