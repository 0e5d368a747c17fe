"""Metrics: every name is documented, every count is what happened, and Flink is told."""

from collections.abc import Callable
from pathlib import Path

from flink_job.core import history
from flink_job.core.reasons import Reason
from flink_job.core.state import FAILED, new_user
from flink_job.metrics import COUNTERS
from flink_job.variety import Variety
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import HOUR, MINUTE, SECOND, plain_rules
from tests.harness.harness import OperatorHarness

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
ROOT = Path(__file__).parents[2]


def live_a_little(harness: OperatorHarness) -> None:
    """An item; a view that leads to a push; a cart that waits; a duplicate; garbage; the wake-up."""
    harness.shared("mug", item_record())
    view = signal("interaction", event_id="event-1", occurred_at_ms=AT - 7)
    harness.signal("ann", view)
    harness.signal("ann", view)
    harness.signal("bob", signal("interaction", user_id="bob", type=6, occurred_at_ms=AT))
    harness.signal("ann", b"garbage")
    harness.advance_to(AT + 30 * MINUTE)


def test_counts_are_what_happened(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=plain_rules(triggers={"view": 0, "cart": 30 * MINUTE}))
    live_a_little(harness)
    counted = {name: count for name in COUNTERS if (count := harness.metric(name))}
    assert counted == {
        "signals": 4,
        "users_new": 2,
        "decisions": 3,  # the view, the cart that waits, its wake-up
        "scored": 2,
        "pushes": 2,
        "wake_ups_set": 1,
        "wake_ups_fired": 1,
        "items_changed": 1,
        "suppressed.duplicate": 1,
        "suppressed.delay": 1,
        "dead_letters.malformed": 1,
    }


def test_a_signal_too_old_to_act_on_is_no_decision_until_its_wake_up(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record())
    harness.signal("ann", signal("interaction", occurred_at_ms=AT - HOUR))
    assert (harness.metric("suppressed.stale_signal"), harness.metric("decisions")) == (1, 0)
    harness.advance_to(AT)
    assert (harness.metric("pushes"), harness.metric("decisions")) == (1, 1)


def test_the_latency_of_a_push_is_from_its_cause_to_its_decision(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record())
    harness.signal("ann", signal("interaction", occurred_at_ms=AT - 7))
    below = [harness.metric(f"push_latency_ms.le_{bound}") for bound in (1, 2, 5, 10, 20, 60000, "inf")]
    assert below == [0, 0, 0, 1, 1, 1, 1]


def test_entropy_is_that_of_the_users_last_pushes_and_coverage_that_of_all() -> None:
    """ann gets two mugs and a lamp, 0.918 bits, after a mug and two mugs, 0 bits each; bob the lamp alone."""
    variety, ann, bob = Variety(), new_user(2, AT), new_user(2, AT)
    for number, (user, name, category) in enumerate([(ann, 1, 7), (ann, 2, 7), (ann, 3, 8), (bob, 3, 8)]):
        history.remember_push(user, name, f"{number:032x}", AT, 64, category=category)
        variety.pushed(user, 1)
    assert variety.entropies == [3, 0, 1, 0, 0, 0, 0, 0]
    assert variety.covered == 3


def test_pushes_that_failed_were_not_varied_and_a_digest_counts_each_of_its_items() -> None:
    variety, ann = Variety(), new_user(2, AT)
    for number, category in enumerate([7, 8, 9, 7]):
        history.remember_push(ann, number, "1" * 32 if number < 2 else "2" * 32, AT, 64, category=category)
        if number == 1:
            history.mark_push(ann, "1" * 32, FAILED)
    variety.pushed(ann, 2)
    assert variety.entropies == [0, 0, 1, 0, 0, 0, 0, 0]  # of the last two alone: 1 bit
    assert variety.covered == 2


def test_coverage_forgets_what_was_pushed_long_ago() -> None:
    variety, ann = Variety(covered_pushes=3), new_user(2, AT)
    covered = []
    for key in (1, 1, 2, 3, 3, 3):
        history.remember_push(ann, key, f"{key:032x}", AT, 64)
        variety.pushed(ann, 1)
        covered.append(variety.covered)
    assert covered == [1, 1, 2, 3, 2, 1]


def test_flink_is_told_of_variety(harness: OperatorHarness) -> None:
    live_a_little(harness)
    harness.task.now_ms += SECOND
    harness.signal("ann", b"garbage")
    assert (harness.reported("items_covered"), harness.reported("category_entropy_mbit.le_0")) == (1, 2)


def test_flink_is_told_by_counters_of_the_operators_own_group(harness: OperatorHarness) -> None:
    live_a_little(harness)
    harness.task.now_ms += SECOND
    harness.signal("ann", b"garbage")
    for name in COUNTERS:
        assert harness.reported(name) == harness.metric(name), name
    assert harness.reported("catalogue_items") == 1
    harness.task.now_ms += SECOND
    harness.shared("mug", None)
    harness.task.now_ms += SECOND
    harness.signal("ann", b"garbage")
    assert harness.reported("catalogue_items") == 0


def test_an_instance_that_goes_on_from_a_snapshot_counts_from_nothing(make_harness: MakeHarness, harness: OperatorHarness) -> None:
    live_a_little(harness)
    restored = make_harness(harness.snapshot())
    restored.signal("cleo", signal("interaction", user_id="cleo", occurred_at_ms=AT))
    assert (restored.metric("signals"), restored.metric("users_new"), restored.metric("suppressed.duplicate")) == (1, 1, 0)


def test_every_reason_and_every_metric_has_a_name_and_words() -> None:
    assert {f"suppressed.{reason.metric}" for reason in Reason} <= COUNTERS.keys()
    assert all(COUNTERS.values())


def test_every_metric_is_documented(harness: OperatorHarness) -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    families = {
        "suppressed": "suppressed.<reason>",
        "dead_letters": "dead_letters.<reason>",
        "push_latency_ms": "push_latency_ms.le_<bound>",
        "category_entropy_mbit": "category_entropy_mbit.le_<bound>",
    }
    for name in harness.task.counters:
        plain = name.removeprefix("kairos.")
        family = families.get(plain.split(".")[0])
        assert f"`{plain}`" in text or (family is not None and f"`{family}`" in text), plain
