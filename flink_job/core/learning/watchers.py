"""Who waits for a change of an item, or for what a creator publishes; bounded, newest word last.

A word tells all reasons as of then, so the newest one counts whatever came before; without a reason the user is forgotten. When there are too
many, those go of whom nothing was heard for the longest time.
"""

from __future__ import annotations

from flink_job.core.learning.signals import WatchReason
from flink_job.core.learning.state import ItemState
from flink_job.core.rules.learning import WatchRules


def note_watcher(rules: WatchRules, state: ItemState, user_id: str, reasons: tuple[int, ...], at_ms: int) -> None:
    """A user said what they wait for."""
    watchers, heard = state.watchers, state.watched_at_ms
    if user_id in watchers:
        at = watchers.index(user_id)
        if heard[at] > at_ms:
            return
        del watchers[at], heard[at], state.watch_reasons[at]
    if reasons:
        at = len(heard)
        while at and heard[at - 1] > at_ms:
            at -= 1
        watchers.insert(at, user_id)
        heard.insert(at, at_ms)
        state.watch_reasons.insert(at, bits_of(reasons))
        if len(watchers) > rules.kept:
            del watchers[0], heard[0], state.watch_reasons[0]


def drop_old_watchers(rules: WatchRules, state: ItemState, now_ms: int) -> None:
    """Forget those of whom nothing was heard for too long."""
    gone = 0
    while gone < len(state.watchers) and now_ms - state.watched_at_ms[gone] > rules.kept_for_ms:
        gone += 1
    del state.watchers[:gone], state.watched_at_ms[:gone], state.watch_reasons[:gone]


def bits_of(reasons: tuple[int, ...]) -> int:
    """Bit k for WatchReason k + 1.

    >>> bits_of((WatchReason.CART, WatchReason.SUBSCRIBED))
    5
    """
    bits = 0
    for reason in reasons:
        bits |= 1 << (WatchReason(reason) - 1)
    return bits
