"""What rounds of pushes say about one template: the six sums that `flink_job.core.messages.arms` makes a score of.

Σ w·r, Σ w and Σ w² with w = 1/b over the rounds in which it was chosen, and with w = 1/(1−b) over those in which it could have been and another
was; b its probability, r 1 for what was opened. All six fade, so that what has not been tried for long is not believed for ever, and count as of
the *sending*, so that an open that comes late does not look better than one that came at once.

Worked example: chosen with b = 0.2 and opened: w = 5, so Σ w·r, Σ w, Σ w² grow by 5, 5, 25. The other, b = 0.8, was not: w = 1/(1 − 0.8), the same.
"""

from __future__ import annotations

from flink_job.core.learning.fading import times
from flink_job.core.learning.signals import PushStage, WordingRound
from flink_job.core.learning.state import OPENED, SENT, ItemState
from flink_job.core.rules.learning import WordingRules

SUMS = 6


def add_round(rules: WordingRules, state: ItemState, template_id: str, told: WordingRound) -> None:
    """A push was sent with, or without, this template that could have been chosen; or it was opened."""
    place = told.template_ids.index(template_id)
    state.outcomes_at_ms, held, new = times(state.outcomes_at_ms, told.sent_at_ms, rules.half_life_ms)
    sums = [value * held for value in state.wording] or [0.0] * SUMS
    if held != 1.0:
        state.outcomes = [count * held for count in state.outcomes]
    chosen = place == 0
    b = min(max(told.propensities[place], rules.least_propensity), 1.0 - rules.least_propensity)
    w = 1.0 / b if chosen else 1.0 / (1.0 - b)
    first = 0 if chosen else SUMS // 2
    if told.stage == PushStage.SENT:
        sums[first + 1] += w * new
        sums[first + 2] += w * w * new
        state.outcomes[SENT] += new
    else:
        sums[first] += w * new
        state.outcomes[OPENED] += new
    state.wording = sums
