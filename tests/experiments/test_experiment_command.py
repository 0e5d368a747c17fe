"""``kairos experiment report`` as its user runs it, on files and on topics."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from typer.testing import CliRunner, Result

from kairos.cli.app import build
from kairos.contract.clients import open_producer
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka
from tests.experiments.records import DAY, START, exposed, feedback, interaction, sent

USERS = 3000


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(build(), ["experiment", "report", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def life(factor: float = 1.5, seed: int = 1, start_ms: int = START) -> tuple[list[Message], list[Message], list[Message]]:
    """Decisions, feedback and interactions of users whose activity drives their opens; those of the early arm open `factor` times as often."""
    draw = np.random.default_rng(seed)
    decisions: list[Message] = []
    told: list[Message] = []
    done: list[Message] = []
    for number in range(USERS):
        user, early = f"user-{number}", bool(draw.random() < 0.5)
        rate = draw.gamma(1.0, 1.0)
        at_ms = start_ms + int(draw.integers(0, 5 * DAY))
        decisions.append(exposed(user, "early" if early else "control", at_ms))
        done += [interaction(user, f"{user}-{k}", at_ms - 1 - int(draw.integers(0, DAY))) for k in range(draw.poisson(3 * rate))]
        for push in range(draw.poisson(rate * (factor if early else 1.0))):
            decisions.append(sent(user, f"{user}-p{push}", at_ms + push))
            told.append(feedback(user, "OPENED", f"{user}-p{push}", at_ms + push + 1))
        done.append(interaction(user, f"{user}-last", at_ms + 4 * DAY))
    return decisions, told, done


@pytest.fixture
def files(tmp_path: Path) -> tuple[object, ...]:
    decisions, told, done = life()
    return (
        *("--decisions", written(tmp_path / "decisions.jsonl.gz", decisions)),
        *("--feedback", written(tmp_path / "feedback.jsonl", told)),
        *("--interactions", written(tmp_path / "interactions.jsonl", done)),
        *("--config", layers(tmp_path)),
    )


def layers(tmp_path: Path, control: float = 0.5) -> Path:
    path = tmp_path / "kairos.yaml"
    text = f"policy: {{experiments: {{timing: {{salt: timing-1, arms: {{control: {control}, early: 0.5}}}}}}}}"
    path.write_text(text, encoding="utf-8")
    return path


def written(path: Path, messages: Sequence[Message]) -> Path:
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as lines:
        lines.writelines(json_format.MessageToJson(message, indent=None) + "\n" for message in messages)
    return path


def test_the_lift_that_was_put_in_is_found(files: tuple[object, ...]) -> None:
    result = run(*files, "--window", "1d", "--json")
    assert result.exit_code == 0
    (report,) = json.loads(result.stdout)
    opens = next(each for each in report["comparisons"] if each["metric"] == "opens")
    assert opens["verdict"] == "better"
    assert opens["relative"]["low"] < 0.5 < opens["relative"]["high"]
    assert opens["relative"]["low"] > 0.2
    assert opens["variance_left"] < 0.9
    assert report["sample_ratio"]["is_off"] is False
    assert report["waiting"] == 0


def test_the_table_says_it_in_words(files: tuple[object, ...]) -> None:
    shown = run(*files, "--window", "1d").stdout
    assert "timing: 3,000 users exposed (control " in shown
    assert "sample ratio: as drawn" in shown
    assert "against control;" in shown
    assert "95 % interval" in shown
    assert "better" in shown
    assert "not known yet" in shown


def test_shares_that_are_not_those_of_the_draw_are_said_and_the_exit_code_is_1(files: tuple[object, ...], tmp_path: Path) -> None:
    result = run(*files[:-1], layers(tmp_path, control=0.25))
    assert result.exit_code == 1
    assert "sample ratio: OFF" in result.stdout


def test_a_picture_is_drawn(files: tuple[object, ...], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run(*files, "--window", "1d", "--plot", tmp_path / "lifts.png")
    assert "lifts.png written" in result.stderr
    assert (tmp_path / "lifts.png").read_bytes().startswith(b"\x89PNG")


def test_a_line_that_is_no_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text('{"userId": "ann"}\n{"user": 1}\n', encoding="utf-8")
    with pytest.raises(KairosError, match=r"decisions\.jsonl, line 2: is no kairos\.v1\.Decision in JSON"):
        run("--decisions", path)
    with pytest.raises(KairosError, match=r"none\.jsonl cannot be read"):
        run("--decisions", tmp_path / "none.jsonl")


def test_a_layer_that_nobody_was_exposed_to_is_a_usage_error_that_names_those_there_are(files: tuple[object, ...]) -> None:
    with pytest.raises(KairosError, match="Nobody was exposed to a layer taste") as refused:
        run(*files, "--layer", "taste")
    assert (refused.value.exit_code, refused.value.hint) == (2, "There are timing.")
    with pytest.raises(KairosError, match="go with --decisions"):
        run("--feedback", "x")


@pytest.mark.kafka
def test_the_topics_of_a_job_are_read_with_its_policy(kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path) -> None:
    ensure_topics(
        kafka.bootstrap_servers,
        topic_prefix,
        partitions=2,
        topics=[TOPICS[name] for name in ("decisions", "feedback", "interactions", "knowledge")],
    )
    there = ("-b", kafka.bootstrap_servers, "--prefix", topic_prefix)
    assert "Nobody was exposed" in run(*there).stdout
    document = tmp_path / "layers.yaml"
    document.write_text("experiments: {timing: {salt: timing-1, arms: {control: 0.5, early: 0.5}}}", encoding="utf-8")
    assert CliRunner().invoke(build(), ["policy", "publish", str(document), *there]).exit_code == 0
    decisions, told, done = life()
    with open_producer(kafka.bootstrap_servers) as producer:
        for topic, messages in (("decisions", decisions), ("feedback", told), ("interactions", done)):
            for message in messages:
                producer.send(f"{topic_prefix}{topic}", key=user_of(message).encode(), value=message.SerializeToString())
        producer.flush()
    (report,) = json.loads(run(*there, "--window", "1d", "--json").stdout)
    assert sum(report["exposed"].values()) == USERS
    assert report["sample_ratio"]["is_off"] is False
    assert next(each for each in report["comparisons"] if each["metric"] == "opens")["verdict"] == "better"


def user_of(message: Message) -> str:
    body = message.WhichOneof("body") if "body" in message.DESCRIPTOR.oneofs_by_name else None
    user: str = (getattr(message, body) if body else message).user_id
    return user
