"""``kairos gateway``: everything put together, from start to graceful end."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import structlog
import uvicorn

from gateway.common.allowances import Allowances
from gateway.common.kafka import producer_options
from gateway.common.listening import listening_socket
from gateway.common.logs import configure_logging
from gateway.common.producer import AcknowledgedProducer
from gateway.common.protocol import BoundedHeads
from gateway.common.pseudonyms import Pseudonyms
from gateway.common.secrets import named_secrets, read_secret
from gateway.common.settings import connection, job_config
from gateway.common.threads import hear_of_threads
from gateway.common.tokens import TokenRules, TokenVerifier
from gateway.delivery.app import build_app
from gateway.delivery.channels.open import Channels, open_channels
from gateway.delivery.devices.endpoints import DeviceEndpoints
from gateway.delivery.devices.feed import DeviceFeed
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.feedback import FeedbackWriter
from gateway.delivery.routes import CHANNELS, Plan
from gateway.delivery.sending import Sender
from gateway.delivery.settings import DeliverySettings
from gateway.delivery.source import PushSource
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.open import open_store
from gateway.delivery.stream.direct import DirectProtocol
from gateway.delivery.stream.door import Door
from gateway.delivery.stream.hub import Hub
from gateway.delivery.stream.inbox import Inbox
from gateway.delivery.stream.sse import SseStream
from gateway.delivery.stream.users import Users
from gateway.delivery.stream.websocket import WebSocketStream
from kairos.contract.connection import Connection
from kairos.errors import KairosError

_LARGEST_RECORD_BYTES = 65_536
"""Of feedback and dead letters: a dead letter holds 4 KB of what was bad."""

_WHO_LOG_ADDRESSES = ("uvicorn", "uvicorn.error", "websockets", "sse_starlette", "google", "httpx", "httpcore", "h2", "hpack")
"""They log requests and answers with all that is in them: tokens in addresses and headers, texts of pushes, and what people say."""


def clock_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


async def serve(settings: DeliverySettings, config: Path | None, bootstrap_servers: str | None = None, prefix: str | None = None) -> None:
    """Deliver until SIGTERM or SIGINT. Raises KairosError when it cannot begin, or cannot go on."""
    configure_logging(settings.log)
    for name in _WHO_LOG_ADDRESSES:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_ours)
    there = connection(job_config(settings, config), bootstrap_servers, prefix)
    await Gateway(settings, there).run()


def _is_ours(record: logging.LogRecord) -> bool:
    """A text that is none is its client's mistake, and closes its connection; uvicorn would log a trace for each."""
    return record.exc_info is None or not isinstance(record.exc_info[1], UnicodeError)


class Gateway:
    """One process of delivery."""

    def __init__(self, settings: DeliverySettings, there: Connection) -> None:
        self._settings = settings
        self._there = there
        self._log = structlog.get_logger("gateway")
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._ending = asyncio.Event()
        self._failure: BaseException | None = None
        self._kafka_problem = "has not asked the brokers yet"
        self._store_problem = ""

    async def run(self) -> None:
        """From start to graceful end."""
        hear_of_threads(self.fail)
        delivery = self._settings.delivery
        async with self._store() as store, open_channels(delivery) as channels, self._feedback() as feedback:
            hub = Hub(delivery.stream, store, feedback.tell_all, clock_ms, self.fail)
            await hub.start()
            senders = {number: Sender(channel, delivery.retry, clock_ms) for number, channel in channels.by_number.items()}
            plan = Plan(delivery.devices, [CHANNELS[name] for name in delivery.order], delivery.webhook.default_endpoint)
            source = PushSource(self._there, delivery.source, delivery.max_in_flight, self.fail)
            dispatcher = Dispatcher(delivery, plan, senders, hub, store, feedback, clock_ms, source.done, self.fail)
            feed = DeviceFeed(self._there, delivery.source.group_id, delivery.registry.max_per_user, store, self.fail)
            async with self._http(hub, store, feedback, channels), self._background(hub, store):
                source.start(dispatcher.receive)
                dispatcher.start()
                if delivery.registry.from_topic:
                    feed.start()
                await self._ending.wait()
                self._log.info("ending", under_way=dispatcher.under_way)
                source.drain()
                await dispatcher.finish(delivery.shutdown_timeout_ms / 1000)
                await source.stop()
                if delivery.registry.from_topic:
                    await feed.stop()
                hub.close()
        if self._failure is not None:
            raise KairosError(f"The gateway cannot go on: {self._failure}.", "Its log says more.") from self._failure

    def fail(self, error: BaseException) -> None:
        """What must not happen: end, so that somebody starts us again; nothing that was under way counts as done."""
        if self._failure is None:
            self._failure = error
            self._log.error("failed", error=f"{type(error).__name__}: {error}", exc_info=error)
        self._ending.set()

    @contextlib.asynccontextmanager
    async def _store(self) -> AsyncIterator[AsyncStore]:
        of = self._settings.delivery.store
        linger_ms = self._settings.delivery.stream.linger_ms
        store = AsyncStore(lambda: open_store(of, self._name, linger_ms))
        await store.open()
        await store.run(lambda opened: opened.alive(clock_ms() + of.lease_ms))
        try:
            yield store
        finally:
            timeout_s = self._settings.delivery.shutdown_timeout_ms / 1000
            try:
                async with asyncio.timeout(timeout_s):
                    await store.run(lambda opened: opened.leave(clock_ms(), linger_ms))
            except TimeoutError:
                self._log.warning("ending without the store: others find out when the lease is over")
                timeout_s = 0.0
            except Exception as error:  # noqa: BLE001 - a store that fails ends the gateway, and is what its last words are about
                self.fail(error)
            await store.close(timeout_s)

    @contextlib.asynccontextmanager
    async def _feedback(self) -> AsyncIterator[FeedbackWriter]:
        options = producer_options(self._there, "kairos-gateway", self._settings.producer, _LARGEST_RECORD_BYTES)
        self._producer = AcknowledgedProducer(options, self._settings.producer, lambda: self.fail(RuntimeError("the Kafka client gave up")))
        writer = FeedbackWriter(self._producer, self._there, self.fail)
        writer.start()
        try:
            yield writer
        finally:
            await writer.stop(self._settings.delivery.shutdown_timeout_ms / 1000)

    @contextlib.asynccontextmanager
    async def _http(self, hub: Hub, store: AsyncStore, feedback: FeedbackWriter, channels: Channels) -> AsyncIterator[None]:
        delivery, auth = self._settings.delivery, self._settings.auth
        rules = TokenRules(auth.audience, auth.max_token_lifetime_s, auth.leeway_s)
        tokens = TokenVerifier(named_secrets(auth.token_secrets), read_secret(auth.token_public_keys), rules)
        if not tokens:
            self._log.warning("no user can connect: there is no key to check their tokens with", setting="auth")
        users = Users(tokens, Pseudonyms(named_secrets(self._settings.pseudonyms.keys)))
        inbox = Inbox(hub, store, feedback.tell, clock_ms)
        door = Door(delivery, users, hub, inbox, clock_ms)
        stream = delivery.stream
        allowances = Allowances(stream.messages_per_s, stream.messages_burst, stream.max_connections)
        app = build_app(
            delivery,
            WebSocketStream(door),
            SseStream(door, allowances, self._settings.producer.reply_timeout_ms / 1000),
            DeviceEndpoints(delivery, users, allowances, store, channels.takes, clock_ms),
            channels.vapid_key,
            self._unready,
        )
        listening = listening_socket("gateway", delivery.host, delivery.port)
        server = _Server(
            uvicorn.Config(
                app,
                http=BoundedHeads,
                ws=DirectProtocol,
                lifespan="off",
                log_config=None,
                access_log=False,  # addresses hold tokens where headers cannot
                server_header=False,
                ws_max_size=delivery.body_bytes,
                ws_ping_interval=stream.heartbeat_ms / 1000,
                ws_ping_timeout=stream.heartbeat_timeout_ms / 1000,
                ws_per_message_deflate=False,  # 64 KB a connection, for texts of a few hundred bytes
                timeout_graceful_shutdown=max(1, delivery.shutdown_timeout_ms // 1000),
            )
        )
        serving = asyncio.create_task(server.serve([listening]), name="http")
        serving.add_done_callback(lambda _task: self._ending.set())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        port = listening.getsockname()[1]
        self._log.info("listening", host=delivery.host, port=port, channels=sorted(channels.names), gateway=self._name)
        try:
            yield
        finally:
            server.should_exit = True
            await serving

    @contextlib.asynccontextmanager
    async def _background(self, hub: Hub, store: AsyncStore) -> AsyncIterator[None]:
        works = (hub.watch(), self._stay_alive(store), self._sweep(hub, store), self._ask_brokers())
        tasks = [asyncio.create_task(work) for work in works]
        for task in tasks:
            task.add_done_callback(self._background_ended)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _background_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    async def _stay_alive(self, store: AsyncStore) -> None:
        """Renew the lease. A store that does not answer in half of its time is not there."""
        lease_ms = self._settings.delivery.store.lease_ms
        while True:
            renewed = asyncio.ensure_future(store.run(lambda opened: opened.alive(clock_ms() + lease_ms)))
            done, _ = await asyncio.wait((renewed,), timeout=lease_ms / 2000)
            if not done:
                self._store_problem = "the store does not answer"
            await renewed
            self._store_problem = ""
            await asyncio.sleep(lease_ms / 4000)

    async def _sweep(self, hub: Hub, store: AsyncStore) -> None:
        while True:
            await hub.expire()
            await store.run(lambda opened: opened.sweep(clock_ms()))
            await asyncio.sleep(self._settings.delivery.store.sweep_ms / 1000)

    async def _ask_brokers(self) -> None:
        topics = [self._there.topic(name) for name in ("pushes", "feedback", "dead-letters")]
        while True:
            self._kafka_problem = await self._producer.probe(topics)
            await asyncio.sleep(self._settings.producer.probe_interval_ms / 1000)

    def _unready(self) -> str:
        return "the gateway is ending" if self._ending.is_set() else self._kafka_problem or self._store_problem


class _Server(uvicorn.Server):
    """Without signal handlers of its own: the gateway first finishes what is under way."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
