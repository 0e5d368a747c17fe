"""Kairos itself: the job's engine without Flink, fed with the records of the contract, under the shipped policy or one laid over it."""

from collections.abc import Iterable
from typing import Any

from flink_job.config.load import parse_config
from flink_job.core.policy import PushPolicy
from flink_job.engine import MakePolicy
from flink_job.inprocess_loop import LearningRunner
from flink_job.settings import engine_settings
from kairos.evaluate.stage import Stage, Wish
from kairos.feed.features import ItemFeaturiser
from kairos.world.codec import WorldCodec, read_push
from kairos.world.values import Feedback, Interaction, ItemChange, WorldEvent
from kairos.world.world import Chapter

_LEARNING_DELAY_MS = 1000
"""What is told to the item operator, and what it says, is on its way for so long."""


class Shipped:
    """``overlay`` is a document laid over ``default.yaml``, such as ``{"policy": {...}}``; ``make_policy``: what decides by it."""

    def __init__(self, stage: Stage, overlay: dict[str, Any], make_policy: MakePolicy = PushPolicy) -> None:
        config = parse_config(overlay)
        self._stage = stage
        self._codec = WorldCodec(ItemFeaturiser(config.catalogue.feature_dim))
        self._runner = LearningRunner(engine_settings(config), _LEARNING_DELAY_MS, make_policy)
        self._pushes_topic = config.topic("pushes")
        self._runner.load((change.item_id, self._codec.item(change).SerializeToString()) for change in stage.world.catalogue())

    def step(self, chapter: Chapter, now_ms: int) -> Iterable[Wish]:
        """Everything in the order of time, then what was due meanwhile."""
        codec, runner = self._codec, self._runner
        for event in self._stage.world.tell(chapter):
            if isinstance(event, ItemChange):
                records = runner.publish([(event.item_id, codec.item(event).SerializeToString())], event.updated_at_ms)
                yield from self._pushes(records, now_ms)
            else:
                _, key, value = codec.record(self._as_the_policy_knows_it(event))
                yield from self._pushes(runner.run([(key.decode(), value, event.occurred_at_ms)]), now_ms)
        yield from self._pushes(runner.advance(now_ms), now_ms)

    def _as_the_policy_knows_it(self, event: Interaction | Feedback) -> WorldEvent:
        return event._replace(command_id=self._stage.names.own(event.command_id)) if event.command_id else event

    def _pushes(self, records: Iterable[tuple[str, str, bytes]], now_ms: int) -> Iterable[Wish]:
        world, names = self._stage.world, self._stage.names
        for topic, _, value in records:
            if topic == self._pushes_topic:
                push = read_push(value)
                user, item = world.user_row(push.user_id), world.item_row(push.item_ids[0])
                if user is not None and item is not None and self._stage.allowance.spend(user):
                    yield Wish(user, item, names.next(user, now_ms, own=push.command_id), push.expires_at_ms)
