"""The defaults, the user's file over them, and the environment over both."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from flink_job.config import Config, ConfigError, load_config, parse_config


def from_environment(**variables: str) -> Config:
    return load_config(None, {f"KAIROS__{name}": value for name, value in variables.items()})


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_says_only_what_differs(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "kafka:\n  bootstrap_servers: broker:9092\npolicy:\n  gates:\n    min_gap_ms: 0\n"), {})
    default = load_config(None, {})
    assert config.kafka.bootstrap_servers == "broker:9092"
    assert config.policy.gates.min_gap_ms == 0
    assert config.kafka.group_id == default.kafka.group_id
    assert config.policy.gates.caps == default.policy.gates.caps
    assert config.job == default.job


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    for text in ("", "# nothing yet\n", "---\n"):
        assert load_config(written(tmp_path, text), {}) == load_config(None, {})


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "kafka: {group_id: from-file, linger_ms: 7}\n")
    config = load_config(path, {"KAIROS__KAFKA__GROUP_ID": "from-environment"})
    assert (config.kafka.group_id, config.kafka.linger_ms) == ("from-environment", 7)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("KAFKA__BOOTSTRAP_SERVERS", "broker-1:9092,broker-2:9092", lambda c: c.kafka.bootstrap_servers),
        ("KAFKA__BOOTSTRAP_SERVERS", "[::1]:9092", lambda c: c.kafka.bootstrap_servers),
        ("JOB__CHECKPOINT_DIR", "s3://bucket/kairos", lambda c: c.job.checkpoint_dir),
        ("JOB__CHECKPOINT_DIR", "", lambda c: c.job.checkpoint_dir),
        ("KAFKA__TOPIC_PREFIX", "", lambda c: c.kafka.topic_prefix),
        ("KAFKA__GROUP_ID", "123", lambda c: c.kafka.group_id),
        ("POLICY__VERSION", "2", lambda c: c.policy.version),
        ("POLICY__VERSION", "2026-03-02", lambda c: c.policy.version),
        ("POLICY__POLICY_ID", "on", lambda c: c.policy.policy_id),
    ],
)
def test_a_text_is_taken_from_the_environment_as_it_stands(name: str, value: str, read: Any) -> None:
    """Also where YAML would see a list, nothing, a number, a day or a yes."""
    assert read(from_environment(**{name: value})) == value


def test_numbers_and_lists_are_read_from_the_environment() -> None:
    config = from_environment(
        JOB__PARALLELISM="4",
        LIMITS__DEAD_LETTER_SHARE="0.25",
        POLICY__GATES__CAPS="[{count: 2, window_ms: 1000}]",
        POLICY__ITEMS__REPEAT_AFTER_MS="0",
        POLICY__TRIGGERS__VIEW="250",
        POLICY__INTEREST__WEIGHTS="{view: 9, like: null}",
    )
    assert (config.job.parallelism, config.limits.dead_letter_share) == (4, 0.25)
    assert [(cap.count, cap.window_ms) for cap in config.policy.gates.caps] == [(2, 1000)]
    assert config.policy.triggers["view"] == 250
    assert config.policy.interest.weights["view"] == 9
    assert "like" not in config.policy.interest.weights
    assert config.policy.interest.weights["cart"] == 4


def test_other_variables_of_the_environment_are_left_alone() -> None:
    assert load_config(None, {"PATH": "/bin", "KAIROS_HOME": "/x", "KAIROSKAFKA": "y"}) == load_config(None, {})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KAIROS__KAFKA__BOOTSTRAP_SERVER", "x", "kafka.bootstrap_server: there is no such key; did you mean kafka.bootstrap_servers?"),
        ("KAIROS__JOB", "5", "job: must be a mapping, not int"),
        ("KAIROS__JOB__PARALLELISM", "[", "job.parallelism: is not YAML"),
        ("KAIROS__POLICY__GATES__CAPS", "{a: b: c}", "policy.gates.caps: is not YAML"),
    ],
)
def test_a_mistake_in_a_variable_is_told_with_its_name(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {name: value})
    assert says in str(caught.value)
    assert f"(from the environment variable {name})" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KAIROS_KAFKA_BOOTSTRAP_SERVERS", "KAIROS__KAFKA__BOOTSTRAP_SERVERS"),
        ("KAIROS_KAFKA__BOOTSTRAP_SERVERS", "KAIROS__KAFKA__BOOTSTRAP_SERVERS"),
        ("KAIROS_KAFKA_BOOTSTRAP_SERVER", "KAIROS__KAFKA__BOOTSTRAP_SERVERS"),
        ("KAIROS_POLICY_GATES_MIN_GAP_MS", "KAIROS__POLICY__GATES__MIN_GAP_MS"),
    ],
)
def test_a_variable_with_one_underscore_for_two_is_not_ignored_without_a_word(name: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {name: "5"})
    assert f"the environment variable {name} is not read; did you mean {meant}?" in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("KAIROS_HOME", "KAIROS_CACHE", "KAIROS_DATA", "KAIROS_MAVEN_MIRROR", "KAIROS_FLINK_PORT", "KAIROS_KAFKA_PORT"),
        *("KAIROS_KAFKA_SERVICE_HOST", "KAIROS_KAFKA_PORT_9092_TCP_ADDR"),  # Kubernetes sets these for a service kairos-kafka
        *("KAIROS_JOB", "KAIROS_POLICY", "KAIROS_VERSION", "KAIROS_"),
    ],
)
def test_variables_of_the_tools_and_of_others_are_no_mistakes(name: str) -> None:
    assert load_config(None, {name: "5"}) == load_config(None, {})


def test_a_value_that_cannot_be_is_told_whichever_way_it_came() -> None:
    with pytest.raises(ConfigError, match=r"job\.parallelism: .*greater than 0"):
        from_environment(JOB__PARALLELISM="0")


def test_keys_of_open_mappings_are_laid_over_and_null_takes_one_away() -> None:
    config = parse_config(
        {
            "kafka": {"properties": {"security.protocol": "SASL_SSL"}},
            "policy": {"triggers": {"view": None, "purchase": 1000}, "gates": {"quiet_hours": {"zone_of_country": {"NO": "Europe/Oslo"}}}},
        }
    )
    assert config.kafka.properties == {"security.protocol": "SASL_SSL"}
    assert "view" not in config.policy.triggers
    assert config.policy.triggers["purchase"] == 1000
    assert config.policy.triggers["cart"] == 0
    zones = config.policy.gates.quiet_hours.zone_of_country
    assert (zones["NO"], zones["DE"]) == ("Europe/Oslo", "Europe/Berlin")


def test_norway_is_a_country_and_not_a_no(tmp_path: Path) -> None:
    """YAML 1.1 reads NO, ON, yes and off as truth values."""
    text = "policy: {policy_id: on, gates: {quiet_hours: {zone_of_country: {NO: Europe/Oslo}}}}\n"
    config = load_config(written(tmp_path, text), {})
    assert config.policy.gates.quiet_hours.zone_of_country["NO"] == "Europe/Oslo"
    assert config.policy.policy_id == "on"


def test_a_country_can_be_set_from_the_environment() -> None:
    config = from_environment(POLICY__GATES__QUIET_HOURS__ZONE_OF_COUNTRY="{NO: Europe/Oslo}")
    assert config.policy.gates.quiet_hours.zone_of_country["NO"] == "Europe/Oslo"


def test_a_file_of_all_defaults_is_the_default(tmp_path: Path) -> None:
    text = files("flink_job.config").joinpath("default.yaml").read_text(encoding="utf-8")
    assert load_config(written(tmp_path, text), {}) == load_config(None, {})
