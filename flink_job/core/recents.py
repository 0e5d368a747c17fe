"""The items a user dealt with lately: `r_ui`, and what was left unfinished.

`r_ui = v / (v + κ)` with `v` the decayed sum of interaction weights with this very item: from 0, unknown, towards 1. A negative sum counts
as 0; what a user dislikes is excluded, not scored.
"""

from __future__ import annotations

from flink_job.core.ids import place_of_key
from flink_job.core.rules import AffinityRules
from flink_job.core.signals import InteractionType
from flink_job.core.state import BOUGHT, DISLIKED, FAVOURITE, IN_CART, SUBSCRIBED, UserState

_SETS = {
    InteractionType.CART: IN_CART,
    InteractionType.CHECKOUT: IN_CART,  # who buys at once puts nothing into the cart first
    InteractionType.FAVOURITE: FAVOURITE,
    InteractionType.PURCHASE: BOUGHT,
    InteractionType.DISLIKE: DISLIKED,
    InteractionType.HIDE: DISLIKED,
    InteractionType.REPORT: DISLIKED,
    InteractionType.SUBSCRIBE: SUBSCRIBED,
}
_CLEARS = {
    InteractionType.CART: BOUGHT,  # again; whether it may be sent yet is for the memory of purchases to say
    InteractionType.CHECKOUT: BOUGHT,
    InteractionType.REMOVE_FROM_CART: IN_CART,
    InteractionType.UNFAVOURITE: FAVOURITE,
    InteractionType.PURCHASE: IN_CART,
    InteractionType.RETURN: BOUGHT,
    InteractionType.LIKE: DISLIKED,
    InteractionType.UNSUBSCRIBE: SUBSCRIBED,
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
        items, times = state.recent_item, state.recent_at_ms
        flags = 0
        row = place_of_key(item_key, items)
        if row >= 0:
            before_ms, before = times[row], state.recent_weight[row]
            flags = state.recent_flags[row]
            if at_ms >= before_ms:
                weight += before * 2.0 ** ((at_ms - before_ms) * self._rate)
            else:
                weight = before + weight * 2.0 ** ((before_ms - at_ms) * self._rate)
                at_ms = before_ms
            del items[row], times[row], state.recent_weight[row], state.recent_flags[row]
        elif len(items) >= self._kept:
            if at_ms < times[0]:
                return  # late, and older than all that is kept
            del items[0], times[0], state.recent_weight[0], state.recent_flags[0]
        row = len(items)
        while row and times[row - 1] > at_ms:
            row -= 1
        items.insert(row, item_key)
        times.insert(row, at_ms)
        state.recent_weight.insert(row, weight)
        state.recent_flags.insert(row, flags_after(flags, kind))

    def affinity(self, state: UserState, row: int, now_ms: int) -> float:
        """`r_ui` of one recent item, by its row in the state."""
        age_ms = max(now_ms - state.recent_at_ms[row], 0)
        value: float = max(state.recent_weight[row], 0.0) * 2.0 ** (age_ms * self._rate)
        return value / (value + self._saturation)


def is_unfinished(state: UserState, item_key: int) -> bool:
    """The item is still in the cart or on the wish list, and not bought."""
    row = place_of_key(item_key, state.recent_item)
    return row >= 0 and bool((flags := state.recent_flags[row]) & (IN_CART | FAVOURITE)) and not flags & (BOUGHT | DISLIKED)


def flags_after(flags: int, kind: int) -> int:
    """The flags of an item after the user did `kind` with it."""
    return flags & ~_CLEARS.get(kind, 0) | _SETS.get(kind, 0)  # type: ignore[call-overload, no-any-return]


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
