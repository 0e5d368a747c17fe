"""Every mistake a user can make in a configuration is one clear sentence that names the key, and the nearest valid one."""

from pathlib import Path
from typing import Any

import pytest

from flink_job.config import ConfigError, default_document, load_config, parse_config
from flink_job.core.signals import InteractionType


def nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value  # type: ignore[no-any-return]  # the outermost is a mapping


def refused(document: dict[str, Any], environment: dict[str, str] | None = None) -> list[str]:
    """The lines of the error, each about one thing."""
    with pytest.raises(ConfigError) as caught:
        parse_config(document, environment)
    first, *lines = str(caught.value).splitlines()
    assert first == "the configuration cannot be used:"
    assert all(line.startswith("  - ") for line in lines)
    return [line.removeprefix("  - ") for line in lines]


def dotted(document: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for key, value in document.items():
        here = f"{path}.{key}" if path else key
        found.append(here)
        if isinstance(value, dict) and here not in ("kafka.properties", "policy.interest.weights", "policy.triggers"):
            found += dotted(value, here) if not here.endswith("zone_of_country") else []
    return found


@pytest.mark.parametrize("key", dotted(default_document()))
def test_a_misspelt_key_is_named_with_the_one_that_was_meant(key: str) -> None:
    """One letter twice, in every key there is."""
    misspelt = key[:-1] + key[-1] * 2
    (problem,) = refused(nested(misspelt, 1))
    assert problem == f"{misspelt}: there is no such key; did you mean {key}?"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("bootstrap_servers", "kafka.bootstrap_servers"),
        ("job.feature_dim", "catalogue.feature_dim"),
        ("policy.caps", "policy.gates.caps"),
        ("gates", "policy.gates"),
        ("policy.min_gab_ms", "policy.gates.min_gap_ms"),
        ("policy.cap_per_dai", "policy.gates.caps"),
        ("kafka_bootstrap_servers", "kafka.bootstrap_servers"),
    ],
)
def test_a_key_in_the_wrong_section_even_misspelt_is_named_with_its_right_place(key: str, meant: str) -> None:
    assert refused(nested(key, 1)) == [f"{key}: there is no such key; did you mean {meant}?"]


def test_a_key_like_no_other_is_answered_with_those_there_are() -> None:
    (problem,) = refused({"catalogue": {"zzz": 1}})
    assert problem.startswith("catalogue.zzz: there is no such key; there are feature_dim, ")


def test_all_mistakes_are_told_at_once() -> None:
    assert len(refused({"kafkaa": {}, "job": {"paralellism": 2, "namee": "x"}})) == 3
    assert len(refused({"job": {"parallelism": 0}, "catalogue": {"feature_dim": "many"}})) == 2


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("kafka.bootstrap_servers", "", "at least 1 character"),
        ("kafka.topic_prefix", "a b", "pattern"),
        ("kafka.start_from", "yesterday", "'earliest', 'latest' or 'committed'"),
        ("job.parallelism", 0, "greater than 0"),
        ("job.parallelism", "two", "valid integer"),
        ("job.max_parallelism", 40_000, "less than or equal to 32768"),
        ("job.delivery", "twice", "'at-least-once' or 'exactly-once'"),
        ("job.execution_mode", "threads", "'thread' or 'process'"),
        ("job.checkpoint_interval_ms", -1, "greater than 0"),
        ("catalogue.feature_dim", 2_000, "less than or equal to 1024"),
        ("catalogue.feature_dim", None, "valid integer"),
        ("limits.max_record_bytes", 1.5, "valid integer"),
        ("limits.dead_letter_share", 1.5, "less than or equal to 1"),
        ("policy.version", 2, "valid string"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_key(key: str, value: Any, says: str) -> None:
    (problem,) = refused(nested(key, value))
    assert problem.startswith(f"{key}: ")
    assert says in problem
    assert f"(given: {value!r})" in problem


@pytest.mark.parametrize(
    ("section", "field", "value", "says"),
    [
        ("interest", "short_half_life_ms", 0, "must be greater than 0, not 0"),
        ("interest", "short_share", 1.1, "must be from 0 to 1, not 1.1"),
        ("interest", "short_share", float("nan"), "must be from 0 to 1"),
        ("interest", "weights", {"veiw": 1}, "veiw: no such interaction; there are cart, "),
        ("interest", "weights", {"view": float("inf")}, "view: must be a number"),
        ("affinity", "saturation", -1, "must be greater than 0"),
        ("affinity", "alpha", float("nan"), "must be a number"),
        ("candidates", "fresh", -1, "must not be negative"),
        ("candidates", "listed", 0, "must be greater than 0"),
        ("gates", "holdout_share", 2, "must be from 0 to 1"),
        ("gates", "min_gap_ms", -1, "must not be negative"),
        ("gates", "max_signal_age_ms", 0, "must be greater than 0"),
        ("gates", "release_unconfirmed_after_ms", -1, "must not be negative"),
        ("gates", "ramp_up_phase_ms", -1, "must not be negative"),
        ("gates", "ramp_up_gap_ms", -1, "must not be negative"),
        ("gates", "in_session_ms", -1, "must not be negative"),
        ("fatigue", "half_life_ms", 0, "must be greater than 0"),
        ("fatigue", "sent", -1, "must not be negative"),
        ("fatigue", "dismissed", -1, "must not be negative"),
        ("fatigue", "opened", float("nan"), "must be a number"),
        ("fatigue", "limit", 0, "must be greater than 0"),
        ("utility", "price_share", -1, "must not be negative"),
        ("utility", "fatigue_cost", -1, "must not be negative"),
        ("utility", "opt_out_rate", 1.5, "must be from 0 to 1"),
        ("utility", "opt_out_cost", -1, "must not be negative"),
        ("utility", "least", float("inf"), "must be a number"),
        ("utility", "open_value", {"shop": float("nan")}, "shop: must be a number"),
        ("items", "seen_for_ms", -1, "must not be negative"),
        ("items", "consumed_for_ms", -1, "must not be negative"),
        ("items", "price_rise_share", -0.1, "must not be negative"),
        ("send", "min_score", float("nan"), "must be a number"),
        ("send", "time_to_live_ms", 0, "must be greater than 0"),
        ("memory", "seen_events", 0, "must be greater than 0"),
        ("log", "suppressed_share", -0.1, "must be from 0 to 1"),
        ("log", "replayable_share", 1.5, "must be from 0 to 1"),
        ("log", "replayable_bytes", 0, "must be greater than 0"),
    ],
)
def test_a_rule_that_cannot_be_is_named_with_its_section_and_field(section: str, field: str, value: Any, says: str) -> None:
    (problem,) = refused({"policy": {section: {field: value}}})
    assert problem.startswith(f"policy.{section}: {field}")
    assert says in problem


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({"gates": {"caps": [{"count": 0, "window_ms": 1}]}}, "policy.gates.caps.0: count: must be greater than 0"),
        ({"gates": {"caps": [{"count": 3}]}}, "policy.gates.caps.0.window_ms: Field required"),
        ({"gates": {"caps": [{"count": 3, "window_ms": 1, "in": "day"}]}}, "policy.gates.caps.0.in: Unexpected keyword argument"),
        (
            {"gates": {"caps": [{"count": 3, "window_ms": 1, "per": "day"}]}},
            "policy.gates.caps.0: per: must be one of all, trigger, category, creator, not day",
        ),
        ({"gates": {"quiet_hours": {"start_minute": 1440}}}, "policy.gates.quiet_hours: start_minute: minutes of the day, from 0 to 1439"),
        ({"gates": {"caps": []}}, "items.repeat_after_ms: up to any number of pushes"),
        ({"memory": {"sent_pushes": 5}}, "gates.caps: 10 pushes cannot be counted when memory.sent_pushes is 5"),
        ({"memory": {"sent_pushes": 12}}, "items.repeat_after_ms: up to 20 pushes may be sent in that time, but memory.sent_pushes is 12"),
        ({"gates": {"caps": [{"count": 3, "window_ms": 1, "per": "creator"}]}}, "items.repeat_after_ms: up to any number of pushes"),
        ({"utility": {"open": {"rates": {"shop": 0}}}}, "policy.utility.open: rates.shop: must be between 0 and 1, not 0"),
        ({"utility": {"convert": {"per_score": float("nan")}}}, "policy.utility.convert: per_score: must be a number"),
        ({"utility": {"open_value": {"shops": 1}}}, "policy.utility.open_value.shops: there is no such key"),
        ({"occasions": {"abandoned_cart": {"timing": "later"}}}, "abandoned_cart: timing: must be one of now, best, not later"),
        ({"occasions": {"abandoned_cart": {"horizon_ms": 0}}}, "abandoned_cart: horizon_ms: must be greater than 0"),
        ({"occasions": {"abandoned_cart": {"after_ms": -1}}}, "abandoned_cart: after_ms: must not be negative"),
        ({"occasions": {"abandoned_carts": {}}}, "policy.occasions.abandoned_carts: there is no such key"),
        ({"triggers": {"wiev": 0}}, "triggers.wiev: no such interaction"),
        ({"triggers": {"view": -5}}, "triggers.view: must not be negative"),
        ({"gates": {"quiet_hours": {"default_zone": "Europe/Berln"}}}, "there is no time zone 'Europe/Berln'"),
        ({"gates": {"quiet_hours": {"zone_of_country": {"AT": "Vienna"}}}}, "there is no time zone 'Vienna'"),
        ({"gates": {"quiet_hours": {"zone_of_country": {"at": "Europe/Vienna"}}}}, "at: a country is two capital letters"),
    ],
)
def test_rules_that_do_not_fit_together_are_explained(policy: dict[str, Any], says: str) -> None:
    (problem,) = refused({"policy": policy})
    assert says in problem
    assert problem.startswith("policy")


def test_exactly_once_with_transactions_shorter_than_checkpoints_is_refused() -> None:
    (problem,) = refused({"job": {"delivery": "exactly-once", "transaction_timeout_ms": 3_000}})
    assert problem.startswith("job: transaction_timeout_ms: must be at least twice checkpoint_interval_ms")


@pytest.mark.parametrize("value", [None, 5, "text", ["a", "list"]])
def test_a_section_that_is_no_mapping_is_named(value: Any) -> None:
    (problem,) = refused({"policy": {"gates": value}})
    assert problem.startswith("policy.gates: must be a mapping, not ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read \(No such file or directory\)"):
        load_config(tmp_path / "none.yaml", {})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"kafka: [", "is not YAML"),
        (b"- a\n- list\n", "must be a mapping of sections, not list"),
        (b"\xff\xfe\x00binary", "is not UTF-8 text"),
        (b"kafka:\n\tgroup_id: x\n", "is not YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"mine\.yaml: ") as caught:
        load_config(tmp_path / "mine.yaml", {})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"kafka:\n  group_id: [a, b\njob: {}\n", "line 3, column 4: expected ',' or ']', but got ':'"),
        (b"kafka:\n\tgroup_id: x\n", "line 2, column 1: found character '\\t' that cannot start any token"),
        (b"kafka: \x00\n", "special characters are not allowed"),
    ],
)
def test_what_is_no_yaml_is_told_in_one_line_with_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "mine.yaml", {})
    (line,) = str(caught.value).splitlines()
    assert "mine.yaml: is not YAML: " in line
    assert says in line


def test_every_interaction_can_be_a_trigger_and_have_a_weight() -> None:
    names = [kind.name.lower() for kind in InteractionType]
    policy = {"triggers": dict.fromkeys(names, 5), "interest": {"weights": dict.fromkeys(names, 1)}}
    assert set(parse_config({"policy": policy}).policy.triggers) == set(names)
