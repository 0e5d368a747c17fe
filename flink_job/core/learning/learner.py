"""Learning, composed: item signal or item record → state → what is released, who is nudged.

This module composes the others of the package. Each key (item, creator, segment) learns for itself; everything that is read is an argument.

Release. What is known of a key is told when the news since the last release are more than `release.news_share` of all that is known, and at most
every `release.every_ms`. What fades needs no release: readers know the half-lives and let it fade themselves.
"""

from __future__ import annotations

import math

from flink_job.core.ids import command_id, digest_of, place_of
from flink_job.core.learning.changes import Change, ItemVersion, take_deletion, take_version
from flink_job.core.learning.covisits import add_visit, best_neighbours
from flink_job.core.learning.effects import LearningEffects, NudgeUser, Release, ReleaseAt, Tell
from flink_job.core.learning.facts import Facts, ItemFacts, SegmentFacts, WordingFacts
from flink_job.core.learning.fading import fading
from flink_job.core.learning.item_statistics import add_outcome, add_popularity, is_stopped, popularity_at
from flink_job.core.learning.signals import (
    ITEM,
    SEGMENT,
    WORDING,
    ItemSignal,
    Posted,
    PushOutcome,
    Visit,
    VisitHour,
    Watch,
    WordingRound,
    creator_key,
)
from flink_job.core.learning.slots import add_slot_outcome, add_slot_visit
from flink_job.core.learning.state import SENT, VISITS, ItemState
from flink_job.core.learning.watchers import drop_old_watchers, note_watcher
from flink_job.core.learning.wordings import add_round
from flink_job.core.rules.learning import LearningRules
from flink_job.core.signals import Trigger


class Learner:
    """The rules of learning, ready to use. Every method but `facts` changes the state it is given."""

    __slots__ = ("_rules", "_seen_bytes")

    def __init__(self, rules: LearningRules) -> None:
        self._rules = rules
        self._seen_bytes = 8 * rules.seen_signals

    def on_signal(self, key: str, state: ItemState, signal: ItemSignal, now_ms: int) -> LearningEffects | None:
        """Learn from one signal, for the `key` among its keys; `now_ms` is the present time. None: it was learned from before."""
        digest = digest_of(signal.signal_id)
        if place_of(digest, state.seen) >= 0:
            return None
        state.seen = (state.seen + digest)[-self._seen_bytes :]
        body = signal.body
        if type(body) is Visit:
            self._visit(key, state, signal, body)
        elif type(body) is PushOutcome:
            self._push(key, state, body)
        elif type(body) is Watch:
            drop_old_watchers(self._rules.watchers, state, now_ms)
            note_watcher(self._rules.watchers, state, body.user_id, body.reasons, signal.at_ms)
        elif type(body) is WordingRound:
            self._round(key, state, body)
        elif type(body) is VisitHour:
            self._visit_hour(key, state, body, signal.at_ms)
        elif type(body) is Posted:
            return self._nudges(state, Trigger.CREATOR_POSTED, body.item_id, body.published_at_ms, now_ms)
        return self._release(key, state, now_ms)

    def on_version(self, key: str, state: ItemState, version: ItemVersion, now_ms: int) -> LearningEffects:
        """A new version of the item's record: watchers are told of what changed, the creator's followers of what was published."""
        change = take_version(self._rules.watchers, state, version, now_ms)
        return () if change is None else self._changed(key, state, version, change, now_ms)

    def on_deletion(self, key: str, state: ItemState, item_id: str, updated_at_ms: int, now_ms: int) -> LearningEffects:
        """The item was taken out of the catalogue: deciders forget what they know about it."""
        if not take_deletion(state, updated_at_ms) or not state.released_at_ms:
            return ()
        state.released_at_ms = max(now_ms, state.released_at_ms + 1)
        state.release_due_ms = 0
        return (Release(key, ItemFacts(item_id, state.released_at_ms, gone=True)),)

    def on_release(self, key: str, state: ItemState, at_ms: int, now_ms: int) -> LearningEffects:
        """The time of a release has come; a timer that is no longer the one waited for has no effect."""
        if state.release_due_ms != at_ms:
            return ()
        state.release_due_ms = 0
        return self._release(key, state, max(now_ms, at_ms))

    def facts(self, key: str, state: ItemState, now_ms: int) -> Facts | None:
        """What is known of an item, a segment or a wording as of `now_ms`; None if nothing is."""
        rules = self._rules
        if key.startswith(SEGMENT):
            slots = state.slots
            return None if slots is None else SegmentFacts(key.removeprefix(SEGMENT), now_ms, state.outcomes_at_ms, slots.copy())
        if key.startswith(WORDING):
            return WordingFacts(key.removeprefix(WORDING), now_ms, tuple(state.wording), state.outcomes_at_ms) if state.wording else None
        if not key.startswith(ITEM):
            return None
        popularity, by_group = popularity_at(rules.popularity, state, now_ms)
        neighbours, similar = best_neighbours(rules.covisits, state)
        sent, opened, converted, dismissed, opted_out = state.outcomes
        return ItemFacts(
            item_id=key.removeprefix(ITEM),
            made_at_ms=now_ms,
            popularity=popularity,
            by_group=tuple(sorted(by_group.items())),
            rating_sum=state.rating_sum,
            neighbours=neighbours,
            similarities=similar,
            outcomes=(sent, opened, converted, dismissed, opted_out),
            outcomes_at_ms=state.outcomes_at_ms,
            category=state.category,
            stopped=is_stopped(rules.outcomes, state),
        )

    def _visit(self, key: str, state: ItemState, signal: ItemSignal, visit: Visit) -> None:
        item_id = key.removeprefix(ITEM)
        if item_id not in visit.item_ids:
            return
        own = visit.item_ids.index(item_id)
        if own >= visit.told:
            rating, at_ms = visit.ratings[own], visit.at_ms[own]
            _fade_news(state, at_ms, state.popularity_at_ms, self._rules.popularity.half_life_ms)
            add_popularity(self._rules.popularity, state, rating, signal.groups, at_ms)
            state.unreleased_ratings += rating
        add_visit(self._rules.covisits, state, own, visit)

    def _push(self, key: str, state: ItemState, outcome: PushOutcome) -> None:
        if key.startswith(SEGMENT):
            if add_slot_outcome(self._rules.slots, state, outcome.stage, outcome.slot, outcome.sent_at_ms):
                state.unreleased_outcomes += 1.0
        else:
            add_outcome(self._rules.outcomes, state, outcome.stage, outcome.sent_at_ms)
            state.category = state.category or outcome.category
            state.unreleased_outcomes += 1.0

    def _round(self, key: str, state: ItemState, told: WordingRound) -> None:
        template_id = key.removeprefix(WORDING)
        if template_id in told.template_ids:
            add_round(self._rules.wordings, state, template_id, told)
            state.unreleased_outcomes += 1.0

    def _visit_hour(self, key: str, state: ItemState, told: VisitHour, began_at_ms: int) -> None:
        if key.startswith(SEGMENT):
            add_slot_visit(self._rules.slots, state, told.slot, began_at_ms)
            state.unreleased_visits += 1.0

    def _changed(self, key: str, state: ItemState, version: ItemVersion, change: Change, now_ms: int) -> LearningEffects:
        effects: LearningEffects = ()
        if change.back_in_stock:
            effects = self._nudges(state, Trigger.BACK_IN_STOCK, version.item_id, version.updated_at_ms, now_ms)
        elif not math.isnan(change.price_before):
            effects = self._nudges(
                state, Trigger.PRICE_DROP, version.item_id, version.updated_at_ms, now_ms, change.price_before, version.price
            )
        if change.posted:
            name = command_id(key, f"posted/{version.published_at_ms}")
            posted = Posted(version.item_id, version.creator_id, version.published_at_ms)
            effects += (Tell(ItemSignal(name, (creator_key(version.creator_id),), version.published_at_ms, "", posted)),)
        return effects

    def _nudges(
        self,
        state: ItemState,
        trigger: Trigger,
        item_id: str,
        at_ms: int,
        now_ms: int,
        price_before: float = math.nan,
        price_after: float = math.nan,
    ) -> LearningEffects:
        """One for everybody who waits; none if the reason is so old that they would be worth nothing."""
        rules, nudge = self._rules.watchers, self._rules.watchers.nudge(trigger)
        expires_at_ms = at_ms + nudge.lives_for_ms
        if now_ms >= expires_at_ms:
            return ()
        drop_old_watchers(rules, state, now_ms)
        cause = f"{trigger}/{at_ms}/{item_id}"
        return tuple(
            NudgeUser(command_id(user_id, cause), user_id, trigger, item_id, at_ms, expires_at_ms, nudge.boost, price_before, price_after)
            for user_id in state.watchers
        )

    def _release(self, key: str, state: ItemState, now_ms: int) -> LearningEffects:
        """What is known, if there is news enough; if it is too soon for it, when."""
        if state.release_due_ms or state.deleted or not self._has_news(state):
            return ()
        due_ms = state.released_at_ms + self._rules.release.every_ms
        if state.released_at_ms and now_ms < due_ms:
            state.release_due_ms = due_ms
            return (ReleaseAt(due_ms),)
        facts = self.facts(key, state, now_ms)
        if facts is None:
            return ()
        state.released_at_ms = now_ms
        state.unreleased_ratings = state.unreleased_outcomes = state.unreleased_visits = 0.0
        return (Release(key, facts),)

    def _has_news(self, state: ItemState) -> bool:
        share = self._rules.release.news_share
        if state.slots is not None:
            totals = state.slots.sum(axis=0).tolist()
            return _is_news(state.unreleased_outcomes, share * totals[SENT]) or _is_news(state.unreleased_visits, share * totals[VISITS])
        return _is_news(state.unreleased_ratings, share * state.popularity) or _is_news(
            state.unreleased_outcomes, share * state.outcomes[SENT]
        )


def _is_news(unreleased: float, least: float) -> bool:
    return unreleased > least and unreleased > 0.0


def _fade_news(state: ItemState, at_ms: int, held_at_ms: int, half_life_ms: int) -> None:
    """News fade as what they are news of does, or an item of yesterday would have more of them than it has popularity."""
    if at_ms > held_at_ms:
        state.unreleased_ratings *= fading(at_ms - held_at_ms, half_life_ms)
