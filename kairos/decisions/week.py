"""CTR × CVR over the user's week, reckoned by the core from the state that the job holds and what it knew of others' hours.

*Contract*: pure.
"""

from typing import Any

import numpy as np

from flink_job.core.rules import Rules
from flink_job.core.send_time import SendTime
from flink_job.core.slot_counts import SlotCounts
from flink_job.core.slot_prior import SLOTS, SlotPrior, flat_prior, prior_of
from kairos.decisions.held import Held
from kairos.v1.decision_pb2 import KnownHours


def week(held: Held, rules: Rules, now_ms: int) -> dict[str, Any] | None:
    """By hour of the local week, Monday 00:00 first, (168,) each; with the minutes between which it is quiet. None if others' hours are not told."""
    if held.hours is None:
        return None
    send_time = rules.send_time
    counts = SlotCounts(send_time)
    rates = SendTime(send_time, counts).rates(held.state, _prior(held.hours, rules), now_ms)
    ctr, cvr = rates.rates
    _, visits = counts.activity(held.state, now_ms)
    _, outcomes = counts.outcomes(held.state, now_ms)
    quiet = rules.gates.quiet_hours
    return {
        "ctr": ctr.tolist(),
        "cvr": cvr.tolist(),
        "quiet": [quiet.start_minute, quiet.end_minute] if quiet.start_minute != quiet.end_minute else None,
        "visits": float(visits.sum()),
        "sends": float(outcomes[:, 0].sum()),
        "othersSends": _sends(held.hours),
    }


def _prior(hours: KnownHours, rules: Rules) -> SlotPrior:
    """As `Moment` makes it of the same counts."""
    if not hours.everybody:
        return flat_prior(rules.send_time.open_rate, rules.send_time.convert_rate)
    return prior_of(rules.send_time, _counts(hours.everybody), _counts(hours.segment))


def _counts(packed: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.frombuffer(packed, "<f4").reshape(SLOTS, 3).astype(np.float32)


def _sends(hours: KnownHours) -> float:
    return float(_counts(hours.everybody)[:, 0].sum()) if hours.everybody else 0.0
