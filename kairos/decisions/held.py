"""What the job holds of a user: their state as its log records it, brought up to now.

A replayable decision (`log.replayable_share`) has the state that the job read. The call is made again by the rules it was made by, which leaves the
state that the job was left with, the hour it chose ahead included. Feedback leads to no decision and so to no record: what was heard since is taken
in as the job takes it in, by id, so that what the state has already counts once.

*Contract*: pure; guesses nothing. None where the log does not tell: no record with inputs, or one by rules that are not the configured ones.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flink_job.codec.errors import DecodeError
from flink_job.codec.signals import SignalDecoder, SignalLimits
from flink_job.config import Config
from flink_job.core.catalogue import Catalogue
from flink_job.core.interest import Interest
from flink_job.core.policy import PushPolicy
from flink_job.core.state import UserState
from flink_job.core.tastes import Tastes
from flink_job.engine import zone_of
from kairos.decisions.again import NotReplayable, state_after
from kairos.v1.decision_pb2 import Decision, KnownHours
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.signal_pb2 import Signal

_ON_ITS_WAY_MS = 10_000
"""Feedback of so long before a decision may have been read after it: the two come by different topics."""


@dataclass(frozen=True, slots=True)
class Held:
    """`state` once the decision of `at_ms` was taken, and what was heard since was taken in."""

    state: UserState
    at_ms: int
    hours: KnownHours | None
    """What was known of others' hours when it was asked last; None: no record tells."""


def held(decisions: Sequence[Decision], feedback: Iterable[Feedback], hours: KnownHours | None, config: Config) -> Held | None:
    """Of one user, the oldest first."""
    decision = next((each for each in reversed(decisions) if each.HasField("inputs")), None)
    rules = config.policy
    if decision is None or (decision.policy_id, decision.policy_version) != (rules.policy_id, rules.version):
        return None
    try:
        state = state_after(decision, rules, config.learning)
    except NotReplayable:
        return None
    since_ms = decision.decided_at_ms - _ON_ITS_WAY_MS
    _take_in(state, decision, [each for each in feedback if each.feedback_id and each.occurred_at_ms >= since_ms], config)
    return Held(state, decision.decided_at_ms, hours)


def tastes_of(held: Held, config: Config) -> Tastes:
    """Their profiles, by scenario."""
    return Interest(config.policy.interest).tastes(held.state)


def _take_in(state: UserState, decision: Decision, heard: Iterable[Feedback], config: Config) -> None:
    limits = config.limits
    decoder = SignalDecoder(SignalLimits(limits.max_record_bytes, limits.max_id_bytes, limits.max_age_ms, limits.max_future_ms))
    policy = PushPolicy(config.policy, Catalogue(decision.inputs.feature_dim), zone_of)
    for feedback in heard:
        try:
            signal = decoder.decode(decision.user_id, Signal(feedback=feedback).SerializeToString(), "", decision.inputs.wall_ms)
        except DecodeError:
            continue  # the job refuses it as well
        if state.pending is not None and state.pending.due_ms <= signal.at_ms:
            return  # what waited is decided first, and the record of that is on its way
        policy.on_signal(decision.user_id, state, signal, decision.inputs.wall_ms)
