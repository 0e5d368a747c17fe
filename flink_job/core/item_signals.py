"""What one user's life teaches about items: digests of visits, outcomes of pushes, who waits for what. Decides nothing.

A visit is told as a digest, not event by event, which would halve the job's rate: when `visit_items` items are new in it, when something is new and
what was told last is `tell_after_ms` ago, when the session ends, or when the next visit begins. A digest has the newest items
of the visit; those that were told before come along so that what is new finds what it goes with, and do not count again. The rating of an item is its
decayed sum of interaction weights, capped.

When a visit is over, its hour is told to the segment of the user; it is the one that counts in the user's own state.

All that is needed is in the user's state already (recent items, pushes sent) but for one time, `told_until_ms`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Protocol

from flink_job.core.catalogue import Catalogue
from flink_job.core.history import command_key
from flink_job.core.ids import command_id, key_of, place_of_key
from flink_job.core.learning.signals import (
    KEY_SEPARATOR,
    MOST_SEGMENTS,
    ItemSignal,
    PushOutcome,
    PushStage,
    Visit,
    VisitHour,
    Watch,
    WatchReason,
    creator_key,
    item_key,
    segment_key,
)
from flink_job.core.recents import flags_after
from flink_job.core.rules.learning import TellingRules
from flink_job.core.signals import Feedback, Interaction, InteractionType, Outcome
from flink_job.core.state import CONVERTED, DISMISSED, FAVOURITE, IN_CART, OPENED, SUBSCRIBED, UserState

ItemSignals = tuple[ItemSignal, ...]

_NOTHING: ItemSignals = ()
_REASON_OF = ((IN_CART, WatchReason.CART), (FAVOURITE, WatchReason.FAVOURITE), (SUBSCRIBED, WatchReason.SUBSCRIBED))
_WATCHED = IN_CART | FAVOURITE | SUBSCRIBED
_CREATOR_WATCH = {InteractionType.FOLLOW: (int(WatchReason.FOLLOWED),), InteractionType.UNFOLLOW: ()}
_OPT_OUTS = frozenset({Outcome.CHANNEL_DISABLED, Outcome.UNSUBSCRIBED, Outcome.REPORTED})
_REACHED = {
    Outcome.OPENED: ((OPENED, PushStage.OPENED),),
    Outcome.ACTION_CLICKED: ((OPENED, PushStage.OPENED),),
    Outcome.CONVERTED: ((OPENED, PushStage.OPENED), (CONVERTED, PushStage.CONVERTED)),  # who converts has opened
    Outcome.DISMISSED: ((DISMISSED, PushStage.DISMISSED),),
}

SlotOf = Callable[[int], int]
"""Hour of the week of a moment in the user's own zone, 0..167; -1 where it is not known."""


class RatingSums(Protocol):
    """The part of the knowledge that is used."""

    def rating_sum(self, item_key: int) -> float:
        """Σ ratings of the item with this key, 0 if it is not known."""


class ItemSignalMaker:
    """The rules of telling, ready to use. Every method may change `told_until_ms` of the state it is given, and nothing else."""

    __slots__ = ("_catalogue", "_knowledge", "_rules", "_telling")

    def __init__(self, rules: TellingRules, catalogue: Catalogue, knowledge: RatingSums) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._knowledge = knowledge
        self._telling = [kind in _TELLING for kind in range(max(InteractionType) + 1)]

    def before_interaction(self, user_id: str, state: UserState, signal: Interaction, over_slot: int) -> ItemSignals:
        """To be called for every interaction *before* it is taken in: tells of the visit so far if it is time, and who waits for what.

        `over_slot`: hour of the week in which the visit began that is over with this interaction, -1: none is.
        """
        rules, times, at_ms = self._rules, state.recent_at_ms, signal.at_ms
        told: ItemSignals = _NOTHING
        if times and times[-1] > state.told_until_ms:
            many = rules.visit_items
            if (
                at_ms - state.told_until_ms >= rules.tell_after_ms
                or (len(times) >= many and times[-many] > state.told_until_ms)
                or signal.kind == InteractionType.SESSION_END
            ):
                told = self._visit(user_id, state, signal.event_id)
        if at_ms - state.told_until_ms > rules.visit_gap_ms:
            state.told_until_ms = at_ms - 1  # a visit begins: what is not told by now has gone
        if over_slot >= 0:
            told += _visit_hour(user_id, state, over_slot)
        return told + self._watch(user_id, state, signal) if self._telling[signal.kind] else told

    def of_push(self, state: UserState, command: str, item_id: str, trigger: int, at_ms: int, slot: int, propensity: float) -> ItemSignals:
        """A push was sent at `at_ms`, which is in this slot for the user (-1: unknown); `propensity` 0: it was not drawn."""
        return self._outcome(state, command, item_id, PushStage.SENT, trigger, at_ms, at_ms, slot, propensity)

    def before_feedback(self, state: UserState, signal: Feedback, slot_of: SlotOf) -> ItemSignals:
        """To be called for all feedback *before* it is taken in: tells of what is new about a push the user's state still knows."""
        outcome = Outcome(signal.outcome)
        reached = _REACHED.get(outcome)
        if reached is None and outcome not in _OPT_OUTS:
            return _NOTHING
        row = place_of_key(command_key(signal.command_id), state.sent_command)
        if row < 0:
            return _NOTHING
        held, sent_at_ms = state.sent_status[row], state.sent_at_ms[row]
        catalogue_row = self._catalogue.row_of_key(state.sent_item[row])
        if catalogue_row < 0:
            return _NOTHING
        stages = (PushStage.OPTED_OUT,) if reached is None else tuple(stage for status, stage in reached if not _was(held, status))
        item_id, slot = self._catalogue.item(catalogue_row).item_id, slot_of(sent_at_ms)
        told: ItemSignals = _NOTHING
        for stage in stages:
            told += self._outcome(state, signal.command_id, item_id, stage, 0, signal.at_ms, sent_at_ms, slot, 0.0)
        return told

    def before_erasure(self, user_id: str, state: UserState, event_id: str, at_ms: int) -> ItemSignals:
        """To be called before a user is forgotten: nobody shall keep them as waiting for an item."""
        told: ItemSignals = _NOTHING
        for key, flags in zip(state.recent_item, state.recent_flags, strict=True):
            row = self._catalogue.row_of_key(key) if flags & _WATCHED else -1
            if row >= 0:
                told += _watch(user_id, f"{event_id}/{key}", at_ms, self._catalogue.item(row).item_id, "", ())
        return told

    def _visit(self, user_id: str, state: UserState, event_id: str) -> ItemSignals:
        """A digest of what was done since it was last told."""
        rules, catalogue, times = self._rules, self._catalogue, state.recent_at_ms
        first = max(bisect_right(times, times[-1] - rules.visit_gap_ms), len(times) - rules.visit_items)
        told_until_ms, state.told_until_ms = state.told_until_ms, times[-1]
        visit = Visit([], [], [], [])
        for at in range(first, len(times)):
            key, rating = state.recent_item[at], state.recent_weight[at]
            row = catalogue.row_of_key(key)
            if row >= 0 and rating > 0.0 and KEY_SEPARATOR not in (item_id := catalogue.item(row).item_id):
                visit.item_ids.append(item_id)
                visit.ratings.append(min(rating, rules.most_rating))
                visit.at_ms.append(times[at])
                visit.rating_sums.append(self._knowledge.rating_sum(key))
                visit.told += times[at] <= told_until_ms
        if visit.told == len(visit.item_ids):
            return _NOTHING
        keys = tuple([item_key(item_id) for item_id in visit.item_ids])
        return (
            ItemSignal(command_id(user_id, f"visit/{event_id}"), keys, times[-1], state.country, visit, state.segments[:MOST_SEGMENTS]),
        )

    def _watch(self, user_id: str, state: UserState, signal: Interaction) -> ItemSignals:
        kind = InteractionType(signal.kind)
        if kind in _CREATOR_WATCH:
            return (
                _watch(user_id, signal.event_id, signal.at_ms, "", signal.creator_id, _CREATOR_WATCH[kind])
                if signal.creator_id
                else _NOTHING
            )
        if not signal.item_id:
            return _NOTHING
        at = place_of_key(key_of(signal.item_id), state.recent_item)
        before = state.recent_flags[at] if at >= 0 else 0
        after = 0 if kind == InteractionType.PURCHASE else flags_after(before, kind) & _WATCHED
        reasons = tuple(int(reason) for bit, reason in _REASON_OF if after & bit)
        return _watch(user_id, signal.event_id, signal.at_ms, signal.item_id, "", reasons)

    def _outcome(
        self,
        state: UserState,
        command: str,
        item_id: str,
        stage: PushStage,
        trigger: int,
        at_ms: int,
        sent_at_ms: int,
        slot: int,
        propensity: float,
    ) -> ItemSignals:
        if KEY_SEPARATOR in item_id:
            return _NOTHING
        row = self._catalogue.row_of(item_id)
        categories = self._catalogue.item(row).categories if row >= 0 else ()
        body = PushOutcome(item_id, categories[-1] if categories else "", int(stage), trigger, sent_at_ms, slot, propensity)
        keys: tuple[str, ...] = (item_key(item_id),)
        if slot >= 0 and KEY_SEPARATOR not in state.country:
            keys += (segment_key(state.country),)
        return (ItemSignal(f"{command}/{stage.name.lower()}", keys, at_ms, state.country, body),)


_TELLING = frozenset(
    {
        InteractionType.CART,
        InteractionType.REMOVE_FROM_CART,
        InteractionType.FAVOURITE,
        InteractionType.UNFAVOURITE,
        InteractionType.SUBSCRIBE,
        InteractionType.UNSUBSCRIBE,
        InteractionType.PURCHASE,
        InteractionType.FOLLOW,
        InteractionType.UNFOLLOW,
    }
)
"""What changes whom an item or a creator has as a watcher."""


def _was(held: int, status: int) -> bool:
    """A push with the status `held` has been at `status` before: opened comes before converted, dismissed apart from both."""
    return held == status or (status == OPENED and held == CONVERTED)


def _visit_hour(user_id: str, state: UserState, slot: int) -> ItemSignals:
    if KEY_SEPARATOR in state.country:
        return _NOTHING
    name = command_id(user_id, f"visit-hour/{state.visit_at_ms}")
    return (ItemSignal(name, (segment_key(state.country),), state.visit_at_ms, state.country, VisitHour(slot)),)


def _watch(user_id: str, event_id: str, at_ms: int, item_id: str, creator_id: str, reasons: tuple[int, ...]) -> ItemSignals:
    key = item_key(item_id) if item_id else creator_key(creator_id)
    if KEY_SEPARATOR in key:
        return _NOTHING
    name = command_id(user_id, f"watch/{event_id}")
    return (ItemSignal(name, (key,), at_ms, "", Watch(user_id, item_id, creator_id, reasons)),)
