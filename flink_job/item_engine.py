"""Records in, records out, for one item, creator, segment or wording at a time: decode, let the core learn, encode. No Flink here.

What `flink_job.engine` is to the user operator, this is to the item operator.
"""

from __future__ import annotations

from flink_job.codec.dead_letters import encode_dead_letter
from flink_job.codec.errors import NULL_KEY, DecodeError, reason_name
from flink_job.codec.item_knowledge import encode_facts
from flink_job.codec.item_signals import ItemSignalDecoder, encode_item_signal
from flink_job.codec.item_state import decode_item_state, encode_item_state
from flink_job.codec.item_versions import decode_version
from flink_job.codec.nudges import encode_nudge
from flink_job.codec.origin import parse_origin
from flink_job.core.learning.effects import LearningEffects, NudgeUser, Release, ReleaseAt, Tell
from flink_job.core.learning.learner import Learner
from flink_job.core.learning.signals import CREATOR, ITEM, SEGMENT, WORDING
from flink_job.core.learning.state import ItemState
from flink_job.dead_letter_limit import DeadLetterLimit
from flink_job.engine import Answer, OutRecord
from flink_job.metrics import Metrics
from flink_job.settings import EngineSettings
from flink_job.state_cache import StateCache

_NOTHING = Answer()


class ItemEngine:
    """One instance of the item operator: the rules of learning, and the counts."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self.metrics = Metrics()
        self._learner = Learner(settings.learning)
        self._signals = ItemSignalDecoder(settings.max_record_bytes, settings.max_id_bytes, settings.max_future_ms)
        self._limit = DeadLetterLimit(settings.dead_letter_share, settings.dead_letter_sample)
        self._held: StateCache[ItemState] = StateCache(settings.state_cache_items)

    def holds(self, key: str) -> bool:
        """The key's state is in memory, and need not be read for the next call about it."""
        return key in self._held

    def on_record(self, key: str, payload: bytes | None, origin: str, blob: bytes | None, wall_ms: int) -> Answer:
        """Take in one record for `key` (`item/…`, `creator/…`, `segment/…`, `wording/…`): an item signal, or by its origin a catalogue record.

        `blob` is the key's state, None for a new one and for one that it `holds`. Raises TooManyDeadLetters.
        """
        state = self._state(key, blob) or ItemState()
        try:
            if parse_origin(origin).topic == self._settings.items_topic:
                self.metrics.add("item_versions")
                effects = self._version(key, state, payload, origin, wall_ms)
            else:
                self.metrics.add("item_signals")
                effects = self._signal(key, state, payload, origin, wall_ms)
                self.metrics.counts["item_signals_repeated"] += effects is None
        except DecodeError as error:
            return Answer(records=[self._dead_letter(key, payload, origin, error, wall_ms)])
        self._limit.good()
        return _NOTHING if effects is None else self._answer(key, state, effects)

    def on_release(self, key: str, at_ms: int, blob: bytes | None, wall_ms: int) -> Answer:
        """The timer for `at_ms` fired."""
        state = self._state(key, blob)
        if state is None:
            return _NOTHING
        return self._answer(key, state, self._learner.on_release(key, state, at_ms, wall_ms))

    def _signal(self, key: str, state: ItemState, payload: bytes | None, origin: str, wall_ms: int) -> LearningEffects | None:
        if not key.startswith((ITEM, CREATOR, SEGMENT, WORDING)):
            raise DecodeError(NULL_KEY, "key: must name who learns, such as item/mug-7")
        return self._learner.on_signal(key, state, self._signals.decode(key, payload, origin, wall_ms), wall_ms)

    def _version(self, key: str, state: ItemState, payload: bytes | None, origin: str, wall_ms: int) -> LearningEffects | None:
        """None for a bad record, which is a dead letter of the user operator, as that reads the same topic."""
        item_id = key.removeprefix(ITEM)
        if payload is None:
            return self._learner.on_deletion(key, state, item_id, parse_origin(origin).timestamp_ms, wall_ms)
        try:
            version, deleted = decode_version(item_id, payload, self._settings.max_record_bytes, self._settings.max_id_bytes)
        except DecodeError:
            return None
        if deleted:
            return self._learner.on_deletion(key, state, item_id, version.updated_at_ms, wall_ms)
        return self._learner.on_version(key, state, version, wall_ms)

    def _state(self, key: str, blob: bytes | None) -> ItemState | None:
        """The key's state, None for a new one. It is handed over: put it back."""
        state = self._held.take(key)
        return decode_item_state(blob) if state is None and blob is not None else state

    def _answer(self, key: str, state: ItemState, effects: LearningEffects) -> Answer:
        settings, counts = self._settings, self.metrics.counts
        self._held.put(key, state)
        answer = Answer(encode_item_state(state))
        for effect in effects:
            if type(effect) is Release:
                counts["knowledge_released"] += 1
                answer.records.append((settings.knowledge_topic, effect.key, encode_facts(effect.facts)))
            elif type(effect) is NudgeUser:
                counts["nudges_sent"] += 1
                answer.records.append((settings.nudges_topic, effect.user_id, encode_nudge(effect)))
            elif type(effect) is Tell:
                answer.records.append((settings.item_signals_topic, *encode_item_signal(effect.signal)))
            elif type(effect) is ReleaseAt:
                answer.wakes.append(effect.at_ms)
        return answer

    def _dead_letter(self, key: str, payload: bytes | None, origin: str, error: DecodeError, wall_ms: int) -> OutRecord:
        self.metrics.add(f"dead_letters.{reason_name(error.reason)}")
        self._limit.bad(error.detail)
        settings = self._settings
        letter_key, value = encode_dead_letter(key, payload, origin, error, wall_ms, settings.dead_letter_payload_bytes, settings.producer)
        return settings.dead_letters_topic, letter_key, value
