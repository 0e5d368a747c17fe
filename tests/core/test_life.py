"""A user's whole life, step by random step, beside a model that knows only the promises: what no push may ever break."""

from datetime import datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from flink_job.codec.state import StateCodec, most_bytes
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.effects import Effects, Push, Suppressed, Wake
from flink_job.core.ids import command_id, key_of, share_of
from flink_job.core.policy import PushPolicy
from flink_job.core.purposes import purpose_of
from flink_job.core.recents import is_unfinished
from flink_job.core.rules import Rules
from flink_job.core.signals import Interaction, InteractionType, Signal, Trigger, UserUpdate
from flink_job.engine import zone_of
from tests.core.catalogue_items import item, units
from tests.core.lives import ITEMS, interactions, updates, weighted
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import DAY, HOUR, MINUTE, SECOND, cap_per, caps, changed, default_rules

DIM = 3
SHOP, NEWS = 1, 2
GAP, REPEAT_AFTER = 10 * MINUTE, 3 * DAY
RAMP_UP_GAP, RAMP_UP_PHASE = 40 * MINUTE, 6 * HOUR
IN_SESSION = 3 * MINUTE
CAPS = caps((2, 2 * HOUR), (4, DAY))
BY_LEVEL = cap_per("trigger", 2, 12 * HOUR) + cap_per("category", 2, DAY) + cap_per("creator", 1, DAY)
FATIGUE_LIMIT, FATIGUE_HALF_LIFE = 2.5, DAY
MOODS = {"DISMISSED": 1.0, "OPENED": -0.7}
QUIET_FROM, QUIET_UNTIL = 22, 8
FEATURES = dict(zip(ITEMS, units(len(ITEMS), DIM), strict=True))

KINDS: dict[str, dict[str, Any]] = {
    name: {
        "categories": (("home", "mugs"), ("home", "lamps"), ())[number % 3],
        "creator_id": ("potter", "")[number % 2],
        "scenario": (SHOP, NEWS, 0)[number % 3],
        "published_at_ms": MONDAY_0930,
        "consumable": number % 2 == 0,
        "replenish_after_ms": 10 * HOUR,
    }
    for number, name in enumerate(ITEMS)
}

#: Outcomes after which a push counts as not sent, unless another device showed it.
FAILURES = {"REJECTED", "TOKEN_INVALID", "EXPIRED", "CANCELLED", "FAILED", "NO_DEVICE"}
SIGHTINGS = {"DELIVERED", "DISPLAYED", "OPENED", "ACTION_CLICKED", "CONVERTED", "DISMISSED"}


Place = tuple[str, str]
"""(zone, country)"""


def life_rules() -> Rules:
    return changed(
        default_rules(),
        {
            "gates.holdout_share": 0.3,
            "gates.min_gap_ms": GAP,
            "gates.caps": CAPS + BY_LEVEL,
            "gates.ramp_up_gap_ms": RAMP_UP_GAP,
            "gates.ramp_up_phase_ms": RAMP_UP_PHASE,
            "gates.in_session_ms": IN_SESSION,
            "fatigue.limit": FATIGUE_LIMIT,
            "fatigue.half_life_ms": FATIGUE_HALF_LIFE,
            "utility.opt_out_rate": 0.0,
            "occasions.abandoned_cart.after_ms": 20 * MINUTE,
            "occasions.abandoned_favourite.after_ms": 2 * HOUR,
            "gates.cool_down_ms": HOUR,
            "gates.quiet_hours.start_minute": QUIET_FROM * 60,
            "gates.quiet_hours.end_minute": QUIET_UNTIL * 60,
            "items.repeat_after_ms": REPEAT_AFTER,
            "items.seen_for_ms": MINUTE,
            "send.min_score": -1.0,
            "triggers": {"view": 0, "search": 0, "favourite": 5 * SECOND, "cart": 20 * MINUTE},
            "memory.recent_items": 8,
            "memory.seen_events": 16,
            "memory.sent_pushes": 16,
            "memory.bought_items": 4,
            "memory.unfolded_items": 4,
            "memory.followed_creators": 2,
        },
    )


class Life(RuleBasedStateMachine):
    """`sent`: (moment, item, command) of every push; `failed`, `seen`: what is known of them; `timers`: those set and not fired;
    `nudged`: the item of every nudge."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = MONDAY_0930
        self.numbers = iter(range(1, 1_000_000))
        self.sent: list[Push] = []
        self.failed: set[str] = set()
        self.seen: set[str] = set()
        self.timers: set[int] = set()
        self.withdrawn: set[str] = set()
        self.consent = (0, True)
        self.purposes: tuple[int, tuple[str, ...] | None] = (0, None)
        self.channels: tuple[int, tuple[int, ...] | None] = (0, None)
        self.moods: list[tuple[float, int]] = []
        self.nudged: dict[str, str] = {}

    @initialize(user=st.sampled_from(["ann", "bob", "cleo", "dan"]))
    def born(self, user: str) -> None:
        """Dan is in the holdout, the others are not."""
        self.ann = Person(shelf([self.version(name) for name in ITEMS], DIM), life_rules(), user_id=user)

    def version(self, name: str, **changes: object) -> CatalogueItem:
        return item(name, features=FEATURES[name], updated_at_ms=self.now_ms + next(self.numbers), **KINDS[name], **changes)

    # What happens.

    @rule(event=interactions(st.just(""), st.sampled_from(ITEMS)), late=st.sampled_from([0, 0, 0, 5 * SECOND, 30 * SECOND, HOUR]))
    def interact(self, event: Interaction, late: int) -> None:
        event.event_id = f"event-{next(self.numbers)}"
        self.take(event, self.now_ms - late)

    @rule(hours=st.sampled_from([0, 0, 5, 12, 24]), minutes=st.integers(1, 40), searches=st.integers(1, 6))
    def a_visit(self, hours: int, minutes: int, searches: int) -> None:
        """The user comes back and looks around for a while."""
        self.time_passes(hours * HOUR, timers_are_late=False)
        for _ in range(searches):
            self.time_passes(minutes * MINUTE, timers_are_late=False)
            self.take(Interaction(f"event-{next(self.numbers)}", InteractionType.SEARCH, 0, "", "", "", ""), self.now_ms)

    @rule(
        item_id=st.sampled_from(ITEMS),
        kind=st.sampled_from([InteractionType.CART, InteractionType.CART, InteractionType.FAVOURITE]),
        then=st.sampled_from([None, None, None, InteractionType.PURCHASE, InteractionType.REMOVE_FROM_CART, InteractionType.UNFAVOURITE]),
        hours=st.sampled_from([1, 3]),
    )
    def something_is_left_behind(self, item_id: str, kind: InteractionType, then: InteractionType | None, hours: int) -> None:
        """Or taken after all, or taken out again."""
        for each in (kind, then):
            if each is not None:
                self.take(Interaction(f"event-{next(self.numbers)}", each, 0, item_id, "", "", ""), self.now_ms)
            self.time_passes(MINUTE, timers_are_late=False)
        self.time_passes(hours * HOUR, timers_are_late=False)

    @rule(item_id=st.sampled_from(ITEMS), boost=st.sampled_from([0.0, 2.0]), ends=st.sampled_from([0, SECOND, HOUR]))
    def nudge(self, item_id: str, boost: float, ends: int) -> None:
        place = self.place()
        cause = f"nudge-{next(self.numbers)}"
        self.nudged[cause] = item_id
        expires_at_ms = self.now_ms + ends if ends else 0
        effects = self.ann.is_nudged(
            item_id, self.now_ms, boost=boost, expires_at_ms=expires_at_ms, event_id=cause, trigger=Trigger.PRICE_DROP
        )
        self.carry_out(effects, place, cause)

    @rule(update=updates(st.just("")), has_a_mood=st.integers(0, 4))
    def change(self, update: UserUpdate, has_a_mood: int) -> None:
        """Now and then they want no pushes, or have no device; mostly they do."""
        if has_a_mood:
            update.push_consent = update.push_consent or None
            update.reachable = True
            update.channels = update.channels or None
        update.event_id = f"update-{next(self.numbers)}"
        if update.push_consent is not None:
            self.hear(self.now_ms, update.push_consent)
        if update.purposes is not None:
            self.purposes = (self.now_ms, update.purposes)
        if update.channels is not None:
            self.channels = (self.now_ms, update.channels)
        self.take(update, self.now_ms)

    @rule(
        which=st.integers(0, 2),
        outcomes=st.lists(
            weighted((5, st.sampled_from(sorted(FAILURES))), (3, st.sampled_from(sorted(SIGHTINGS)))), min_size=1, max_size=3
        ),
        late=st.sampled_from([0, HOUR]),
    )
    def report(self, which: int, outcomes: list[str], late: int) -> None:
        """Several devices report on one of the last pushes, or on one that nobody knows (early, or forgotten in a crash)."""
        command = self.sent[-which].command_id if which in range(1, len(self.sent) + 1) else command_id("somebody", "else")
        for outcome in outcomes:
            self.hear_back(outcome, command, late)
            if outcome in SIGHTINGS:
                self.seen.add(command)
                self.failed.discard(command)
            elif command not in self.seen:
                self.failed.add(command)
        self.a_visit(0, 3, 2)

    @rule(
        outcome=st.sampled_from(["CHANNEL_DISABLED", "UNSUBSCRIBED", "REPORTED"]),
        late=st.sampled_from([0, MINUTE]),
        for_good=st.integers(0, 9),
    )
    def opt_out(self, outcome: str, late: int, for_good: int) -> None:
        """Usually they come back, and now and then their first word is heard last."""
        self.hear_back(outcome, "", late)
        self.hear(self.now_ms - late, False)
        self.a_visit(0, 11, 2)
        if for_good:
            self.hear_back("SUBSCRIBED", "", 0)
            self.hear(self.now_ms, True)

    def hear_back(self, outcome: str, command: str, late_ms: int) -> None:
        place = self.place()
        if outcome in MOODS:
            self.moods.append((MOODS[outcome], self.now_ms - late_ms))
        self.carry_out(self.ann.reports(outcome, command, self.now_ms - late_ms, event_id=f"report-{next(self.numbers)}"), place, "")

    @rule(by_ms=st.sampled_from([1, SECOND, MINUTE, 2 * HOUR, 7 * HOUR, DAY]), timers_are_late=st.sampled_from([False, False, True]))
    def time_passes(self, by_ms: int, timers_are_late: bool) -> None:
        """A timer is late when a process was down."""
        self.now_ms += by_ms
        if not timers_are_late:
            self.timers_fire()

    def timers_fire(self) -> None:
        """In order, each at its time or, if the process was down, now."""
        while due := sorted(at_ms for at_ms in self.timers if at_ms <= self.now_ms):
            self.timers.remove(due[0])
            place, pending = self.place(), self.ann.state.pending
            effects = self.ann.wakes(due[0], wall_ms=self.now_ms)
            assert bool(effects) == (pending is not None and pending.due_ms == due[0]), "one wake-up waits at most"
            self.carry_out(effects, place, "")
            for push in (effect for effect in effects if isinstance(effect, Push)):
                self.check_what_waited(push)

    @rule(name=st.sampled_from(ITEMS[:8]), becomes=st.sampled_from(["changed", "sold out", "withdrawn"]))
    def item_changes(self, name: str, becomes: str) -> None:
        if becomes == "withdrawn":
            self.ann.catalogue.remove(name, self.now_ms + next(self.numbers))
        else:
            self.ann.catalogue.upsert(self.version(name, stock=0 if becomes == "sold out" else None))
        (self.withdrawn.discard if becomes == "changed" else self.withdrawn.add)(name)

    @rule(seed=st.integers(0, 9))
    def crash_and_resume_from_bytes(self, seed: int) -> None:
        """The state is read back, the catalogue comes back in any order; timers are Flink's and survive."""
        catalogue = self.ann.catalogue
        items = [catalogue.item(row) for name in ITEMS if (row := catalogue.row_of(name)) >= 0]
        Random(seed).shuffle(items)
        self.ann.catalogue = shelf(items, DIM)
        self.ann.policy = PushPolicy(life_rules(), self.ann.catalogue, zone_of)
        self.ann.state = StateCodec(DIM).decode(StateCodec.encode(self.ann.state))

    # What is promised.

    def take(self, signal: Signal, at_ms: int) -> None:
        place = self.place()
        self.carry_out(self.ann.takes(signal, at_ms, self.now_ms), place, signal.event_id)

    def carry_out(self, effects: Effects, before: Place, cause: str) -> None:
        """Check every push against the promises; `cause` is the signal at hand.

        What the signal overtook was decided where the user was before; what was missed by long, with the present time, where they are now.
        """
        for effect in effects:
            if isinstance(effect, Push):
                is_of_now = effect.record.cause_id == cause or effect.decided_at_ms == self.now_ms
                self.check(effect, self.place() if is_of_now else before)
                self.sent.append(effect)
            elif isinstance(effect, Wake):
                self.timers.add(effect.at_ms)
            elif isinstance(effect, Suppressed) and effect.wake_at_ms:
                assert any(isinstance(other, Wake) and other.at_ms == effect.wake_at_ms for other in effects)

    def check(self, push: Push, place: Place) -> None:
        at_ms = push.decided_at_ms
        assert share_of(self.ann.user_id, "holdout-1") >= 0.3
        assert self.consent[1] or at_ms < self.consent[0], "opted out"
        assert not self.is_quiet(at_ms, place), f"quiet in {place}"
        assert push.item.item_id not in self.withdrawn
        assert push.command_id not in {other.command_id for other in self.sent}
        assert all(at_ms >= other.decided_at_ms for other in self.sent), "time went back"
        counted = [other for other in self.sent if other.command_id not in self.failed]
        gap_ms = max(GAP, RAMP_UP_GAP // -(-max(at_ms - self.ann.state.first_seen_ms, 1) // RAMP_UP_PHASE))
        assert all(at_ms - other.decided_at_ms >= gap_ms for other in counted), "gap"
        for cap in CAPS + BY_LEVEL:
            alike = [other for other in counted if cap.per == "all" or self.of_level(cap.per, other) == self.of_level(cap.per, push)]
            in_window = [other for other in alike if other.decided_at_ms > at_ms - cap.window_ms]
            assert len(in_window) < cap.count or not self.of_level(cap.per, push), f"{cap}"
        assert not self.sent or self.fatigue(counted, at_ms) <= FATIGUE_LIMIT + 1e-6, "tired"
        said_at_ms, purposes = self.purposes
        assert purposes is None or at_ms < said_at_ms or purpose_of(KINDS[push.item.item_id]["scenario"]) in purposes, "purpose"
        said_at_ms, channels = self.channels
        assert channels is None or at_ms < said_at_ms or channels, "no channel"
        lately = {other.item.item_id for other in counted if other.decided_at_ms > at_ms - REPEAT_AFTER}
        assert push.item.item_id not in lately, "sent before"
        assert push.told_as != Trigger.PRICE_DROP or push.item.item_id == self.nudged[push.record.cause_id], "told of another item"

    def check_what_waited(self, push: Push) -> None:
        """What was decided on waking up is not for a user who is here, and about what was left behind if that was the reason."""
        state = self.ann.state
        assert push.decided_at_ms >= state.active_at_ms + IN_SESSION, "in session"
        if push.record.trigger in (Trigger.ABANDONED_CART, Trigger.ABANDONED_FAVOURITE):
            assert is_unfinished(state, key_of(push.item.item_id)), "left behind"

    @staticmethod
    def of_level(per: str, push: Push) -> object:
        """What pushes must share to be under the same cap; nothing is under none."""
        kind = KINDS[push.item.item_id]
        of = {"all": "all", "trigger": push.record.trigger, "category": kind["categories"][-1:], "creator": kind["creator_id"]}
        return of[per]

    def fatigue(self, counted: list[Push], at_ms: int) -> float:
        """By its definition, from all that happened."""
        happened = [*self.moods, *((1.0, push.decided_at_ms) for push in counted)]
        return sum(amount * 0.5 ** ((at_ms - then) / FATIGUE_HALF_LIFE) for amount, then in happened)

    def place(self) -> Place:
        """Zone and country, as the job knows them."""
        return self.ann.state.time_zone, self.ann.state.country

    @staticmethod
    def is_quiet(at_ms: int, place: Place) -> bool:
        """The zone counts, else the country (Germany is the only one here), else UTC."""
        zone, country = place
        found = (zone_of(zone) if zone else None) or ZoneInfo("Europe/Berlin" if country == "DE" else "UTC")
        return not QUIET_UNTIL <= datetime.fromtimestamp(at_ms / 1000, found).hour < QUIET_FROM

    def hear(self, at_ms: int, consent: bool) -> None:
        if at_ms >= self.consent[0]:
            self.consent = (at_ms, consent)

    @invariant()
    def a_pending_wake_up_has_its_timer(self) -> None:
        pending = self.ann.state.pending if hasattr(self, "ann") else None
        assert pending is None or pending.due_ms in self.timers

    @invariant()
    def the_state_is_under_its_bound(self) -> None:
        if hasattr(self, "ann"):
            assert len(StateCodec.encode(self.ann.state)) <= most_bytes(life_rules().memory, DIM, 128)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=100, stateful_step_count=60)
