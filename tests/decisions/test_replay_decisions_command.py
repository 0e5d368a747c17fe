"""``kairos replay-decisions`` as its user runs it, on files and on topics."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from typer.testing import CliRunner, Result

from kairos.cli.app import build
from kairos.contract.clients import open_producer
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka
from kairos.v1.decision_pb2 import Decision
from kairos.v1.knowledge_pb2 import Knowledge
from tests.codec.messages import policy_record
from tests.decisions.logs import decisions_of_the_world, sent_in_the_world
from tests.experiments.records import feedback

CONFIG = "policy: {log: {suppressed_share: 1, replayable_share: 1}}"
STRICT = "send: {min_score: 5}"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(build(), ["replay-decisions", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def some() -> list[Decision]:
    """The pushes, some of the others, and one without inputs."""
    without = Decision()
    without.CopyFrom(decisions_of_the_world()[0])
    without.ClearField("inputs")
    without.decision_id = "without"
    return [*sent_in_the_world()[:30], *(each for each in decisions_of_the_world()[::20] if not each.item_ids), without]


def written(path: Path, messages: Iterable[Message]) -> Path:
    path.write_text("".join(json_format.MessageToJson(message, indent=None) + "\n" for message in messages), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[object, ...]:
    config = tmp_path / "kairos.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    return "--config", config, "--decisions", written(tmp_path / "decisions.jsonl", some())


def test_a_log_that_comes_out_the_same_is_told_so(files: tuple[object, ...]) -> None:
    result = run(*files)
    assert result.exit_code == 0
    assert f"equal           {len(some()) - 1}" in result.stdout
    assert "not replayable  1" in result.stdout
    assert "it has no inputs" in result.stdout
    assert "bit for bit" in result.stderr


def test_one_that_does_not_is_named_with_its_field_and_the_exit_code_is_1(files: tuple[object, ...], tmp_path: Path) -> None:
    other = Decision()
    other.CopyFrom(sent_in_the_world()[0])
    other.candidates[0].score += 2**-30
    log = written(tmp_path / "other.jsonl", [*sent_in_the_world()[1:4], other])
    result = run("--config", files[1], "--decisions", log)
    assert result.exit_code == 1
    assert "first in candidates[0].score" in result.stdout
    assert other.user_id in result.stdout
    told = json.loads(run("--config", files[1], "--decisions", log, "--json").stdout)
    assert (told["compared"], told["equal"], told["differing"]) == (4, 3, 1)
    assert told["first_differing_field"] == {"candidates[0].score": 1}
    assert told["examples"][0]["first"]["logged"] == repr(other.candidates[0].score)


def test_only_what_is_asked_for_is_taken_again(files: tuple[object, ...]) -> None:
    chosen = sent_in_the_world()[5]
    told = json.loads(run(*files, "--user", chosen.user_id, "--json").stdout)
    assert told["compared"] == sum(each.user_id == chosen.user_id and each.HasField("inputs") for each in some())
    assert json.loads(run(*files, "--since", "2100-01-01", "--json").stdout)["compared"] == 0


def test_under_another_policy_it_tells_what_would_have_changed(files: tuple[object, ...], tmp_path: Path) -> None:
    policy, rows = tmp_path / "strict.yaml", tmp_path / "rows.jsonl"
    policy.write_text(STRICT, encoding="utf-8")
    told = json.loads(run(*files, "--policy", policy, "--write", rows, "--json").stdout)
    assert (told["logged"]["sent"], told["target"].get("sent", 0)) == (30, 0)
    assert told["target"]["suppressed: below_threshold"] >= 30
    assert told["expected_conversions"]["logged"] > 0.0 == told["expected_conversions"]["target"]
    assert told["not_replayable"] == {"it has no inputs": 1}
    lines = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == told["decisions"]
    assert {line["target_propensity"] for line in lines if line["item_id"]} == {0.0}
    shown = run(*files, "--policy", policy)
    assert shown.exit_code == 0
    assert "suppressed: below_threshold" in shown.stdout
    assert "0 pushes would have been sent by both" in shown.stdout


def test_what_became_of_pushes_makes_it_an_estimate(files: tuple[object, ...], tmp_path: Path) -> None:
    """Every fifth push converted. The policy itself would have brought just that; one that sends nothing brings nothing."""
    same, strict = tmp_path / "same.yaml", tmp_path / "strict.yaml"
    same.write_text("{}", encoding="utf-8")
    strict.write_text(STRICT, encoding="utf-8")
    sent = [each for each in some() if each.item_ids]
    told = [feedback(each.user_id, "CONVERTED", each.command_id, each.decided_at_ms + 1) for each in sent[::5]]
    told += [feedback(each.user_id, "OPENED", each.command_id, each.decided_at_ms + 1) for each in sent]
    outcomes = ("--feedback", written(tmp_path / "feedback.jsonl", told))
    assert json.loads(run(*files, "--policy", same, "--json").stdout)["estimates"] is None
    estimates = json.loads(run(*files, "--policy", same, *outcomes, "--json").stdout)["estimates"]
    rate = len(sent[::5]) / (len(some()) - 1)
    assert estimates["logged"]["value"] == pytest.approx(rate)
    assert [estimates[name]["mean"]["value"] for name in ("ips", "snips")] == pytest.approx([rate, rate])
    assert (estimates["mean_weight"]["value"], estimates["decisions"]) == (1.0, len(some()) - 1)
    assert json.loads(run(*files, "--policy", strict, *outcomes, "--json").stdout)["estimates"]["ips"]["mean"]["value"] == 0.0
    shown = run(*files, "--policy", same, *outcomes).stdout
    assert "SNIPS" in shown
    assert "mean weight 1.000" in shown


def test_the_releases_that_decisions_name_may_come_from_a_file(files: tuple[object, ...], tmp_path: Path) -> None:
    named = []
    for decision in sent_in_the_world()[:3]:
        copy = Decision()
        copy.CopyFrom(decision)
        copy.policy_version = "2"
        named.append(copy)
    log = ("--config", files[1], "--decisions", written(tmp_path / "named.jsonl", named))
    assert json.loads(run(*log, "--json").stdout)["not_replayable"] == {"its policy is not known: default version 2": 3}
    releases = written(tmp_path / "releases.jsonl", [Knowledge.FromString(policy_record("{}", version="2"))])
    assert json.loads(run(*log, "--policies", releases, "--json").stdout)["equal"] == 3


def test_mistakes_are_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="--write and --feedback go with --policy"):
        run("--write", tmp_path / "rows.jsonl")
    with pytest.raises(KairosError, match="--feedback goes with --decisions"):
        run("--feedback", tmp_path / "feedback.jsonl", "--policy", tmp_path / "any.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("send: {min_scare: 1}", encoding="utf-8")
    with pytest.raises(KairosError, match="min_scare"):
        run("--policy", bad, "-b", "localhost:1")


@pytest.mark.kafka
def test_the_topics_of_a_job_are_read_with_every_release_that_is_still_there(
    kafka: EmbeddedKafka, topic_prefix: str, files: tuple[object, ...], tmp_path: Path
) -> None:
    ensure_topics(
        kafka.bootstrap_servers, topic_prefix, partitions=2, topics=[TOPICS[name] for name in ("decisions", "knowledge", "feedback")]
    )
    log = []
    for number, decision in enumerate(some()):
        copy = Decision()
        copy.CopyFrom(decision)
        copy.policy_version = str(2 + number % 2)
        log.append(copy)
    with open_producer(kafka.bootstrap_servers) as producer:
        for version in ("2", "3"):
            release = policy_record("{}", version=version, made_at_ms=int(version))
            producer.send(f"{topic_prefix}knowledge", key=b"policy/default", value=release)
        producer.send(f"{topic_prefix}knowledge", key=b"item/x", value=b"\xff")
        producer.send(f"{topic_prefix}decisions", key=b"x", value=b"\xff")
        for decision in log:
            producer.send(f"{topic_prefix}decisions", key=decision.user_id.encode(), value=decision.SerializeToString())
            if decision.item_ids:
                told_of = feedback(decision.user_id, "CONVERTED", decision.command_id, decision.decided_at_ms + 1)
                producer.send(f"{topic_prefix}feedback", key=decision.user_id.encode(), value=told_of.SerializeToString())
        producer.flush()
    result = run("--config", files[1], "-b", kafka.bootstrap_servers, "--prefix", topic_prefix, "--json")
    told = json.loads(result.stdout)
    assert (told["equal"], told["differing"], told["not_replayable"]) == (len(log) - 1, 0, {"it has no inputs": 1})
    same = tmp_path / "same.yaml"
    same.write_text("{}", encoding="utf-8")
    told = json.loads(run("--config", files[1], "-b", kafka.bootstrap_servers, "--prefix", topic_prefix, "--policy", same, "--json").stdout)
    assert told["estimates"]["ips"]["mean"]["value"] == pytest.approx(30 / (len(log) - 1))
