"""``kairos policy`` as its user runs it: a mistake is told by its key, and what is published is what a job would follow."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flink_job.codec.knowledge import PolicyDecoder, PolicyRelease
from flink_job.config import load_config, policy_over
from kairos.cli.app import build
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka
from kairos.policy.difference import Difference, differences, value_in_words
from tests.e2e.support.topics import TopicReader

RULES = load_config(None, {}).policy
DAY_MS = 86_400_000


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(build(), ["policy", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def calm(tmp_path: Path) -> Path:
    return written(tmp_path, "gates: {min_gap_ms: 28800000}\ntriggers: {view: null}\n")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "calm.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_passes_the_check(calm: Path) -> None:
    result = run("check", calm)
    assert result.exit_code == 0
    assert "it changes 2 settings" in result.stderr
    assert json.loads(run("check", calm, "--json").stdout) == {"valid": True, "problems": []}


def test_every_mistake_is_told_by_its_key_and_the_exit_code_is_1(tmp_path: Path) -> None:
    path = written(tmp_path, "gates: {min_gap: 1}\nsend: {min_scor: 1}\n")
    result = run("check", path)
    assert result.exit_code == 1
    assert "gates.min_gap: there is no such key; did you mean gates.min_gap_ms?" in result.stdout
    assert "send.min_scor: there is no such key" in result.stdout
    assert len(json.loads(run("check", path, "--json").stdout)["problems"]) == 2


def test_a_file_with_a_mistake_is_neither_compared_nor_published(tmp_path: Path) -> None:
    path = written(tmp_path, "gates: {min_gap_ms: -1}")
    for command in (("diff", "--configured"), ("publish",)):
        with pytest.raises(KairosError, match="gates: min_gap_ms: must not be negative") as refused:
            run(command[0], path, *command[1:])
        assert refused.value.exit_code == 2


def test_a_policy_of_another_job_is_a_mistake(tmp_path: Path) -> None:
    assert "policy_id: is news" in run("check", written(tmp_path, "policy_id: news")).stdout
    (tmp_path / "job.yaml").write_text("policy: {policy_id: news}")
    assert run("check", written(tmp_path, "policy_id: news"), "--config", tmp_path / "job.yaml").exit_code == 0


def test_what_no_arm_may_say_is_a_mistake_in_an_arm_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "memory: {recent_items: 5}")
    assert run("check", path).exit_code == 0
    assert "memory.recent_items: must be the same for all users" in run("check", path, "--arm", "timing/early").stdout


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KairosError, match=r"none\.yaml cannot be read: No such file"):
        run("check", tmp_path / "none.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in run("check", tmp_path / "binary").stdout


def test_the_difference_to_the_configured_policy_needs_no_broker(calm: Path) -> None:
    told = run("diff", calm, "--configured")
    assert "default version 1, as configured" in told.stdout
    assert "14400000 (4h)" in told.stdout
    assert "28800000 (8h)" in told.stdout
    assert json.loads(run("diff", calm, "--configured", "--json").stdout)["changes"] == [
        {"setting": "triggers.view", "before": 0, "after": None},
        {"setting": "gates.min_gap_ms", "before": 14_400_000, "after": 28_800_000},
    ]


def test_no_difference_is_said(tmp_path: Path) -> None:
    assert "It changes nothing." in run("diff", written(tmp_path, "{}"), "--configured").stdout


def test_differences_name_settings_that_are_only_on_one_side() -> None:
    other = policy_over(RULES, {"triggers": {"view": None, "purchase": 7}})
    assert differences(RULES, other) == [Difference("triggers.view", 0, None), Difference("triggers.purchase", None, 7)]
    assert differences(RULES, RULES) == []


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("gates.min_gap_ms", 90_000, "90000 (90s)"),
        ("gates.min_gap_ms", 0, "0"),
        ("triggers.cart", 1_800_000, "1800000 (30m)"),
        ("send.min_score", 0.35, "0.35"),
        ("gates.caps", ({"count": 3, "window_ms": DAY_MS},), "count 3, window_ms 86400000 (1d)"),
        ("gates.caps", (), "none"),
        ("triggers.view", None, "–"),
    ],
)
def test_values_are_said_as_people_read_them(setting: str, value: Any, words: str) -> None:
    assert value_in_words(setting, value) == words


@pytest.mark.parametrize(
    ("arguments", "said"), [(("-0.5",), "cannot cost"), (("nan",), "cannot cost"), (("--for", "6h"), "there is no price")]
)
def test_a_price_that_cannot_be_is_refused_before_brokers_are_asked(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(KairosError, match=said) as refused:
        run("price", *(("--", *arguments) if arguments[0] == "-0.5" else arguments))
    assert refused.value.exit_code == 2


@pytest.mark.kafka
class TestOnATopic:
    @pytest.fixture
    def there(self, kafka: EmbeddedKafka, topic_prefix: str) -> tuple[str, ...]:
        ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=3, topics=[TOPICS["knowledge"]])
        return ("-b", kafka.bootstrap_servers, "--prefix", topic_prefix)

    def releases(self, there: tuple[str, ...]) -> list[PolicyRelease | None]:
        """All records, as the job decodes them, in the order in which they were written: partitions are read in any."""
        with TopicReader(there[1], f"{there[3]}knowledge") as reader:
            reader.read_to_end()
            decoder = PolicyDecoder(1 << 20, 128)
            found: list[PolicyRelease | None] = []
            for record in sorted(reader.records, key=lambda record: record.timestamp_ms):
                change = decoder.decode((record.key or b"").decode(), record.value, 0, 1 << 60)
                found.append(change if isinstance(change, PolicyRelease) else None)
            return found

    def test_what_is_published_is_a_release_that_a_job_would_follow(self, there: tuple[str, ...], calm: Path) -> None:
        told = json.loads(run("publish", calm, *there, "--version", "calm-1", "-m", "people asked for it", "--json").stdout)
        (release,) = self.releases(there)
        assert release is not None
        assert (release.policy_id, release.version, release.comment) == ("default", "calm-1", "people asked for it")
        assert (release.document, release.effective_at_ms) == (calm.read_text(), 0)
        assert release.made_at_ms == told["made_at_ms"]
        assert told["before"] == {"policy_id": "default", "version": "1", "released": False}

    def test_the_next_one_is_compared_with_the_one_in_force_and_is_newer(self, there: tuple[str, ...], calm: Path, tmp_path: Path) -> None:
        run("publish", calm, *there, "--version", "calm-1")
        path = written(tmp_path, "gates: {min_gap_ms: 28800000}\n")
        assert "default version calm-1, released" in run("diff", path, *there).stdout
        told = json.loads(run("publish", path, *there, "--version", "calm-2", "--json").stdout)
        assert told["changes"] == [{"setting": "triggers.view", "before": None, "after": 0}]
        first, second = self.releases(there)
        assert first is not None
        assert second is not None
        assert first.made_at_ms < second.made_at_ms

    def test_a_version_names_one_document(self, there: tuple[str, ...], calm: Path, tmp_path: Path) -> None:
        run("publish", calm, *there, "--version", "1a")
        with pytest.raises(KairosError, match="Version 1a was released with another document"):
            run("publish", written(tmp_path, "{}"), *there, "--version", "1a")
        with pytest.raises(KairosError, match="The document says version 2, but --version 3"):
            run("publish", written(tmp_path, "version: '2'"), *there, "--version", "3")

    def test_without_a_version_it_is_the_documents_or_the_moment(self, there: tuple[str, ...], calm: Path, tmp_path: Path) -> None:
        assert json.loads(run("publish", calm, *there, "--json").stdout)["version"].endswith("Z")
        assert json.loads(run("publish", written(tmp_path, "version: '7'"), *there, "--json").stdout)["version"] == "7"

    def test_one_for_later_leaves_what_is_in_force_as_it_is_until_then(self, there: tuple[str, ...], calm: Path, tmp_path: Path) -> None:
        run("publish", calm, *there, "--version", "now")
        told = run("publish", written(tmp_path, "{}"), *there, "--version", "later", "--effective-at", "2100-01-01")
        assert "in force from 2100-01-01T00:00:00Z on" in told.stderr
        assert "Version now is followed until then" in told.stderr
        assert "default version now" in run("diff", calm, *there).stdout

    def test_a_dry_run_writes_nothing(self, there: tuple[str, ...], calm: Path) -> None:
        assert "nowhere: --dry-run" in run("publish", calm, *there, "--dry-run").stderr
        assert self.releases(there) == []

    def test_what_is_withdrawn_is_no_longer_in_force(self, there: tuple[str, ...], calm: Path) -> None:
        run("publish", calm, *there)
        run("withdraw", *there)
        assert self.releases(there)[-1] is None
        assert "as configured" in run("diff", calm, *there).stdout

    def test_an_arm_is_released_over_the_policy_in_force(self, there: tuple[str, ...], calm: Path, tmp_path: Path) -> None:
        with pytest.raises(KairosError, match="No layer of the policy names the arm timing/early") as refused:
            run("publish", calm, *there, "--arm", "timing/early")
        assert refused.value.exit_code == 2
        layers = "experiments: {timing: {salt: timing-1, arms: {control: 0.5, early: 0.5}}}\nsend: {min_score: 0.5}\n"
        run("publish", written(tmp_path, layers), *there, "--version", "7")
        told = json.loads(run("publish", written(tmp_path, "send: {min_score: 0.2}"), *there, "--arm", "timing/early", "--json").stdout)
        assert told["changes"] == [{"setting": "send.min_score", "before": 0.5, "after": 0.2}]
        assert self.releases(there)[-1] == PolicyRelease(
            "default", told["version"], "send: {min_score: 0.2}", told["made_at_ms"], 0, "timing/early"
        )
        again = json.loads(run("diff", written(tmp_path, "send: {min_score: 0.3}"), *there, "--arm", "timing/early", "--json").stdout)
        assert again["changes"] == [{"setting": "send.min_score", "before": 0.2, "after": 0.3}]

    def test_an_arm_that_does_not_fit_is_not_published_and_one_that_no_longer_does_is_warned_of(
        self, there: tuple[str, ...], tmp_path: Path
    ) -> None:
        layers = "experiments: {timing: {salt: timing-1, arms: {control: 0.5, early: 0.5}}}\n"
        run("publish", written(tmp_path, layers), *there)
        with pytest.raises(KairosError, match="must be the same for all users"):
            run("publish", written(tmp_path, "memory: {recent_items: 5}"), *there, "--arm", "timing/early")
        with pytest.raises(KairosError, match="100 pushes cannot be counted"):
            run("publish", written(tmp_path, "gates: {caps: [{count: 100, window_ms: 1}]}"), *there, "--arm", "timing/early")
        run("publish", written(tmp_path, "gates: {caps: [{count: 60, window_ms: 1209600000}]}"), *there, "--arm", "timing/early")
        told = run("publish", written(tmp_path, layers + "items: {repeat_after_ms: 0}\nmemory: {sent_pushes: 20}"), *there)
        assert "policy/default/timing/early is no longer followed" in told.stderr

    def test_a_topic_that_is_not_there_is_said(self, kafka: EmbeddedKafka, calm: Path) -> None:
        with pytest.raises(KairosError, match="There is no topic nowhere\\.knowledge"):
            run("diff", calm, "-b", kafka.bootstrap_servers, "--prefix", "nowhere.")

    def test_a_price_is_told_shown_and_taken_back(self, there: tuple[str, ...]) -> None:
        assert "A push costs 0." in run("price", *there).stdout
        told = json.loads(run("price", "0.002", *there, "--for", "6h", "--json").stdout)
        assert (told["before"], told["price"], told["valid_until_ms"] - told["made_at_ms"]) == (0.0, 0.002, 6 * 3_600_000)
        assert json.loads(run("price", *there, "--json").stdout) == {"price": 0.002, "valid_until_ms": told["valid_until_ms"]}
        again = json.loads(run("price", "0", *there, "--json").stdout)
        assert (again["before"], again["price"], again["valid_until_ms"]) == (0.002, 0.0, 0)
        assert again["made_at_ms"] > told["made_at_ms"]
        assert "A push costs 0." in run("price", *there).stdout
