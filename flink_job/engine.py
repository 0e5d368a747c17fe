"""Records in, records out, for one user at a time: decode, let the core decide, encode. No Flink here.

The Flink operator, the in-process runner and the benchmarks' other engines are shells around this: they keep the states and the timers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flink_job.codec.arms import arms_of_decision, arms_of_push, encode_exposure
from flink_job.codec.dead_letters import encode_dead_letter
from flink_job.codec.decisions import encode_sent, encode_suppressed
from flink_job.codec.errors import DecodeError, reason_name
from flink_job.codec.item_signals import encode_item_signal
from flink_job.codec.pushes import PushEncoder
from flink_job.codec.signals import SignalDecoder, SignalLimits
from flink_job.codec.state import StateCodec
from flink_job.core.catalogue import Catalogue
from flink_job.core.effects import BARE, Effects, Erase, Push, Suppressed, Wake, wake_set_with
from flink_job.core.item_signals import ItemSignalMaker
from flink_job.core.knowledge import Knowledge
from flink_job.core.learning.signals import ItemSignal
from flink_job.core.local_time import ZoneOf
from flink_job.core.policy import PushPolicy
from flink_job.core.reasons import AFTER_SCORING, BEFORE_THE_GATES, Reason
from flink_job.core.rules import Rules
from flink_job.core.state import UserState, new_user
from flink_job.core.wordings import wordings_of
from flink_job.dead_letter_limit import DeadLetterLimit
from flink_job.metrics import Metrics
from flink_job.policies import Policy
from flink_job.policy_feed import Change, PolicyFeed
from flink_job.replayable import ReplayableCall, Replayables
from flink_job.settings import EngineSettings
from flink_job.shared_feed import SharedFeed
from flink_job.state_cache import StateCache
from flink_job.warm_up import WarmUp

OutRecord = tuple[str, str, bytes]
"""(topic, key, value)"""

MakePolicy = Callable[[Rules, Catalogue, ZoneOf, Knowledge | None, ItemSignalMaker | None], PushPolicy]
"""What decides; another than `PushPolicy` itself where one is judged."""

_DAY_MS = 86_400_000
_NEVER_SEEN_MS = -1


class Answer:
    """What to do after a record: `state` to keep (None: leave it), whether to forget the user, records to send, wake-ups to set."""

    __slots__ = ("erased", "records", "state", "wakes")

    def __init__(
        self, state: bytes | None = None, records: list[OutRecord] | None = None, wakes: list[int] | None = None, *, erased: bool = False
    ) -> None:
        self.state = state
        self.records = records or []
        self.wakes = wakes or []
        self.erased = erased


_NOTHING = Answer()


class Engine:
    """One operator instance: the catalogue, the policy, and the counts."""

    def __init__(self, settings: EngineSettings, make_policy: MakePolicy = PushPolicy) -> None:
        self._settings = settings
        self.items_topic = settings.items_topic
        self.catalogue = Catalogue(settings.feature_dim)
        self.knowledge = Knowledge(settings.learning, self.catalogue)
        self.warm_up = WarmUp(settings.shared_ends, settings.warm_up_timeout_ms, settings.warm_up_retry_ms)
        self.metrics = Metrics()
        self.metrics.levels["catalogue_items"] = lambda: len(self.catalogue)
        self.metrics.levels["items_known"] = lambda: len(self.knowledge)
        self.metrics.levels["warming_up"] = lambda: int(not self.warm_up.finished)
        telling = settings.learning.telling
        tell = ItemSignalMaker(telling, self.catalogue, self.knowledge) if telling.enabled else None
        self._policies = PolicyFeed(
            settings,
            self.metrics,
            lambda rules: (
                make_policy(rules, self.catalogue, zone_of, self.knowledge, tell),
                PushEncoder(rules.messages, settings.producer, self.knowledge, wordings_of(rules.messages) if tell is not None else None),
            ),
        )
        self._signals = SignalDecoder(
            SignalLimits(settings.max_record_bytes, settings.max_id_bytes, settings.max_age_ms, settings.max_future_ms)
        )
        self._shared = SharedFeed(settings, self.catalogue, self.knowledge, self._policies, self.metrics)
        self._states = StateCodec(settings.feature_dim)
        self._replayables = Replayables(self.catalogue, self.knowledge, self._states, self.metrics, settings.feature_dim)
        self._limit = DeadLetterLimit(settings.dead_letter_share, settings.dead_letter_sample)
        self._held: StateCache[UserState] = StateCache(settings.state_cache_users)
        self._forget_after_ms = settings.user_ttl_days * _DAY_MS

    def on_signal(self, user_id: str, payload: bytes | None, origin: str, blob: bytes | None, wall_ms: int) -> Answer:
        """Take in one record of a user topic; `blob` is the user's state, None for a new user or one that `holds`.

        Raises TooManyDeadLetters.
        """
        counts = self.metrics.counts
        counts["signals"] += 1
        try:
            signal = self._signals.decode(user_id, payload, origin, wall_ms)
        except DecodeError as error:
            return Answer(records=[self._dead_letter(user_id, payload, origin, error, wall_ms)])
        self._limit.good()
        state = self._state(user_id, blob, wall_ms)
        if state is None:
            counts["users_new"] += 1
            state = new_user(self._settings.feature_dim, signal.at_ms)
            before_ms = _NEVER_SEEN_MS
        else:
            before_ms = state.last_signal_ms
        policy = self._policies.policy_for(user_id, wall_ms)
        hold_until_ms = self.warm_up.hold_until_ms(wall_ms)
        call, witness = None, policy.push.witness
        if witness is not None:
            is_new = before_ms == _NEVER_SEEN_MS
            call = self._replayables.begin_signal(witness, state, signal, payload, origin, wall_ms, hold_until_ms, is_new=is_new)
        effects = policy.push.on_signal(user_id, state, signal, wall_ms, hold_until_ms)
        if call is not None:
            call.end()
        if effects is BARE[Reason.DUPLICATE]:
            counts["suppressed.duplicate"] += 1
            self._held.put(user_id, state)
            return _NOTHING
        answer = self._answer(user_id, state, effects, wall_ms, policy, call)
        if before_ms <= policy.since_ms <= state.last_signal_ms:
            self._expose(user_id, state.last_signal_ms, policy, answer)
        return answer

    def on_wake(self, user_id: str, at_ms: int, blob: bytes | None, wall_ms: int) -> Answer:
        """The timer for `at_ms` fired."""
        self.metrics.add("wake_ups_fired")
        state = self._state(user_id, blob, wall_ms)
        if state is None:
            return _NOTHING
        before_ms = state.last_signal_ms
        policy = self._policies.policy_for(user_id, wall_ms)
        hold_until_ms = self.warm_up.hold_until_ms(wall_ms)
        call, witness = None, policy.push.witness
        if witness is not None:
            call = self._replayables.begin_wake(witness, state, at_ms, wall_ms, hold_until_ms)
        effects = policy.push.on_wake(user_id, state, at_ms, wall_ms, hold_until_ms)
        if call is not None:
            call.end()
        if not effects:
            self._held.put(user_id, state)
            return _NOTHING
        answer = self._answer(user_id, state, effects, wall_ms, policy, call)
        if before_ms <= policy.since_ms <= state.last_signal_ms:
            self._expose(user_id, state.last_signal_ms, policy, answer)
        return answer

    def holds(self, user_id: str) -> bool:
        """The user's state is in memory, and need not be read for the next call about this user."""
        return user_id in self._held

    def on_shared(self, key: str | None, payload: bytes | None, origin: str, wall_ms: int) -> tuple[Sequence[Change], OutRecord | None]:
        """Take in one record of the catalogue or the knowledge topic: what is to be stored of it, and a dead letter if it was bad.

        Raises TooManyDeadLetters.
        """
        self.warm_up.saw(origin)
        changes, refusal = self._shared.take(key, payload, origin, wall_ms)
        if refusal is not None:
            return changes, self._dead_letter(key, payload, origin, refusal, wall_ms)
        self._limit.good()
        return changes, None

    def restore(self, stored: dict[str, bytes], wall_ms: int) -> None:
        """Take in what was stored: the catalogue, item id → record, and the knowledge."""
        self._shared.restore(stored, wall_ms)

    def _answer(
        self, user_id: str, state: UserState, effects: Effects, wall_ms: int, policy: Policy, call: ReplayableCall | None
    ) -> Answer:
        counts = self.metrics.counts
        settings = self._settings
        answer = Answer()
        for effect in effects:
            if type(effect) is Suppressed:
                counts[self.metrics.suppressed[effect.reason]] += 1
                if effect.reason not in BEFORE_THE_GATES:
                    counts["decisions"] += 1
                    if effect.reason in AFTER_SCORING:
                        counts["scored"] += 1
                if effect.record is not None:
                    wake_at_ms, share = wake_set_with(effect, effects), policy.rules.log.suppressed_share
                    value = encode_suppressed(user_id, effect, effect.record, wake_at_ms, policy.name, share, settings.producer)
                    inputs = b"" if call is None else call.inputs(policy.rules.log, effect.record, share)
                    answer.records.append((settings.decisions_topic, user_id, value + arms_of_decision(policy.arms) + inputs))
            elif type(effect) is Push:
                counts["decisions"] += 1
                counts["scored"] += 1
                counts["pushes"] += 1
                self.metrics.push_latency(wall_ms - effect.record.caused_at_ms)
                self.metrics.variety.pushed(state, 1 + len(effect.also))
                push, told = policy.pushes.encode(user_id, state, effect, policy.name)
                for about_wordings in told:
                    counts["item_signals_sent"] += 1
                    answer.records.append((settings.item_signals_topic, *encode_item_signal(about_wordings)))
                answer.records.append((settings.pushes_topic, user_id, push + arms_of_push(policy.arms)))
                sent = encode_sent(user_id, effect, wake_set_with(effect, effects), policy.name, settings.producer)
                inputs = b"" if call is None else call.inputs(policy.rules.log, effect.record, 1.0)
                answer.records.append((settings.decisions_topic, user_id, sent + arms_of_decision(policy.arms) + inputs))
            elif type(effect) is ItemSignal:
                counts["item_signals_sent"] += 1
                answer.records.append((settings.item_signals_topic, *encode_item_signal(effect)))
            elif type(effect) is Wake:
                counts["wake_ups_set"] += 1
                answer.wakes.append(effect.at_ms)
            elif type(effect) is Erase:
                counts["users_erased"] += 1
                answer.erased = True
                return answer
        self._held.put(user_id, state)
        answer.state = self._states.encode(state)
        return answer

    def _expose(self, user_id: str, at_ms: int, policy: Policy, answer: Answer) -> None:
        """The user's first signal since the arms of an experiment differ is logged, so that those who get no push count as well."""
        if not answer.erased:
            settings = self._settings
            value = encode_exposure(user_id, at_ms, policy.name, policy.arms, policy.since_ms, settings.producer)
            answer.records.append((settings.decisions_topic, user_id, value))
            self.metrics.add("exposures")

    def _state(self, user_id: str, blob: bytes | None, wall_ms: int) -> UserState | None:
        """The user's state, None for a new one and for one of whom nothing was heard for too long. It is handed over: put it back."""
        state = self._held.take(user_id)
        if state is None and blob is not None:
            state = self._states.decode(blob)
        return None if state is not None and wall_ms - state.last_signal_ms > self._forget_after_ms else state

    def _dead_letter(self, key: str | None, payload: bytes | None, origin: str, error: DecodeError, wall_ms: int) -> OutRecord:
        self.metrics.add(f"dead_letters.{reason_name(error.reason)}")
        self._limit.bad(error.detail)
        letter_key, value = encode_dead_letter(
            key, payload, origin, error, wall_ms, self._settings.dead_letter_payload_bytes, self._settings.producer
        )
        return self._settings.dead_letters_topic, letter_key, value


def zone_of(name: str) -> ZoneInfo | None:
    """The rules of an IANA zone from the system or the `tzdata` package, None if there is no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
