"""The shipped engine inside Quix Streams: RocksDB state with its changelog topic, committed every 5 s. It has no timers, so no wake-ups:
what is due is decided at the user's next signal.

    python -m benchmarks.engines.quix_app --config kairos.yaml --state FOLDER
"""

from __future__ import annotations

from pathlib import Path

from quixstreams import Application, State, message_context
from quixstreams.models import SerializationContext, Serializer, Topic

from benchmarks.engines.shared import FETCH_WAIT_MS, loaded_engine, read_options, wall_ms
from flink_job.config import Config
from flink_job.engine import Engine, OutRecord


class Decide:
    """The stateful function."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, payload: bytes, key: str, timestamp: int, _headers: object, state: State) -> list[OutRecord]:
        """One signal."""
        at = message_context()
        origin = f"{at.topic}/{at.partition}/{at.offset}/{timestamp}"
        blob = None if self._engine.holds(key) else state.get_bytes("user")
        answer = self._engine.on_signal(key, payload, origin, blob, wall_ms())
        if answer.state is not None:
            state.set_bytes("user", answer.state)
        elif answer.erased:
            state.delete("user")
        return answer.records


def run(config: Config, folder: Path) -> None:
    """Run until it is killed."""
    app = Application(
        broker_address=config.kafka.bootstrap_servers,
        consumer_group=config.kafka.group_id,
        auto_offset_reset="earliest",
        commit_interval=config.job.checkpoint_interval_ms / 1000,
        state_dir=folder,
        use_changelog_topics=True,
        consumer_extra_config={"fetch.wait.max.ms": FETCH_WAIT_MS, "fetch.min.bytes": 1},
        producer_extra_config={"linger.ms": 0},
    )
    topics: dict[str, Topic] = {
        config.topic(name): app.topic(config.topic(name), key_serializer="str", value_serializer=ValueOfRecord())
        for name in ("pushes", "decisions", "dead-letters")
    }
    signals = app.topic(config.topic("interactions"), key_deserializer="str", value_deserializer="bytes")
    decided = app.dataframe(signals).apply(Decide(loaded_engine(config)), stateful=True, expand=True, metadata=True)
    decided.to_topic(lambda record, *_: topics[record[0]], key=lambda record: record[1])
    app.run()


class ValueOfRecord(Serializer):  # type: ignore[misc]
    """Writes the last part of a (topic, key, value)."""

    def __call__(self, value: OutRecord, ctx: SerializationContext) -> bytes:  # noqa: ARG002  # named so by the caller
        """The bytes."""
        return value[2]


if __name__ == "__main__":
    run(*read_options("The Kairos engine inside Quix Streams."))
