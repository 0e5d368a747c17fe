"""A user's whole life, step by random step, beside a model that knows only the promises: what no push may ever break."""

from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from flink_job.codec.state import StateCodec, most_bytes
from flink_job.core.catalogue import CatalogueItem
from flink_job.core.effects import Effects, Push, Suppressed, Wake
from flink_job.core.ids import command_id, share_of
from flink_job.core.policy import PushPolicy
from flink_job.core.rules import Rules
from flink_job.core.signals import Interaction, InteractionType, Signal, Trigger, UserUpdate
from flink_job.engine import zone_of
from tests.core.catalogue_items import item, units
from tests.core.lives import ITEMS, interactions, updates, weighted
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import DAY, HOUR, MINUTE, SECOND, caps, changed, default_rules

DIM = 3
GAP, REPEAT_AFTER = 10 * MINUTE, 3 * DAY
CAPS = caps((2, 2 * HOUR), (4, DAY))
QUIET_FROM, QUIET_UNTIL = 22, 8
FEATURES = dict(zip(ITEMS, units(len(ITEMS), DIM), strict=True))

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
            "gates.caps": CAPS,
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
        },
    )


class Life(RuleBasedStateMachine):
    """`sent`: (moment, item, command) of every push; `failed`, `seen`: what is known of them; `timers`: those set and not fired."""

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

    @initialize(user=st.sampled_from(["ann", "bob", "cleo", "dan"]))
    def born(self, user: str) -> None:
        """Dan is in the holdout, the others are not."""
        self.ann = Person(shelf([self.version(name) for name in ITEMS], DIM), life_rules(), user_id=user)

    def version(self, name: str, **changes: object) -> CatalogueItem:
        return item(name, features=FEATURES[name], updated_at_ms=self.now_ms + next(self.numbers), **changes)

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

    @rule(item_id=st.sampled_from(ITEMS), boost=st.sampled_from([0.0, 2.0]), ends=st.sampled_from([0, SECOND, HOUR]))
    def nudge(self, item_id: str, boost: float, ends: int) -> None:
        place = self.place()
        cause = f"nudge-{next(self.numbers)}"
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
        update.event_id = f"update-{next(self.numbers)}"
        if update.push_consent is not None:
            self.hear(self.now_ms, update.push_consent)
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
            place = self.place()
            self.carry_out(self.ann.wakes(due[0], wall_ms=self.now_ms), place, "")

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
        assert all(at_ms - other.decided_at_ms >= GAP for other in counted), "gap"
        for cap in CAPS:
            in_window = [other for other in counted if other.decided_at_ms > at_ms - cap.window_ms]
            assert len(in_window) < cap.count, f"{cap}"
        lately = {other.item.item_id for other in counted if other.decided_at_ms > at_ms - REPEAT_AFTER}
        assert push.item.item_id not in lately, "sent before"

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
TestLife.settings = settings(stateful_step_count=60)
