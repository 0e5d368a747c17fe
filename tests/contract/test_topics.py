"""The file of topics: what it says is possible, and agrees with the schemas."""

import re
from pathlib import Path

import pytest

from kairos.contract.spec import TOPICS_FILE, TopicSpec, load_topics
from kairos.contract.topics import TOPICS
from kairos.errors import KairosError
from kairos.local.paths import project_root
from kairos.v1 import (
    dead_letter_pb2,
    decision_pb2,
    feedback_pb2,
    interaction_pb2,
    item_pb2,
    knowledge_pb2,
    learning_pb2,
    push_pb2,
    signal_pb2,
)

MODULES = (dead_letter_pb2, decision_pb2, feedback_pb2, interaction_pb2, item_pb2, knowledge_pb2, learning_pb2, push_pb2, signal_pb2)
MESSAGES = {message.full_name: message for module in MODULES for message in module.DESCRIPTOR.message_types_by_name.values()}

VALID = """
topics:
  things:
    message: kairos.v1.Item
    key: item_id
    partitions: 4
    cleanup_policy: delete
    retention_days: 7
    max_record_bytes: 1048588
    why: because
"""


def test_every_topic_carries_a_message_of_the_schemas() -> None:
    assert {spec.message for spec in TOPICS.values()} <= MESSAGES.keys()


def test_every_key_is_a_field_of_its_message_or_of_all_that_the_envelope_may_carry() -> None:
    for spec in (spec for spec in TOPICS.values() if spec.key):
        message = MESSAGES[spec.message]
        envelope = message.oneofs_by_name.get("body")
        bodies = [field.message_type for field in envelope.fields] if envelope else [message]
        assert all(spec.key in body.fields_by_name for body in bodies), spec.short_name


def test_topics_and_keys_are_those_the_schemas_comments_promise() -> None:
    promised: dict[str, str] = {}
    for schema in (project_root() / "proto" / "kairos" / "v1").glob("*.proto"):
        for names, key in re.findall(r"^// Topics?: ([^.]+)\. Key: ([^.]+)\.", schema.read_text(encoding="utf-8"), re.MULTILINE):
            for name in re.sub(r"\s*\(.*?\)", "", names).split(", "):
                assert promised.setdefault(name, key) == key
    assert promised == {name: spec.key_words for name, spec in TOPICS.items()}


def test_everybody_who_writes_or_reads_a_topic_is_named_and_why_it_is_there() -> None:
    assert all(spec.written_by and spec.read_by and spec.why for spec in TOPICS.values())


def test_compacted_topics_keep_their_records_and_the_others_do_not() -> None:
    assert "retention.ms" not in TOPICS["items"].settings
    assert TOPICS["items"].settings["delete.retention.ms"] == str(7 * 24 * 3_600_000)
    assert TOPICS["pushes"].settings["retention.ms"] == str(3 * 24 * 3_600_000)


def test_the_loader_reads_what_is_written(tmp_path: Path) -> None:
    spec = _load(tmp_path, VALID)["things"]
    assert (spec.name("x."), spec.partitions, spec.settings["retention.ms"]) == ("x.things", 4, "604800000")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (VALID.replace("partitions: 4", "partitions: 0"), "topics.things.partitions"),
        (VALID.replace("delete", "shred"), "topics.things.cleanup_policy"),
        (VALID.replace("retention_days: 7", "retention: 7"), "topics.things.retention"),
        (VALID.replace("delete", "compact"), "topics.things.tombstone_days"),
        (VALID.replace("1048588", "65536"), "topics.things.max_record_bytes"),
        (VALID.replace("key: item_id", "key: ''"), "topics.things.key"),
        (VALID.replace("    partitions: 4\n", ""), "partitions"),
    ],
)
def test_a_wrong_entry_is_an_error_that_names_topic_and_field(tmp_path: Path, wrong: str, named: str) -> None:
    with pytest.raises(KairosError, match=re.escape(named)):
        _load(tmp_path, wrong)


def test_the_file_lies_where_the_loader_looks() -> None:
    assert TOPICS_FILE.is_file()


def _load(folder: Path, text: str) -> dict[str, TopicSpec]:
    path = folder / "topics.yaml"
    path.write_text(text, encoding="utf-8")
    return load_topics(path)
