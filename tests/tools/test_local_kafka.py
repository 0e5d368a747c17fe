"""The embedded broker is a real one: it keeps records, has transactions, and comes back after a crash."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from kairos.errors import KairosError
from kairos.local import ports
from kairos.local.kafka import EmbeddedKafka

pytestmark = pytest.mark.kafka

KAIROS = Path(sys.executable).with_name("kairos")


def create_topic(broker: EmbeddedKafka, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    admin.close()


def produce(broker: EmbeddedKafka, topic: str, *values: bytes, transaction: str | None = None) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, transactional_id=transaction)
    if transaction is not None:
        producer.init_transactions()
        producer.begin_transaction()
    for value in values:
        producer.send(topic, value)
    if transaction is not None:
        producer.commit_transaction()
    producer.close()


def consume(broker: EmbeddedKafka, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap_servers,
        group_id="readers",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        consumer_timeout_ms=20_000,
    )
    values: list[bytes] = []
    for message in consumer:
        values.append(message.value)
        if len(values) == count:
            break
    consumer.close()
    return values


def test_a_consumer_group_reads_what_a_transaction_wrote(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    topic = f"{topic_prefix}letters"
    create_topic(kafka, topic)
    produce(kafka, topic, b"a", b"b", transaction=f"{topic_prefix}writer")
    assert consume(kafka, topic, 2) == [b"a", b"b"]


def test_a_broker_with_a_data_folder_has_its_records_after_a_crash_and_a_restart(tmp_path: Path) -> None:
    # A broker that died is taken back once its old session has expired, by default after 9 s.
    quick = {"broker.session.timeout.ms": "1500", "broker.heartbeat.interval.ms": "300"}
    broker = EmbeddedKafka(data_dir=tmp_path / "kafka", properties=quick)
    try:
        broker.start()
        create_topic(broker, "letters")
        produce(broker, "letters", b"kept")
        broker.kill()
        broker.start()
        assert consume(broker, "letters", 1) == [b"kept"]
    finally:
        broker.stop()
    assert "broker.session.timeout.ms=1500\n" in (tmp_path / "kafka" / "server.properties").read_text()
    assert (tmp_path / "kafka" / "data").is_dir()


def test_a_taken_port_is_named_before_anything_is_started(kafka: EmbeddedKafka) -> None:
    with pytest.raises(KairosError, match=f"Port {kafka.port}, needed for the Kafka broker, is taken by process {kafka.pid}"):
        EmbeddedKafka(port=kafka.port).start()


def test_a_broker_that_does_not_start_shows_its_log_and_leaves_nothing(tmp_path: Path) -> None:
    broker = EmbeddedKafka(data_dir=tmp_path, properties={"log.retention.hours": "soon"})
    with pytest.raises(KairosError, match=r"log\.retention\.hours"):
        broker.start()
    assert not ports.is_listening(broker.port)


def test_the_command_line_starts_finds_and_stops_a_broker_in_the_background(tmp_path: Path) -> None:
    environment = {**os.environ, "KAIROS_HOME": str(tmp_path), "KAIROS_KAFKA_PORT": str(ports.free_port())}

    def kairos(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([KAIROS, "kafka", *arguments], capture_output=True, text=True, check=False, env=environment)

    assert kairos("start").returncode == 0
    try:
        status = json.loads(kairos("status", "--json").stdout)
        assert status["running"] is True
        assert "kafka.Kafka" in psutil.Process(status["pid"]).cmdline()
        assert "runs already" in kairos("start").stderr
        assert KafkaAdminClient(bootstrap_servers=status["bootstrap_servers"]).list_topics() == []
    finally:
        assert kairos("stop").returncode == 0
    assert not psutil.pid_exists(status["pid"])
    assert kairos("status").returncode == 1
