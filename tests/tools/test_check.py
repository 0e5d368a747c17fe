"""``kairos check`` as a user runs it, against a real broker."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from kairos.cli.app import build
from kairos.contract.clients import open_producer
from kairos.contract.topics import ensure_topics
from kairos.local.kafka import EmbeddedKafka
from kairos.local.ports import free_port
from kairos.v1.interaction_pb2 import Interaction
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import Signal

pytestmark = pytest.mark.kafka


@pytest.fixture
def config(tmp_path: Path, kafka: EmbeddedKafka, topic_prefix: str) -> Path:
    return write(tmp_path, {"kafka": {"bootstrap_servers": kafka.bootstrap_servers, "topic_prefix": topic_prefix}})


def write(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "kairos.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def run(config: Path) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit code, and findings by what they are about (the last, where there are several)."""
    result = CliRunner().invoke(build(), ["check", str(config), "--json"])
    assert result.stdout, result.exception
    document = json.loads(result.stdout)
    assert document["fit"] == (result.exit_code == 0)
    return result.exit_code, {finding["what"]: finding for finding in document["findings"]}


def send(kafka: EmbeddedKafka, topic: str, key: bytes | None, value: bytes | None) -> None:
    with open_producer(kafka.bootstrap_servers) as producer:
        producer.send(topic, key=key, value=value).get(timeout=20)


def test_a_set_up_as_documented_is_fit(kafka: EmbeddedKafka, config: Path, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix)
    view = Signal(interaction=Interaction(event_id="e", user_id="ada"))
    send(kafka, f"{topic_prefix}interactions", b"ada", view.SerializeToString())
    send(kafka, f"{topic_prefix}items", b"mug", Item(item_id="mug", features=bytes(4 * 64)).SerializeToString())
    send(kafka, f"{topic_prefix}items", b"cup", None)
    code, findings = run(config)
    assert code == 0
    assert {finding["level"] for finding in findings.values()} == {"ok", "skip"}
    assert findings[f"newest records of {topic_prefix}interactions"]["level"] == "ok"
    assert findings[f"newest records of {topic_prefix}items"]["detail"].startswith("2 read")
    assert findings[f"newest records of {topic_prefix}feedback"]["level"] == "skip"
    for machine in ("Python", "libpython (thread mode)", "PyFlink", "Java", "job.connectors", "Kafka connector"):
        assert findings[machine]["level"] == "ok"


def test_topics_that_are_missing_fail_one_by_one(config: Path, topic_prefix: str) -> None:
    code, findings = run(config)
    assert code == 1
    assert findings[f"topic {topic_prefix}pushes"]["level"] == "fail"
    assert findings["newest records"]["level"] == "skip"


def test_records_of_another_kind_in_the_topic_fail(kafka: EmbeddedKafka, config: Path, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1)
    for number in range(3):
        send(kafka, f"{topic_prefix}interactions", b"ada", f'{{"page": {number}}}'.encode())
    code, findings = run(config)
    finding = findings[f"newest records of {topic_prefix}interactions"]
    assert (code, finding["level"]) == (1, "fail")
    assert "3 of 3 would be dead letters (partition 0, offset 0: no kairos.v1.Signal" in finding["detail"]


def test_items_with_features_of_another_length_fail_and_a_few_bad_ones_among_good_only_warn(
    kafka: EmbeddedKafka, config: Path, topic_prefix: str
) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1)
    items = f"{topic_prefix}items"
    send(kafka, items, b"a", Item(item_id="a", features=bytes(4 * 32)).SerializeToString())
    code, findings = run(config)
    assert code == 1
    assert "32 features, but catalogue.feature_dim is 64" in findings[f"newest records of {items}"]["detail"]
    send(kafka, items, b"b", Item(item_id="b", features=bytes(4 * 64)).SerializeToString())
    code, findings = run(config)
    assert (code, findings[f"newest records of {items}"]["level"]) == (0, "warn")


def test_a_transaction_timeout_beyond_the_brokers_fails(tmp_path: Path, kafka: EmbeddedKafka, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1)
    document = {
        "kafka": {"bootstrap_servers": kafka.bootstrap_servers, "topic_prefix": topic_prefix},
        "job": {"delivery": "exactly-once", "transaction_timeout_ms": 1_800_000},
    }
    code, findings = run(write(tmp_path, document))
    assert code == 1
    assert "900000" in findings["transaction.max.timeout.ms"]["detail"]


def test_every_wrong_key_of_a_configuration_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, {"kafka": {"bootstrap_server": "x"}, "job": {"paralelism": 2}})
    result = CliRunner().invoke(build(), ["check", str(path), "--json"])
    assert result.exit_code == 1
    failed = [finding["detail"] for finding in json.loads(result.stdout)["findings"] if finding["level"] == "fail"]
    parallelism, servers = sorted(failed)
    assert parallelism.startswith("job.paralelism:")
    assert servers.startswith("kafka.bootstrap_server:")
    assert "did you mean kafka.bootstrap_servers" in servers


def test_without_a_broker_the_rest_is_still_told(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    code, findings = run(write(tmp_path, {"kafka": {"bootstrap_servers": address}}))
    assert code == 1
    assert findings[f"broker {address}"]["level"] == "fail"
    assert findings["Java"]["level"] == "ok"
    assert findings["topics"]["level"] == "skip"


def test_for_people_there_is_a_table_with_what_to_do(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    result = CliRunner().invoke(build(), ["check", str(write(tmp_path, {"kafka": {"bootstrap_servers": address}}))])
    assert result.exit_code == 1
    assert "kairos kafka start" in " ".join(result.stdout.split())
    assert "1 to put right" in result.stdout
