"""One job under test: its topics, its configuration file, its records in and out.

Signals may only flow when every instance of the operator has read the catalogue, or it would hold decisions back. `await_canaries` finds out
as a user would: fresh users look at something and wait for their push.
"""

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from flink_job.config import Config, load_config
from flink_job.core.ids import share_of
from kairos.contract.topics import ensure_topics
from kairos.job.counts import read_counts
from kairos.local.cluster import FlinkCluster
from kairos.v1 import dead_letter_pb2, interaction_pb2, push_pb2, signal_pb2
from tests.e2e.support.expected import Decided, Expected, decided_of
from tests.e2e.support.log import CART_DELAY_MS, LONGEST_DEFERRAL_MS, Sent
from tests.e2e.support.topics import Outgoing, TopicReader, publish

PARTITIONS = 4
METRICS_EVERY_S = 0.5
"""How often the tests' cluster collects its metrics, if somebody asks for them."""

OF_THEIR_OWN = ("abandoned_cart", "abandoned_favourite", "replenishment", "best_time", "win_back")
"""Occasions that come hours or days after what led to them; tests that are about them switch them on."""

_NUDGED_AT_ONCE = {name: {"timing": "now", "rank": 30} for name in ("price_drop", "back_in_stock", "creator_posted")}
_CANARIES = 24
_CANARY = "canary-"


class JobUnderTest:
    """Topics of its own on a broker, and a configuration file that names them."""

    def __init__(self, folder: Path, bootstrap_servers: str, prefix: str, overlay: dict[str, Any]) -> None:
        """`overlay`: what the configuration has over that of all tests."""
        self.bootstrap_servers = bootstrap_servers
        self.config_file = folder / "kairos.yaml"
        self.config_file.write_text(yaml.safe_dump(_laid_over(settings(folder, bootstrap_servers, prefix), overlay)), encoding="utf-8")
        self.config: Config = load_config(self.config_file)
        self._rounds = itertools.count()
        ensure_topics(bootstrap_servers, prefix, partitions=PARTITIONS)

    @contextmanager
    def on(self, cluster: FlinkCluster, *entry: str, savepoint: Path | None = None) -> Iterator[str]:
        """The job on a cluster, as long as the ``with`` block lasts; its id. `entry`: instead of the job's own."""
        program = entry or ("-pym", "flink_job.main")
        job_id = cluster.submit(*program, "--config", str(self.config_file), savepoint=savepoint)
        try:
            cluster.rest.wait_until_running(job_id, deadline_s=180)
            yield job_id
        finally:
            if any(job.id == job_id for job in cluster.rest.active_jobs()):
                cluster.rest.cancel(job_id)

    def reader(self, topic: str, *, committed: bool = True) -> TopicReader:
        """Reads one of the topics, named without its prefix."""
        return TopicReader(self.bootstrap_servers, self.config.kafka.topic_prefix + topic, committed=committed)

    def publish_items(self, items: Sequence[tuple[str, bytes]]) -> None:
        topic = self.config.topic("items")
        publish(self.bootstrap_servers, (Outgoing(topic, item_id.encode(), payload) for item_id, payload in items))

    def publish_log(self, log: Sequence[Sent], *, per_second: int = 0) -> None:
        prefix = self.config.kafka.topic_prefix
        records = (Outgoing(prefix + sent.topic, sent.user_id.encode(), sent.payload) for sent in log)
        publish(self.bootstrap_servers, records, per_second=per_second)

    def await_canaries(self, pushes: TopicReader, *, deadline_s: float = 120.0) -> None:
        """Until two dozen new users, spread over all partitions and instances, have got their push: what was published before has been read."""
        waiting = self.send_canaries()
        pushes.read_until(
            lambda: waiting <= {record.key for record in pushes.records}, "the canaries got their pushes", deadline_s=deadline_s
        )

    def not_held_out(self, users: Iterable[str]) -> Iterator[str]:
        """Those of the users who may get a push."""
        gates = self.config.policy.gates
        return (user for user in users if share_of(user, gates.holdout_salt) >= gates.holdout_share)

    def send_canaries(self) -> set[bytes]:
        """New users that look at the first item of the catalogue, now; returns their keys."""
        now_ms = time.time_ns() // 1_000_000
        names = (f"{_CANARY}{next(self._rounds)}" for _ in itertools.count())
        log = [look(user, "item-1", now_ms) for user in itertools.islice(self.not_held_out(names), _CANARIES)]
        self.publish_log(log)
        return {sent.user_id.encode() for sent in log}


def await_decisions(decisions: TopicReader, expected: Expected) -> None:
    """Until every decision that is expected was read, those of wake-ups included."""
    missing, read = set(expected.decisions), 0

    def complete() -> bool:
        nonlocal read
        missing.difference_update(decided_of(record.value or b"") for record in decisions.records[read:])
        read = len(decisions.records)
        return not missing

    deadline_s = 60 + max(0.0, expected.last_ms / 1000 - time.time())
    decisions.read_until(complete, f"all of {len(missing)} decisions were taken", deadline_s=deadline_s)


def await_counts(job: JobUnderTest, cluster: FlinkCluster, job_id: str, expected: dict[str, int]) -> None:
    """Until the job's own counts are these (`dead_letters`: of all reasons). The operator shows them when it has something to do."""
    deadline = time.monotonic() + 60
    found: dict[str, int] = {}
    while found != expected:
        assert time.monotonic() < deadline, f"the job counts {found} instead of {expected}"
        job.send_canaries()
        counts = read_counts(cluster.rest, job_id)
        known = {"dead_letters": sum(counts.dead_letters().values())}
        found = {name: known.get(name, counts[name]) for name in expected}


def pushes_of(reader: TopicReader) -> list[push_pb2.PushCommand]:
    """What was read of the pushes, but for the canaries', in the order it was read."""
    records = (record for record in reader.records if not (record.key or b"").startswith(_CANARY.encode()))
    return [push_pb2.PushCommand.FromString(record.value or b"") for record in records]


def decisions_of(reader: TopicReader) -> Counter[Decided]:
    """What was read of the decisions, but for the canaries'."""
    records = (record for record in reader.records if not (record.key or b"").startswith(_CANARY.encode()))
    return Counter(decided_of(record.value or b"") for record in records)


def dead_letters_of(reader: TopicReader) -> list[dead_letter_pb2.DeadLetter]:
    """What was read of the dead letters."""
    return [dead_letter_pb2.DeadLetter.FromString(record.value or b"") for record in reader.records]


def left_behind(**after_ms: int) -> dict[str, Any]:
    """A policy in which what is left in the cart (`cart_ms`) or on the wish list (`favourite_ms`) leads to a push so long after."""
    occasions = {
        f"abandoned_{name.removesuffix('_ms')}": {"enabled": True, "after_ms": ms, "timing": "now"} for name, ms in after_ms.items()
    }
    return {"occasions": occasions, "items": {"seen_for_ms": min(after_ms.values()) - 1}}


def look(user_id: str, item_id: str, at_ms: int, event: str = "look") -> Sent:
    """A view of an item."""
    signal = signal_pb2.Signal()
    body = signal.interaction
    body.event_id, body.user_id, body.item_id, body.occurred_at_ms = f"{event}-{user_id}", user_id, item_id, at_ms
    body.type = interaction_pb2.INTERACTION_TYPE_VIEW
    return Sent("interactions", user_id, signal.SerializeToString())


def settings(folder: Path, bootstrap_servers: str, prefix: str) -> dict[str, Any]:
    name = prefix.strip(".")
    return {
        "kafka": {"bootstrap_servers": bootstrap_servers, "topic_prefix": prefix, "group_id": name},
        "job": {
            "name": name,
            "parallelism": 1,
            "transaction_prefix": name,
            "checkpoint_interval_ms": 1000,
            "restart_backoff_ms": 200,
            "checkpoint_dir": (folder / "checkpoints").as_uri(),
        },
        "policy": {
            "triggers": {"cart": CART_DELAY_MS, "favourite": 5000},
            "occasions": {**{name: {"enabled": False} for name in OF_THEIR_OWN}, "behaviour": {"timing": "now"}, **_NUDGED_AT_ONCE},
            "fatigue": {"limit": 1e9},
            "utility": {"fatigue_cost": 0, "opt_out_cost": 0},
            "gates": {
                "caps": [{"count": 3, "window_ms": 86_400_000}, {"count": 10, "window_ms": 604_800_000}],
                "ramp_up_gap_ms": 0,
                "in_session_ms": 0,
                "min_gap_ms": 2500,
                "longest_deferral_ms": LONGEST_DEFERRAL_MS,  # also: a cap or a cool-down lasts hours, too long to wait for in a test
                "max_signal_age_ms": 900_000,
                "quiet_hours": {"start_minute": 0, "end_minute": 0},
            },
            "log": {"suppressed_share": 1.0},
        },
    }


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _laid_over(merged[key], value) if isinstance(value, dict) and isinstance(merged.get(key), dict) else value
    return merged
