"""The items a user dealt with lately: `r_ui`, and what was left unfinished.

`r_ui = v / (v + κ)` with `v` the decayed sum of interaction weights with this very item: from 0, unknown, towards 1. A negative sum counts
as 0; what a user dislikes is excluded, not scored.
"""

from __future__ import annotations

import numpy as np

from flink_job.core.rules import AffinityRules
from flink_job.core.signals import InteractionType
from flink_job.core.state import BOUGHT, DISLIKED, FAVOURITE, IN_CART, Floats, UserState

_SETS = {
    InteractionType.CART: IN_CART,
    InteractionType.FAVOURITE: FAVOURITE,
    InteractionType.PURCHASE: BOUGHT,
    InteractionType.DISLIKE: DISLIKED,
    InteractionType.HIDE: DISLIKED,
    InteractionType.REPORT: DISLIKED,
}
_CLEARS = {
    InteractionType.REMOVE_FROM_CART: IN_CART,
    InteractionType.UNFAVOURITE: FAVOURITE,
    InteractionType.PURCHASE: IN_CART,
    InteractionType.RETURN: BOUGHT,
    InteractionType.LIKE: DISLIKED,
}


class Recents:
    """The rules of affinity, ready to use."""

    __slots__ = ("_kept", "_rate", "_saturation")

    def __init__(self, rules: AffinityRules, kept: int) -> None:
        self._rate = -1.0 / rules.half_life_ms
        self._saturation = rules.saturation
        self._kept = kept

    def observe(self, state: UserState, item_key: int, kind: int, weight: float, at_ms: int) -> None:
        """Remember that the user did `kind` with the item."""
        items = state.recent_item
        flags = 0
        if item_key in items:
            row = items.index(item_key)
            before_ms, before = state.recent_at_ms[row], state.recent_weight[row]
            flags = state.recent_flags[row]
            del items[row], state.recent_at_ms[row], state.recent_weight[row], state.recent_flags[row]
            if at_ms >= before_ms:
                weight += before * 2.0 ** ((at_ms - before_ms) * self._rate)
            else:
                weight = before + weight * 2.0 ** ((before_ms - at_ms) * self._rate)
                at_ms = before_ms
        elif len(items) >= self._kept:
            if at_ms < state.recent_at_ms[0]:
                return  # late, and older than all that is kept
            del items[0], state.recent_at_ms[0], state.recent_weight[0], state.recent_flags[0]
        row = len(items)
        times = state.recent_at_ms
        while row and times[row - 1] > at_ms:
            row -= 1
        items.insert(row, item_key)
        times.insert(row, at_ms)
        state.recent_weight.insert(row, weight)
        state.recent_flags.insert(row, flags & ~_CLEARS.get(kind, 0) | _SETS.get(kind, 0))  # type: ignore[call-overload]

    def affinities(self, state: UserState, now_ms: int) -> Floats:
        """`r_ui` of each recent item, (n,), in the order of the state's rows."""
        age_ms = np.maximum(now_ms - np.frombuffer(state.recent_at_ms, np.int64), 0)
        value = np.maximum(np.frombuffer(state.recent_weight, np.float32) * np.exp2(age_ms * self._rate), 0)
        affinities: Floats = (value / (value + self._saturation)).astype(np.float32)
        return affinities


def unfinished(state: UserState, limit: int) -> list[int]:
    """Keys of items in the cart or on the wish list that were not bought, newest first."""
    found: list[int] = []
    for row in range(len(state.recent_item) - 1, -1, -1):
        flags = state.recent_flags[row]
        if flags & (IN_CART | FAVOURITE) and not flags & (BOUGHT | DISLIKED):
            found.append(state.recent_item[row])
            if len(found) >= limit:
                break
    return found
