"""An experiment on a cluster: an arm is released while the job runs, its users alone follow it, all are exposed once, and the report says so."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flink_job.core.experiments import Experiments
from kairos.cli.app import build
from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from kairos.v1 import decision_pb2
from tests.e2e.support.job import JobUnderTest, look, pushes_of
from tests.e2e.support.log import make_items
from tests.e2e.support.topics import TopicReader

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(400)]

LAYER = "taste"
OVERLAY = {
    "policy": {
        "gates": {"holdout_share": 0, "rescore_after_ms": 0, "min_gap_ms": 0},
        "experiments": {LAYER: {"salt": "taste-1", "arms": {"control": 0.5, "strict": 0.5}}},
    }
}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(build(), [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_an_arm_is_followed_by_its_users_alone_and_the_report_tells_the_difference(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, OVERLAY)
    gates = job.config.policy.gates
    draw = Experiments(job.config.policy.experiments, gates.holdout_share, gates.holdout_salt)
    arm_of = {user: draw.arms_of(user)[0] for user in (f"user-{number}" for number in range(300))}
    probe = next(user for user, arm in arm_of.items() if arm == "strict")
    job.publish_items(make_items(120, now_ms()))
    with job.on(cluster) as job_id, job.reader("pushes") as pushes, job.reader("decisions") as decisions:
        job.publish_log([look(probe, "item-1", now_ms())])
        pushes.read_until(lambda: len(pushes_of(pushes)) == 1, "before the release the arm is as all others", deadline_s=90)
        assert not pushes_of(pushes)[0].decision.arms

        strict = tmp_path / "strict.yaml"
        strict.write_text("send: {min_score: 5}\n", encoding="utf-8")
        run("policy", "publish", strict, "--arm", f"{LAYER}/strict", "--version", "s1", "--config", job.config_file)
        rounds = iter(range(1000))

        def is_followed() -> bool:
            job.publish_log([look(probe, "item-2", now_ms(), event=f"again-{next(rounds)}")])
            return any(decision.arms for decision in decided(decisions))

        decisions.read_until(is_followed, "the arm was followed", deadline_s=30)
        job.publish_log([look(user, "item-3", now_ms(), event="after") for user in arm_of])
        causes = {f"after-{user}" for user in arm_of}
        decisions.read_until(
            lambda: causes <= {decision.cause_id for decision in decided(decisions)}, "everybody was decided about", deadline_s=30
        )
        after = {decision.user_id: decision for decision in decided(decisions) if decision.cause_id in causes}
        assert {user: decision.arms[LAYER] for user, decision in after.items()} == arm_of
        for user, decision in after.items():
            sent = arm_of[user] == "control"
            assert (decision.verdict == decision_pb2.VERDICT_SENT) == sent
            assert decision.reason == ("" if sent else "below_threshold")
            assert decision.policy_version == ("1" if sent else f"1+{LAYER}/strict@s1")
        # By id, as every reader counts them: who is seen in the very millisecond of the release is exposed by the next signal again.
        exposed = {
            decision.decision_id: decision.user_id for decision in decided(decisions) if decision.verdict == decision_pb2.VERDICT_EXPOSED
        }
        assert Counter(exposed.values()) == Counter(list(arm_of))
        assert cluster.rest.restarts(job_id) == 0

    report = wait_for_report(job, users=len(arm_of))
    assert report["exposed"] == Counter(arm_of.values())
    assert not report["sample_ratio"]["is_off"]
    (pushes_per_user,) = [each for each in report["comparisons"] if each["metric"] == "pushes"]
    assert pushes_per_user["users"] + pushes_per_user["control_users"] == len(arm_of)
    assert (pushes_per_user["control_mean"], pushes_per_user["mean"]) == pytest.approx((1.0, 0.0), abs=0.05)


def decided(reader: TopicReader) -> list[decision_pb2.Decision]:
    return [decision_pb2.Decision.FromString(record.value or b"") for record in reader.records]


def wait_for_report(job: JobUnderTest, users: int) -> dict[str, object]:
    """The layer's report, once everybody's window of a second is over."""
    deadline = time.monotonic() + 30
    while True:
        told = run("experiment", "report", "--config", job.config_file, "--window", "1s", "--json")
        (report,) = json.loads(told.stdout)
        if not report["waiting"]:
            assert sum(report["exposed"].values()) == users
            return dict(report)
        assert time.monotonic() < deadline, f"still waiting: {report}"
