"""Which occasion a signal is, and which of two is the better reason to push."""

from __future__ import annotations

from flink_job.core.catalogue import Catalogue
from flink_job.core.ids import key_of
from flink_job.core.index.columns import FOREVER
from flink_job.core.reasons import Reason
from flink_job.core.recents import is_unfinished
from flink_job.core.rules import ItemRules, Occasion, Rules
from flink_job.core.signals import Interaction, InteractionType, Nudge, Trigger
from flink_job.core.state import PendingWake, UserState

_LEFT_BEHIND = {
    InteractionType.CART: Trigger.ABANDONED_CART,
    InteractionType.CHECKOUT: Trigger.ABANDONED_CART,
    InteractionType.FAVOURITE: Trigger.ABANDONED_FAVOURITE,
}
_ABOUT_ONE_ITEM = (Trigger.ABANDONED_CART, Trigger.ABANDONED_FAVOURITE, Trigger.REPLENISHMENT)
"""Without their item there is nothing to say. A nudge names an item too, but another one may be better by then."""

_DAY_MS = 86_400_000
_FAR_OFF = (Trigger.REPLENISHMENT, Trigger.WIN_BACK)

_TRUE_OF_ONE_ITEM = frozenset(
    {
        *_ABOUT_ONE_ITEM,
        Trigger.PRICE_DROP,
        Trigger.BACK_IN_STOCK,
        Trigger.CREATOR_POSTED,
        Trigger.BREAKING_NEWS,
        Trigger.SOCIAL_REACTION,
    }
)
"""What these say is true of the item that they name, and of no other."""

_MEANWHILE = {
    "bought": Reason.BOUGHT_MEANWHILE,
    "sold_out": Reason.SOLD_OUT_MEANWHILE,
    "gone": Reason.GONE_MEANWHILE,
    "seen": Reason.SEEN_MEANWHILE,
}


class Occasions:
    """The rules of occasions, ready to use."""

    __slots__ = ("_by_trigger", "_catalogue", "_items")

    def __init__(self, rules: Rules, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._items: ItemRules = rules.items
        self._by_trigger: list[Occasion | None] = [None] * (max(Trigger) + 1)
        for name, occasion in rules.occasions.items():
            if occasion.enabled:
                self._by_trigger[Trigger[name.upper()]] = occasion
        self._by_trigger[Trigger.UNSPECIFIED] = self._by_trigger[Trigger.BEHAVIOUR]

    def get(self, trigger: int) -> Occasion | None:
        """The rules of an occasion, None if the policy sends nothing for it."""
        return self._by_trigger[trigger]

    def left_behind(self, state: UserState, signal: Interaction) -> PendingWake | None:
        """What this event may be the beginning of: a decision after a while, if nothing comes of it until then."""
        trigger = _LEFT_BEHIND.get(signal.kind)  # type: ignore[call-overload]
        if trigger is None or not signal.item_id:
            return None
        occasion = self._by_trigger[trigger]
        after_ms = occasion.after_ms if occasion else 0
        if occasion is None or not after_ms or not self.is_better(trigger, state.pending):
            return None
        begins_ms = state.last_signal_ms + after_ms
        item_key = key_of(signal.item_id)
        price = self.price(item_key)
        return PendingWake(
            begins_ms, "", signal.event_id, signal.at_ms, trigger, item_key, 0.0, begins_ms + occasion.horizon_ms, planned_price=price
        )

    def ahead(self, state: UserState, now_ms: int) -> tuple[Trigger, Occasion, int] | None:
        """What nobody asks for, with its earliest moment: the best time, or winning back who has been away for long; that is tried once."""
        best, back = self._by_trigger[Trigger.BEST_TIME], self._by_trigger[Trigger.WIN_BACK]
        active_at_ms = state.active_at_ms or state.first_seen_ms
        if back is None or now_ms - active_at_ms < back.after_ms:
            return (Trigger.BEST_TIME, best, now_ms + best.after_ms) if best is not None else None
        tried = bool(state.sent_at_ms) and state.sent_at_ms[-1] >= active_at_ms + back.after_ms
        return None if tried else (Trigger.WIN_BACK, back, now_ms)

    def has_returned(self, state: UserState, cause: PendingWake) -> bool:
        """It is to win back a user who has been here lately."""
        occasion = self._by_trigger[cause.trigger] if cause.trigger == Trigger.WIN_BACK and state.active_at_ms else None
        return occasion is not None and state.last_signal_ms - state.active_at_ms < occasion.after_ms

    def is_better(self, trigger: int, pending: PendingWake | None) -> bool:
        """A decision for `trigger` may take the place of the one that waits."""
        if pending is None:
            return True
        ours, theirs = self._by_trigger[trigger], self._by_trigger[pending.trigger]
        return ours is not None and (theirs is None or ours.rank > theirs.rank)

    def stands_in_the_way(self, pending: PendingWake | None, trigger: int, at_ms: int, room_ms: int) -> bool:
        """What waits is no worse than `trigger`, and is up at `at_ms` or within `room_ms` of it. What is yet to come must not silence all else."""
        if pending is None or self.is_better(trigger, pending):
            return False
        return pending.reason != Reason.AWAITED.metric or pending.due_ms - at_ms < room_ms

    def is_far_off(self, pending: PendingWake | None) -> bool:
        """What waits is for something to be used up, or for the user to have been away for long."""
        return pending is not None and pending.trigger in _FAR_OFF and pending.reason == Reason.AWAITED.metric

    def only_key(self, cause: PendingWake) -> int:
        """The item that alone may be sent for this, 0 if others may too."""
        return cause.item_key if cause.trigger in _ABOUT_ONE_ITEM else 0

    def ends_ms(self, nudge: Nudge) -> int:
        """When a nudge is worth nothing any more: at its own end or that of its occasion, whichever is earlier."""
        occasion = self._by_trigger[nudge.trigger]
        ends_ms = nudge.at_ms + occasion.horizon_ms if occasion else nudge.at_ms
        return min(ends_ms, nudge.expires_at_ms or ends_ms)

    def used_up_next(self, state: UserState, now_ms: int) -> PendingWake | None:
        """The consumable that will be used up first, by what was bought when; None if there is none."""
        occasion = self._by_trigger[Trigger.REPLENISHMENT]
        if occasion is None:
            return None
        ahead = [
            (bought_ms + lasts_ms, key, bought_ms)
            for key, bought_ms in zip(state.bought_item, state.bought_at_ms, strict=True)
            if (lasts_ms := self._used_up_after_ms(key)) and bought_ms + lasts_ms > now_ms
        ]
        if not ahead:
            return None
        due_ms, key, bought_ms = min(ahead)
        reason, cause_id = Reason.AWAITED.metric, f"bought/{key:016x}/{bought_ms}"
        return PendingWake(due_ms, reason, cause_id, due_ms, Trigger.REPLENISHMENT, key, 0.0, due_ms + occasion.horizon_ms)

    def away_next(self, state: UserState, now_ms: int) -> PendingWake | None:
        """When the user will have been away for long, where no best hour is looked for that would notice; None if it is past.

        What they do meanwhile does not move it: it finds them returned then, and the next one is looked for. It is so many whole days after they were
        first seen, so what is planned again within a day is the same moment, and the same timer.
        """
        back = self._by_trigger[Trigger.WIN_BACK]
        if back is None or self._by_trigger[Trigger.BEST_TIME] is not None:
            return None
        first_ms = state.first_seen_ms
        due_ms = first_ms - (first_ms - (state.active_at_ms or first_ms) - back.after_ms) // _DAY_MS * _DAY_MS
        if due_ms <= now_ms:
            return None
        reason, cause_id = Reason.AWAITED.metric, f"win_back/{due_ms}"
        return PendingWake(due_ms, reason, cause_id, due_ms, Trigger.WIN_BACK, 0, 0.0, due_ms + back.horizon_ms)

    def over(self, state: UserState, cause: PendingWake, dropped_by: str) -> Reason | None:
        """Why an occasion that is about one item has come to nothing, None if it has not. `dropped_by`: the rule that forbids the item."""
        if cause.trigger == Trigger.PRICE_DROP:
            return Reason.DEARER_MEANWHILE if self._is_dearer(cause) else None
        if cause.trigger not in _ABOUT_ONE_ITEM:
            return None
        if dropped_by:
            return _MEANWHILE.get(dropped_by, Reason.NO_CANDIDATE)
        if cause.trigger != Trigger.REPLENISHMENT and not is_unfinished(state, cause.item_key):
            return Reason.LEFT_MEANWHILE
        return Reason.DEARER_MEANWHILE if self._is_dearer(cause) else None

    def told_as(self, cause: PendingWake, item_key: int) -> int:
        """As which occasion a push of this item is told: the one that led to it, unless what that says is true of another item only."""
        is_true = item_key == cause.item_key or cause.trigger not in _TRUE_OF_ONE_ITEM
        return cause.trigger if is_true else Trigger.BEHAVIOUR

    def item_ends_ms(self, cause: PendingWake) -> int:
        """When the item it is about may not be sent any more. Where it is about none, the best one is looked for anew whenever it is decided."""
        row = self._catalogue.row_of_key(cause.item_key) if cause.item_key else -1
        return (self._catalogue.item(row).valid_until_ms if row >= 0 else 0) or FOREVER

    def price(self, item_key: int) -> float:
        """0 for an item without one, and for none."""
        row = self._catalogue.row_of_key(item_key) if item_key else -1
        return self._catalogue.columns.price.item(row) if row >= 0 else 0.0

    def _is_dearer(self, cause: PendingWake) -> bool:
        """What it is about costs more than when it began. Where the price was not known then, nothing is held against it."""
        return bool(cause.planned_price) and self.price(cause.item_key) > cause.planned_price * (1.0 + self._items.price_rise_share)

    def _used_up_after_ms(self, item_key: int) -> int:
        """0 for what is bought once."""
        row = self._catalogue.row_of_key(item_key)
        if row < 0 or not (item := self._catalogue.item(row)).consumable:
            return 0
        return item.replenish_after_ms or self._items.consumed_for_ms
