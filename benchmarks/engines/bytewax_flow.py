"""The shipped engine inside Bytewax: one worker, recovery on (an epoch, and so a snapshot of what changed, every 5 s), wake-ups by notification.

python -m benchmarks.engines.bytewax_flow --config kairos.yaml --state FOLDER
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.engines.shared import FETCH_WAIT_MS, loaded_engine, read_options, wall_ms
from flink_job.config import Config
from flink_job.engine import Answer, Engine

_LAST_MS = 253_370_764_800_000  # the year 9999: what a datetime can hold


class User(StatefulBatchLogic):  # type: ignore[misc]
    """One user: a blob of state and the wake-ups that are set."""

    def __init__(self, engine: Engine, snapshot: tuple[bytes, str, list[int]] | None) -> None:
        self._engine = engine
        self._blob: bytes | None
        self._blob, self._user_id, self._wakes = snapshot if snapshot is not None else (None, "", [])

    def on_batch(self, values: list[KafkaSourceMessage]) -> tuple[Iterable[KafkaSinkMessage], bool]:
        """Signals, in order."""
        out: list[KafkaSinkMessage] = []
        now_ms = wall_ms()
        for message in values:
            self._user_id = message.key.decode()
            origin = f"{message.topic}/{message.partition}/{message.offset}/{message.timestamp[1]}"
            self._carry_out(self._engine.on_signal(self._user_id, message.value, origin, self._blob, now_ms), out)
        return out, self._blob is None and not self._wakes

    def on_notify(self) -> tuple[Iterable[KafkaSinkMessage], bool]:
        """Wake-ups that are due."""
        out: list[KafkaSinkMessage] = []
        now_ms = wall_ms()
        due = [at_ms for at_ms in self._wakes if at_ms <= now_ms]
        self._wakes = [at_ms for at_ms in self._wakes if at_ms > now_ms]
        for at_ms in due:
            self._carry_out(self._engine.on_wake(self._user_id, at_ms, self._blob, now_ms), out)
        return out, self._blob is None and not self._wakes

    def notify_at(self) -> datetime | None:
        """The next wake-up."""
        return datetime.fromtimestamp(min(*self._wakes, _LAST_MS) / 1_000, UTC) if self._wakes else None

    def snapshot(self) -> tuple[bytes | None, str, list[int]]:
        """What recovery keeps."""
        return self._blob, self._user_id, list(self._wakes)

    def _carry_out(self, answer: Answer, out: list[KafkaSinkMessage]) -> None:
        if answer.state is not None:
            self._blob = answer.state
        elif answer.erased:
            self._blob, self._wakes = None, []
        self._wakes += answer.wakes
        out += [KafkaSinkMessage(key.encode(), value, topic) for topic, key, value in answer.records]


def flow(config: Config, engine: Engine) -> Dataflow:
    """Read, decide per user, write."""
    brokers = config.kafka.bootstrap_servers.split(",")
    fetch = {"fetch.wait.max.ms": str(FETCH_WAIT_MS), "fetch.min.bytes": "1"}
    dataflow = Dataflow("kairos")
    signals = op.input("signals", dataflow, KafkaSource(brokers, [config.topic("interactions")], add_config=fetch))
    keyed = op.key_on("user", signals, lambda message: message.key.decode())
    decided = op.stateful_batch("decide", keyed, lambda snapshot: User(engine, snapshot))
    op.output("records", op.key_rm("unkeyed", decided), KafkaSink(brokers, None, {"linger.ms": "0"}))
    return dataflow


def main(config: Config, state: Path) -> None:
    """Run until it is killed."""
    state.mkdir(parents=True, exist_ok=True)
    init_db_dir(state, 1)
    recovery = RecoveryConfig(str(state), backup_interval=timedelta(seconds=0))
    epoch = timedelta(milliseconds=config.job.checkpoint_interval_ms)  # its snapshots are as often as the shipped job's
    cli_main(flow(config, loaded_engine(config)), epoch_interval=epoch, recovery_config=recovery)


if __name__ == "__main__":
    main(*read_options("The Kairos engine inside Bytewax."))
