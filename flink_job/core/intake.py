"""Takes signals into the user's state: interest, recent items, purchases, what became of pushes, consent. Decides nothing."""

from __future__ import annotations

from flink_job.core import history
from flink_job.core.catalogue import Catalogue
from flink_job.core.channels import allow, set_channel
from flink_job.core.fatigue import Fatigue
from flink_job.core.ids import key_of
from flink_job.core.interest import Interest
from flink_job.core.moment import Moment
from flink_job.core.recents import Recents
from flink_job.core.rules import Rules
from flink_job.core.signals import Feedback, Interaction, InteractionType, Outcome, UserUpdate
from flink_job.core.state import CONVERTED, DELIVERED, DISMISSED, FAILED, OPENED, UserState

_STATUS = {
    Outcome.DELIVERED: DELIVERED,
    Outcome.DISPLAYED: DELIVERED,
    Outcome.OPENED: OPENED,
    Outcome.ACTION_CLICKED: OPENED,
    Outcome.CONVERTED: CONVERTED,
    Outcome.DISMISSED: DISMISSED,
    Outcome.REJECTED: FAILED,
    Outcome.TOKEN_INVALID: FAILED,
    Outcome.EXPIRED: FAILED,
    Outcome.CANCELLED: FAILED,
    Outcome.FAILED: FAILED,
    Outcome.NO_DEVICE: FAILED,
}
_FOLLOWS = (InteractionType.FOLLOW, InteractionType.SUBSCRIBE)
_LEAVES = (InteractionType.UNFOLLOW, InteractionType.UNSUBSCRIBE, InteractionType.HIDE, InteractionType.REPORT)
_OPT_OUTS = (Outcome.CHANNEL_DISABLED, Outcome.UNSUBSCRIBED, Outcome.REPORTED)
_AT_A_DEVICE = (Outcome.DELIVERED, Outcome.DISPLAYED, Outcome.OPENED, Outcome.ACTION_CLICKED, Outcome.DISMISSED)


class Intake:
    """The rules of taking in, ready to use. Every method changes the state it is given."""

    __slots__ = ("_catalogue", "_fatigue", "_interest", "_memory", "_moment", "_recents", "_weight")

    def __init__(self, rules: Rules, catalogue: Catalogue, interest: Interest, recents: Recents, fatigue: Fatigue, moment: Moment) -> None:
        self._catalogue = catalogue
        self._interest = interest
        self._fatigue = fatigue
        self._moment = moment
        self._recents = recents
        self._memory = rules.memory
        self._weight = [0.0] * (max(InteractionType) + 1)
        for name, weight in rules.interest.weights.items():
            self._weight[InteractionType[name.upper()]] = weight

    def interaction(self, state: UserState, signal: Interaction) -> None:
        """What the user did."""
        state.active_at_ms = max(state.active_at_ms, signal.at_ms)
        if signal.creator_id:
            self._creator(state, signal)
        self._moment.observe_activity(state, signal.at_ms)
        if (
            (signal.time_zone and signal.time_zone != state.time_zone)
            or (signal.country and signal.country != state.country)
            or (signal.locale and signal.locale != state.locale)
        ):
            _move(state, signal.at_ms, signal.time_zone or None, signal.country or None, signal.locale or None)
        if signal.item_id:
            self._item(state, signal)

    def feedback(self, state: UserState, signal: Feedback) -> None:
        """What became of a push, which may be known before the push itself is."""
        outcome = signal.outcome
        fatigue = self._fatigue
        if outcome in _STATUS:
            self._became(state, signal.command_id, _STATUS[Outcome(outcome)])
        if outcome in _AT_A_DEVICE:
            _reach(state, signal.at_ms, reachable=True)
        elif outcome == Outcome.NO_DEVICE:
            _reach(state, signal.at_ms, reachable=False)
        if outcome == Outcome.DISMISSED:
            self._dismissed(state, signal.at_ms)
        elif outcome in (Outcome.OPENED, Outcome.ACTION_CLICKED, Outcome.CONVERTED):
            if outcome == Outcome.OPENED:
                fatigue.add(state, fatigue.opened, signal.at_ms)
            if signal.at_ms >= state.dismissed_at_ms:
                state.dismissals = 0
                state.dismissed_at_ms = 0
        elif outcome == Outcome.CHANNEL_DISABLED and signal.channel:
            set_channel(state, signal.channel, signal.at_ms, allowed=False)
            self._dismissed(state, signal.at_ms)  # who mutes one channel is not to hear from another at once
        elif outcome in _OPT_OUTS:
            _consent(state, signal.at_ms, opted_out=True)
        elif outcome == Outcome.SUBSCRIBED:
            _consent(state, signal.at_ms, opted_out=False)
            if signal.channel:
                set_channel(state, signal.channel, signal.at_ms, allowed=True)

    def user_update(self, state: UserState, signal: UserUpdate) -> None:
        """Facts about the user; of each the newest word counts, in whatever order they come."""
        if signal.push_consent is not None:
            _consent(state, signal.at_ms, opted_out=not signal.push_consent)
        if signal.reachable is not None:
            _reach(state, signal.at_ms, reachable=signal.reachable)
        if signal.channels is not None:
            allow(state, signal.channels, signal.at_ms)
        _move(state, signal.at_ms, signal.time_zone, signal.country, signal.locale)
        if signal.purposes is not None and signal.at_ms >= state.purposes_at_ms:
            state.purposes, state.purposes_at_ms = signal.purposes, signal.at_ms
        if signal.birth_year is not None and signal.at_ms >= state.birth_year_at_ms:
            state.birth_year, state.birth_year_at_ms = signal.birth_year, signal.at_ms
        if signal.segments is not None and signal.at_ms >= state.segments_at_ms:
            state.segments, state.segments_at_ms = signal.segments, signal.at_ms

    def fold(self, state: UserState) -> None:
        """Interactions with items that have become known join the interest; being late does not change the sum."""
        columns = self._catalogue.columns
        for at in range(len(state.unfolded_item) - 1, -1, -1):
            row = self._catalogue.row_of_key(state.unfolded_item[at])
            if row >= 0:
                weight, at_ms = state.unfolded_weight[at], state.unfolded_at_ms[at]
                self._interest.observe(state, columns.features[row], weight, at_ms, columns.scenario.item(row))
                del state.unfolded_item[at], state.unfolded_at_ms[at], state.unfolded_weight[at]

    def _dismissed(self, state: UserState, at_ms: int) -> None:
        self._fatigue.add(state, self._fatigue.dismissed, at_ms)
        state.dismissals += 1
        state.dismissed_at_ms = max(state.dismissed_at_ms, at_ms)

    def _became(self, state: UserState, command_id: str, status: int) -> None:
        row, before = history.mark_push(state, command_id, status)
        if row >= 0 and (after := state.sent_status[row]) != before:
            self._moment.observe_outcome(state, row, before, after)
            if after == FAILED:  # nobody saw it: it tires nobody
                self._fatigue.add(state, -self._fatigue.sent, state.sent_at_ms[row])
            elif before == FAILED:
                self._fatigue.add(state, self._fatigue.sent, state.sent_at_ms[row])

    def _creator(self, state: UserState, signal: Interaction) -> None:
        key, followed = key_of(signal.creator_id), state.followed
        if signal.kind in _FOLLOWS:
            if key in followed:
                followed.remove(key)
            followed.append(key)
            del followed[: -self._memory.followed_creators]
        elif signal.kind in _LEAVES and key in followed:
            followed.remove(key)

    def _item(self, state: UserState, signal: Interaction) -> None:
        kind, at_ms = signal.kind, signal.at_ms
        weight = self._weight[kind]
        catalogue = self._catalogue
        row = catalogue.row_of(signal.item_id)
        key = catalogue.key_of_row(row) if row >= 0 else key_of(signal.item_id)
        if state.unfolded_item:
            self.fold(state)
        if weight:
            if row >= 0:
                columns = catalogue.columns
                self._interest.observe(state, columns.features[row], weight, at_ms, columns.scenario.item(row))
            else:
                self._keep_for_later(state, key, weight, at_ms)
        if kind != InteractionType.IMPRESSION:  # shown in a list with many others: nobody dealt with it
            self._recents.observe(state, key, kind, weight, at_ms)
        if kind == InteractionType.PURCHASE:
            history.remember_purchase(state, key, at_ms, self._memory.bought_items)
        elif kind == InteractionType.RETURN:
            history.forget_purchase(state, key)

    def _keep_for_later(self, state: UserState, key: int, weight: float, at_ms: int) -> None:
        if len(state.unfolded_item) >= self._memory.unfolded_items:
            del state.unfolded_item[0], state.unfolded_at_ms[0], state.unfolded_weight[0]
        state.unfolded_item.append(key)
        state.unfolded_at_ms.append(at_ms)
        state.unfolded_weight.append(weight)


def _consent(state: UserState, at_ms: int, *, opted_out: bool) -> None:
    if at_ms >= state.consent_at_ms:
        state.opted_out = opted_out
        state.consent_at_ms = at_ms


def _reach(state: UserState, at_ms: int, *, reachable: bool) -> None:
    if at_ms >= state.reachable_at_ms:
        state.unreachable = not reachable
        state.reachable_at_ms = at_ms


def _move(state: UserState, at_ms: int, time_zone: str | None, country: str | None, locale: str | None) -> None:
    """Where the user is and what they read, as of `at_ms`; an older word never undoes a newer one. None leaves it as it was."""
    if at_ms < state.context_at_ms:
        return
    told = (
        state.time_zone if time_zone is None else time_zone,
        state.country if country is None else country,
        state.locale if locale is None else locale,
    )
    if told != (state.time_zone, state.country, state.locale):
        state.time_zone, state.country, state.locale = told
        state.context_at_ms = at_ms
