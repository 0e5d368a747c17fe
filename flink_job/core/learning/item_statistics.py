"""How an item is doing: decayed popularity, over all and by group of users (country, segments), and decayed counts of what became of its pushes.

`popularity(t) = Σ_visits rating · 2^(−(t − t_visit) / h)`. Outcomes count as of the *sending* of their push, whenever they come in, so that all
of one push fade alike and a rate such as opened / sent is not bent by the time that opening takes.
"""

from __future__ import annotations

from collections.abc import Iterable

from flink_job.core.learning.fading import fading, times
from flink_job.core.learning.signals import SEGMENT, PushStage
from flink_job.core.learning.state import CONVERTED, DISMISSED, OPENED, OPTED_OUT, SENT, ItemState
from flink_job.core.rules.learning import OutcomeRules, PopularityRules

COLUMN_OF = {
    PushStage.SENT: SENT,
    PushStage.OPENED: OPENED,
    PushStage.CONVERTED: CONVERTED,
    PushStage.DISMISSED: DISMISSED,
    PushStage.OPTED_OUT: OPTED_OUT,
}


def add_popularity(rules: PopularityRules, state: ItemState, rating: float, groups: Iterable[str], at_ms: int) -> None:
    """A visit of a user of these groups dealt with the item; of too many countries, or segments, the one where it is least popular is forgotten."""
    state.popularity_at_ms, held, new = times(state.popularity_at_ms, at_ms, rules.half_life_ms)
    state.popularity = state.popularity * held + rating * new
    by_group = state.by_group
    if held != 1.0:
        for name in by_group:
            by_group[name] *= held
    for group in groups:
        is_segment = group.startswith(SEGMENT)
        most = rules.segments if is_segment else rules.countries
        if not most:
            continue
        by_group[group] = by_group.get(group, 0.0) + rating * new
        alike = [name for name in by_group if name.startswith(SEGMENT) == is_segment]
        if len(alike) > most:
            del by_group[min(alike, key=lambda name: (by_group[name], name))]


def add_outcome(rules: OutcomeRules, state: ItemState, stage: int, sent_at_ms: int) -> None:
    """Something became of a push that named the item."""
    state.outcomes_at_ms, held, new = times(state.outcomes_at_ms, sent_at_ms, rules.half_life_ms)
    if held != 1.0:
        state.outcomes = [count * held for count in state.outcomes]
    state.outcomes[COLUMN_OF[PushStage(stage)]] += new


def popularity_at(rules: PopularityRules, state: ItemState, now_ms: int) -> tuple[float, dict[str, float]]:
    """Popularity as of `now_ms`: over all, and by group."""
    left = fading(max(now_ms - state.popularity_at_ms, 0), rules.half_life_ms)
    return state.popularity * left, {name: value * left for name, value in state.by_group.items()}


def is_stopped(rules: OutcomeRules, state: ItemState) -> bool:
    """Too many of the pushes that named it were swiped away or made users leave.

    Worked example: with `stop_after_sends` 50 and `stop_share` 0.3, of 60 pushes 20 that were dismissed stop an item (20 / 60 = 0.33).
    """
    sent = state.outcomes[SENT]
    return sent >= rules.stop_after_sends and state.outcomes[DISMISSED] + state.outcomes[OPTED_OUT] > rules.stop_share * sent
