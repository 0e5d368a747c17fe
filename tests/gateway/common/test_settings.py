"""Settings of the edge: defaults, a file for all its programs, the environment; and what is said when they are wrong."""

import traceback
from pathlib import Path

import pytest

from gateway.collector.settings import CollectorSettings
from gateway.common.settings import connection, job_config, load_settings
from kairos.errors import KairosError


def load(path: Path | None = None, **environment: str) -> CollectorSettings:
    return load_settings(CollectorSettings, "collector", path, environment)


def test_the_defaults_are_valid_and_open_to_this_machine_only() -> None:
    settings = load()
    assert settings.collector.host == "127.0.0.1"
    assert settings.collector.cors_origins == []
    assert settings.auth.api_keys == "env:KAIROS_API_KEYS"


def test_a_file_and_the_environment_are_laid_over_the_defaults_and_other_programs_sections_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("collector: {port: 9000, limits: {depth: 4}}\ndelivery: {anything: 1}\nlog: {level: warning}\n")
    settings = load(file, KAIROS_EDGE__COLLECTOR__PORT="9001", KAIROS_EDGE__LOG__FORMAT="text", KAIROS_EDGE__DELIVERY__X="1", OTHER="2")
    assert (settings.collector.port, settings.collector.limits.depth) == (9001, 4)
    assert (settings.log.level, settings.log.format) == ("warning", "text")


def test_every_wrong_key_is_named_with_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("collector: {prot: 9000}\n")
    with pytest.raises(KairosError) as caught:
        load(file, KAIROS_EDGE__COLLECTOR__LIMITS__DEEP="1")
    assert "collector.prot: there is no such key; did you mean collector.port?" in str(caught.value)
    assert "KAIROS_EDGE__COLLECTOR__LIMITS__DEEP" in str(caught.value)
    with pytest.raises(KairosError, match=r"collector\.port"):
        load(None, KAIROS_EDGE__COLLECTOR__PORT="many")
    written = "a-key-written-here"
    with pytest.raises(KairosError, match=r"auth\.api_keys: a secret is named by where it is") as told:
        load(None, KAIROS_EDGE__AUTH__API_KEYS=written)
    assert written not in "".join(traceback.format_exception(told.value))
    with pytest.raises(KairosError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_brokers_topics_and_limits_are_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAIROS__KAFKA__BOOTSTRAP_SERVERS", raising=False)
    (tmp_path / "job.yaml").write_text("kafka: {bootstrap_servers: 'broker:9092', topic_prefix: 'x.'}\nlimits: {max_id_bytes: 64}\n")
    file = tmp_path / "edge.yaml"
    file.write_text("job: job.yaml\n")
    job = job_config(load(file), file)
    assert job.limits.max_id_bytes == 64
    there = connection(job)
    assert (there.bootstrap_servers, there.topic("items")) == ("broker:9092", "x.items")
    assert connection(job, "other:1", "").topic("items") == "items"
