"""What goes with an item: streaming item-based collaborative filtering, after TencentRec (Huang et al., SIGMOD 2015).

    co(i, j | visit) = min(r_i, r_j)            r: how strongly the visit dealt with the item
    sim(i, j) = Σ co / (√Σ r_i · √Σ r_j)        the sums over visits, decayed; 0 (never together) to 1 (only ever together)

The item keeps its own Σ r_i, the Σ co with each neighbour, and each neighbour's Σ r_j as the visits last told it; where they did not, Σ co is what
it is at least. A similarity with little support is shrunk, `sim · co / (co + support)` (Bell & Koren, ICDM 2007), or two rare items seen together
once would be the best of neighbours.

The list is bounded: a newcomer takes the place of the one with the least Σ co, as in lossy counting (Metwally et al., ICDT 2005, replace the minimum
likewise), so what comes together again and again stays. Not of the least similar one: a companion that is popular elsewhere would be that when it is
new, and never get to be anything else.

TencentRec's own pruning (Hoeffding) forbids a pair for ever and needs memory of what is forbidden; a list that fades does not.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from flink_job.core.ids import key_of, place_of_key
from flink_job.core.learning.fading import fading, times
from flink_job.core.learning.signals import Visit
from flink_job.core.learning.state import ItemState
from flink_job.core.rules.learning import CovisitRules


def add_visit(rules: CovisitRules, state: ItemState, own: int, visit: Visit) -> None:
    """A visit dealt with the item, the one at `own`, and with others. Pairs that were told before do not count again."""
    rating, own_at_ms = visit.ratings[own], visit.at_ms[own]
    _move(rules, state, max(visit.at_ms))
    held_at_ms, rate = state.covisits_at_ms, 1.0 / rules.half_life_ms
    is_told = own < visit.told
    if not is_told:
        state.rating_sum += rating * fading(held_at_ms - own_at_ms, rules.half_life_ms)
    for other in range(visit.told if is_told else 0, len(visit.item_ids)):
        corating = min(rating, visit.ratings[other])
        if other != own and corating > 0.0:
            corating *= 2.0 ** -min((held_at_ms - max(own_at_ms, visit.at_ms[other])) * rate, 1000.0)
            _add(rules, state, visit.item_ids[other], corating, visit.rating_sums[other])


def similarities(rules: CovisitRules, state: ItemState) -> NDArray[np.float64]:
    """Shrunk similarity of each neighbour, (n,), 0..1.

    Worked example: Σ r_i = 8, Σ r_j = 2 and Σ co = 2 give 2 / (√8 · √2) = 0.5, and with a support of 2 half of that.
    """
    weight = np.frombuffer(state.neighbour_weight, np.float32).astype(np.float64)
    if not len(weight):
        return weight
    theirs = np.maximum(np.frombuffer(state.neighbour_rating_sum, np.float32), weight)
    ours = max(state.rating_sum, float(weight.max()))
    shrunk: NDArray[np.float64] = weight / np.sqrt(ours * theirs) * (weight / (weight + rules.support))
    return np.minimum(shrunk, 1.0, out=shrunk)


def best_neighbours(rules: CovisitRules, state: ItemState) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Ids and similarities of the neighbours to tell of, best first, equal ones by key."""
    similar = similarities(rules, state)
    order = np.lexsort((np.frombuffer(state.neighbour_key, np.uint64), -similar))[: rules.released]
    return tuple([state.neighbour_ids[at] for at in order.tolist()]), tuple(similar[order].tolist())


def _add(rules: CovisitRules, state: ItemState, item_id: str, corating: float, rating_sum: float) -> None:
    key = key_of(item_id)
    at = place_of_key(key, state.neighbour_key)
    if at >= 0:
        state.neighbour_weight[at] += corating
        if rating_sum:
            state.neighbour_rating_sum[at] = rating_sum
        return
    if len(state.neighbour_key) >= rules.kept:
        at = int(np.frombuffer(state.neighbour_weight, np.float32).argmin())  # of equal ones the first, which is the oldest
        del state.neighbour_ids[at], state.neighbour_key[at], state.neighbour_weight[at], state.neighbour_rating_sum[at]
    state.neighbour_ids.append(item_id)
    state.neighbour_key.append(key)
    state.neighbour_weight.append(corating)
    state.neighbour_rating_sum.append(rating_sum)


def _move(rules: CovisitRules, state: ItemState, at_ms: int) -> None:
    """Fade what is held to `at_ms`, if that is later."""
    state.covisits_at_ms, held, _ = times(state.covisits_at_ms, at_ms, rules.half_life_ms)
    if held != 1.0:
        state.rating_sum *= held
        if state.neighbour_weight:
            faded = np.frombuffer(state.neighbour_weight, np.float32) * np.float32(held)
            state.neighbour_weight = array("f", faded.tobytes())
