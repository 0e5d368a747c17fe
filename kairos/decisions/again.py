"""Takes a logged decision again, from its record alone and the rules it was taken by, or others.

A small catalogue is built of the items in the record, in the order of their rows, so that ties, sums and products fall as they did; what was
found in the whole catalogue, and what was known of items and hours, comes from the record.

*Contract*: pure. Raises ``NotReplayable``, which says why in words that are the same for all decisions of which it is true.
"""

from collections.abc import Iterator
from dataclasses import replace

from flink_job.codec.decisions import encode_sent, encode_suppressed
from flink_job.codec.errors import DecodeError
from flink_job.codec.inputs import Call, Shared, decode_call, decode_shared
from flink_job.codec.items import ItemDecoder
from flink_job.codec.signals import SignalDecoder, SignalLimits
from flink_job.codec.state import StateCodec, UnknownStateVersion
from flink_job.core.catalogue import Catalogue
from flink_job.core.effects import Effects, Push, Suppressed, wake_set_with
from flink_job.core.policy import PushPolicy
from flink_job.core.recalled import NotNoted, RecalledFinder, RecalledKnowledge
from flink_job.core.rules import LearningRules, Rules
from flink_job.core.signals import Signal
from flink_job.core.state import UserState, new_user
from flink_job.engine import zone_of
from kairos.v1.decision_pb2 import Decision

_NO_LIMIT = 1 << 62
_SIGNALS = SignalDecoder(SignalLimits(_NO_LIMIT, _NO_LIMIT, _NO_LIMIT, _NO_LIMIT))
"""What was refused then was not decided on."""


class NotReplayable(Exception):
    """The record does not hold what is needed."""


def taken_again(decision: Decision, rules: Rules, learning: LearningRules) -> list[Decision]:
    """All that comes of what led to this decision, as it would be logged; without inputs."""
    effects, _ = _call_again(decision, rules, learning)
    return list(_logged(decision.user_id, effects, rules, decision.producer))


def state_after(decision: Decision, rules: Rules, learning: LearningRules) -> UserState:
    """The user's state once all that came of what led to this decision had been done."""
    return _call_again(decision, rules, learning)[1]


def counterpart(decision: Decision, others: list[Decision]) -> Decision | None:
    """Which of the ``others`` is the same decision: on the same cause, at the same moment if there is one; None: none is."""
    same_cause = [other for other in others if other.cause_id == decision.cause_id]
    same_moment = [other for other in same_cause if other.decided_at_ms == decision.decided_at_ms]
    named_alike = [other for other in same_moment if other.decision_id == decision.decision_id]
    return next(iter(named_alike or same_moment or same_cause), None)


def _call_again(decision: Decision, rules: Rules, learning: LearningRules) -> tuple[Effects, UserState]:
    """What came of the call, and the state that it left."""
    if not decision.HasField("inputs"):
        raise NotReplayable("it has no inputs")
    try:
        call, shared = decode_call(decision.inputs), decode_shared(decision.inputs)
        catalogue = _catalogue(decision, shared)
        signal = None if call.payload is None else _SIGNALS.decode(decision.user_id, call.payload, call.origin, call.wall_ms)
        state = _state(call, shared, signal)
    except (DecodeError, UnknownStateVersion, ValueError) as error:
        raise NotReplayable("its inputs cannot be read") from error
    finder = RecalledFinder(shared.noted)
    stopped = [catalogue.key_of_row(place) for place in shared.stopped]
    knowledge = RecalledKnowledge(learning, catalogue, finder, shared.hours, stopped, shared.price)
    everything = replace(rules, log=replace(rules.log, suppressed_share=1.0, replayable_share=0.0))
    policy = PushPolicy(everything, catalogue, zone_of, knowledge, finder=finder)
    try:
        if signal is None:
            effects = policy.on_wake(decision.user_id, state, call.wake_at_ms, call.wall_ms, call.hold_until_ms)
        else:
            effects = policy.on_signal(decision.user_id, state, signal, call.wall_ms, call.hold_until_ms)
    except NotNoted as missing:
        raise NotReplayable(str(missing)) from missing
    return effects, state


def _catalogue(decision: Decision, shared: Shared) -> Catalogue:
    """The items of the record in the rows of their places. Raises DecodeError, and ValueError if one is there twice."""
    catalogue = Catalogue(shared.feature_dim)
    items = ItemDecoder(shared.feature_dim, _NO_LIMIT, _NO_LIMIT)
    for listed, payload in zip(decision.inputs.items, shared.items, strict=True):
        if not catalogue.upsert(items.decode(listed.item_id, payload)[0]):
            raise ValueError(f"item {listed.item_id!r} is there twice")
    catalogue.version = decision.catalogue_version
    return catalogue


def _state(call: Call, shared: Shared, signal: Signal | None) -> UserState:
    """Raises UnknownStateVersion, and ValueError for what is no state."""
    if call.state is not None:
        return StateCodec(shared.feature_dim).decode(call.state)
    if signal is None:
        raise ValueError("a wake-up of nobody")
    return new_user(shared.feature_dim, signal.at_ms)


def _logged(user_id: str, effects: Effects, rules: Rules, producer: str) -> Iterator[Decision]:
    name = rules.policy_id, rules.version
    for effect in effects:
        if isinstance(effect, Push):
            yield Decision.FromString(encode_sent(user_id, effect, wake_set_with(effect, effects), name, producer))
        elif isinstance(effect, Suppressed) and effect.record is not None:
            wake_at_ms, share = wake_set_with(effect, effects), rules.log.suppressed_share
            yield Decision.FromString(encode_suppressed(user_id, effect, effect.record, wake_at_ms, name, share, producer))
