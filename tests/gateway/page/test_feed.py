"""What is read for the page: a thread that breaks is not ready, and reads again."""

import asyncio
from typing import Any

import pytest
from confluent_kafka import TopicPartition

import gateway.page.feed
from gateway.page.feed import TOPICS as NAMES
from gateway.page.feed import Feed, Records
from kairos.contract.clients import open_producer
from kairos.contract.connection import Connection
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.local.kafka import EmbeddedKafka

pytestmark = pytest.mark.kafka
DEADLINE_S = 40


def test_a_feed_that_breaks_says_so_and_begins_anew(kafka: EmbeddedKafka, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, topics=[TOPICS[name] for name in NAMES])
    with open_producer(kafka.bootstrap_servers) as producer:
        producer.send(f"{topic_prefix}items", key=b"mug", value=b"1").get(timeout=20)
    monkeypatch.setattr(gateway.page.feed, "_AGAIN_S", 0.01)
    whole = Feed._places
    obstacles: list[str] = []

    def breaks_once(feed: Feed, consumer: Any) -> list[TopicPartition]:
        obstacles.append(feed.obstacle)
        if len(obstacles) == 1:
            raise ZeroDivisionError
        return whole(feed, consumer)

    monkeypatch.setattr(Feed, "_places", breaks_once)

    async def work() -> Records:
        read: asyncio.Future[Records] = asyncio.get_running_loop().create_future()
        feed = Feed(Connection(kafka.bootstrap_servers, topic_prefix, {}), 60_000, read.set_result)
        feed.start()
        records = await asyncio.wait_for(read, DEADLINE_S)
        await feed.stop()
        return records

    assert [record[:3] for record in asyncio.run(work())] == [("items", b"mug", b"1")]
    assert obstacles[:2] == ["has not asked the brokers yet", "what is in Kafka cannot be read (ZeroDivisionError)"]
