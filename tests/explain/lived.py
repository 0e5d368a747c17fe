"""Some days of the built-in world under the shipped policy, without Flink and Kafka: what the topics hold after them, as files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from flink_job.config.load import parse_config
from flink_job.engine import OutRecord
from flink_job.inprocess_loop import LearningRunner
from flink_job.settings import engine_settings
from kairos.evaluate.plan import START_MS
from kairos.evaluate.run import STEP_MS
from kairos.feed.features import ItemFeaturiser
from kairos.v1.decision_pb2 import Decision
from kairos.v1.push_pb2 import PushCommand
from kairos.v1.signal_pb2 import Signal
from kairos.world import Feedback, ItemChange, World, WorldSettings
from kairos.world.codec import WorldCodec, read_push

DAY_MS = 86_400_000
_DELAY_MS = 1_000


@dataclass(slots=True)
class Lived:
    """What was written to the topics that explanations read."""

    decisions: list[Decision] = field(default_factory=list)
    pushes: list[PushCommand] = field(default_factory=list)
    feedback: list[Signal] = field(default_factory=list)
    interactions: list[Signal] = field(default_factory=list)

    def save(self, folder: Path) -> tuple[str, ...]:
        """As JSON lines; the options of `kairos explain` that read them."""
        options: list[str] = []
        for option, name, messages in (
            ("--from", "decisions", self.decisions),
            ("--pushes", "pushes", self.pushes),
            ("--feedback", "feedback", self.feedback),
            ("--interactions", "interactions", self.interactions),
        ):
            path = folder / f"{name}.jsonl"
            path.write_text("".join(line(message) for message in messages), encoding="utf-8")
            options += (option, str(path))
        return tuple(options)


def line(message: Message) -> str:
    """As files hold it."""
    return json_format.MessageToJson(message, indent=None) + "\n"


def lived(days: int, *, users: int = 40, items: int = 200, seed: int = 1, overlay: dict[str, Any] | None = None) -> Lived:
    """`overlay` is laid over `default.yaml`; every decision is logged unless it says otherwise."""
    config = parse_config({"policy": {"log": {"suppressed_share": 1.0}}} | (overlay or {}))
    world = World(WorldSettings(seed=seed, start_ms=START_MS, users=users, items=items))
    codec = WorldCodec(ItemFeaturiser(config.catalogue.feature_dim))
    runner = LearningRunner(engine_settings(config), _DELAY_MS)
    runner.load((change.item_id, codec.item(change).SerializeToString()) for change in world.catalogue())
    kept = Lived()

    def keep(records: list[OutRecord], now_ms: int) -> None:
        for topic, _, value in records:
            if topic == config.topic("decisions"):
                kept.decisions.append(Decision.FromString(value))
            elif topic == config.topic("pushes"):
                kept.pushes.append(PushCommand.FromString(value))
                world.deliver(read_push(value), now_ms)

    for now_ms in range(START_MS + STEP_MS, START_MS + days * DAY_MS + 1, STEP_MS):
        for event in world.tell(world.advance(now_ms)):
            if isinstance(event, ItemChange):
                records = runner.publish([(event.item_id, codec.item(event).SerializeToString())], event.updated_at_ms)
            else:
                _, key, value = codec.record(event)
                (kept.feedback if isinstance(event, Feedback) else kept.interactions).append(Signal.FromString(value))
                records = runner.run([(key.decode(), value, event.occurred_at_ms)])
            keep(list(records), now_ms)
        keep(list(runner.advance(now_ms)), now_ms)
    return kept
