"""CTR × CVR over the user's week, reckoned by the core from the state that the job holds and what it knew of others' hours.

*Contract*: pure.
"""

from typing import Any

from flink_job.codec.inputs import decode_hours
from flink_job.core.learning.state import SLOT_COLUMNS, VISITS
from flink_job.core.rules import Rules, SendTimeRules
from flink_job.core.send_time import SendTime
from flink_job.core.slot_counts import SlotCounts
from flink_job.core.slot_prior import SlotPrior, flat_prior, prior_of
from flink_job.core.witness import WeekOfOthers
from kairos.decisions.held import Held


def week(held: Held, rules: Rules, now_ms: int) -> dict[str, Any] | None:
    """By hour of the local week, Monday 00:00 first, (168,) each; with the minutes between which it is quiet. None if others' hours are not told."""
    if held.hours is None:
        return None
    send_time = rules.send_time
    counts = SlotCounts(send_time)
    of_others = decode_hours(held.hours).week
    rates = SendTime(send_time, counts).rates(held.state, _prior(of_others, send_time), now_ms)
    ctr, cvr = rates.rates
    _, visits = counts.activity(held.state, now_ms)
    _, outcomes = counts.outcomes(held.state, now_ms)
    others = of_others[0].sum(axis=0).tolist() if of_others is not None else [0.0] * SLOT_COLUMNS
    quiet = rules.gates.quiet_hours
    return {
        "ctr": ctr.tolist(),
        "cvr": cvr.tolist(),
        "quiet": [quiet.start_minute, quiet.end_minute] if quiet.start_minute != quiet.end_minute else None,
        "visits": float(visits.sum()),
        "sends": float(outcomes[:, 0].sum()),
        "othersSends": others[0],
        "othersVisits": others[VISITS],
    }


def _prior(week_of_others: WeekOfOthers | None, rules: SendTimeRules) -> SlotPrior:
    """As `Moment` makes it of the same counts."""
    return flat_prior(rules.open_rate, rules.convert_rate) if week_of_others is None else prior_of(rules, *week_of_others)
