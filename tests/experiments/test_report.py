"""From records to a report: who counts, what counts, and when the arms are not what was drawn."""

import numpy as np
import pytest

from flink_job.core.rules import Layer
from flink_job.inprocess import InProcessRunner
from kairos.experiments.columns import EventColumns
from kairos.experiments.journal import Journal
from kairos.experiments.report import LayerReport, Settings, layer_report, sample_ratio
from kairos.experiments.show import as_json, head, verdict
from kairos.v1 import signal_pb2
from tests.codec.messages import item_record, policy_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import plain_rules
from tests.experiments.records import DAY, START, exposed, feedback, interaction, sent
from tests.harness.conftest import harness_settings

SETTINGS = Settings(window_ms=2 * DAY)
LATER = START + 30 * DAY
HALVES = {"control": 0.5, "early": 0.5}


def journal_of(*decisions: object, signals: tuple[object, ...] = (), value_from: str = "interactions") -> Journal:
    journal = Journal()
    journal.value_from = value_from
    for decision in decisions:
        journal.decision(decision.SerializeToString())  # type: ignore[attr-defined]
    journal.decisions_read()
    for each in signals:
        journal.signal(each.SerializeToString())  # type: ignore[attr-defined]
    return journal


def report(journal: Journal, until_ms: int = LATER, **options: object) -> LayerReport:
    arguments = {"shares": HALVES, "control": None, **options}
    return layer_report(journal, "timing", SETTINGS, until_ms=until_ms, **arguments)  # type: ignore[arg-type]


def everybody(early: int = 60, control: int = 60) -> list[object]:
    return [exposed(f"e{number}", "early") for number in range(early)] + [exposed(f"c{number}", "control") for number in range(control)]


def means(found: LayerReport, metric: str) -> tuple[float, float]:
    """(treated, control), before anything is taken out: nothing is known of before in these tests."""
    (comparison,) = [each for each in found.comparisons if each.metric == metric]
    return comparison.now.treated_mean, comparison.now.control_mean


def test_every_metric_is_a_mean_over_all_exposed_users_those_without_a_push_included() -> None:
    """Of 60 early users one got two pushes, opened one twice, bought for 30 and sent back 10, and then wanted no more."""
    at = START + 1000
    signals = (
        feedback("e0", "OPENED", "p1", at),
        feedback("e0", "ACTION_CLICKED", "p1", at + 1),
        feedback("e0", "CONVERTED", "p1", at + 2, value=99.0),
        interaction("e0", "buy", at + 3, "PURCHASE", 30.0),
        interaction("e0", "buy", at + 3, "PURCHASE", 30.0),
        interaction("e0", "back", at + 4, "RETURN", 10.0),
        feedback("e0", "UNSUBSCRIBED", "p2", at + 5),
        feedback("e0", "CHANNEL_DISABLED", "p2", at + 6),
        feedback("nobody", "OPENED", "p9", at),
    )
    found = report(journal_of(*everybody(), sent("e0", "p1", at), sent("e0", "p1", at), sent("e0", "p2", at), signals=signals))
    for metric, total in (("pushes", 2), ("opens", 1), ("conversions", 1), ("value", 20.0), ("opt_outs", 1)):
        assert means(found, metric) == (pytest.approx(total / 60), 0.0), metric


def test_without_interactions_value_is_what_conversions_were_worth() -> None:
    signals = (feedback("e0", "CONVERTED", "p1", START + 5, value=99.0),)
    found = report(journal_of(*everybody(), signals=signals, value_from="feedback"))
    assert means(found, "value") == (pytest.approx(99 / 60), 0.0)


def test_a_fact_about_the_user_can_be_an_opt_out() -> None:
    update = signal_pb2.Signal.FromString(signal("user_update", user_id="e0", occurred_at_ms=START + 1, push_consent=False))
    assert means(report(journal_of(*everybody(), signals=(update,))), "opt_outs") == (pytest.approx(1 / 60), 0.0)


def test_only_what_happens_in_the_window_after_the_first_exposure_counts() -> None:
    moments = (START, START + 2 * DAY - 1, START + 2 * DAY)
    signals = tuple(feedback("e0", "OPENED", f"p{at}", at) for at in moments)
    decisions = [*everybody(), exposed("e0", "early", START + DAY), *(sent("e0", f"p{at}", at) for at in moments)]
    found = report(journal_of(*decisions, signals=signals))
    assert means(found, "opens") == means(found, "pushes") == (pytest.approx(2 / 60), 0.0)


def test_what_was_before_is_told_from_what_came_after() -> None:
    """Two users, the second outside the sample; the window of the first begins at 10 and ends before 20."""
    columns = EventColumns()
    for user, at_ms, amount in ((0, 9, 1.0), (0, 10, 2.0), (0, 19, 4.0), (0, 20, 8.0), (1, 15, 16.0)):
        columns.add(user, at_ms, amount)
    place, first = np.array([0, -1]), np.array([10])
    assert columns.total(place, first, first + 10).tolist() == [6.0]
    assert columns.total(place, first - 10, first).tolist() == [1.0]
    assert EventColumns().total(place, first, first + 10).tolist() == [0.0]


def test_users_count_once_their_window_is_over() -> None:
    late = [exposed(f"late{number}", "early", START + DAY) for number in range(7)]
    found = report(journal_of(*everybody(), *late), until_ms=START + 2 * DAY)
    assert found.waiting == 7
    assert found.exposed == {"control": 60, "early": 67}
    assert found.comparisons[0].now.treated_users == 60
    assert report(journal_of(*everybody(), *late), until_ms=START + 3 * DAY).waiting == 0


def test_users_that_were_seen_in_two_arms_are_left_out() -> None:
    found = report(journal_of(*everybody(61), exposed("e0", "control", START + 5)))
    assert (found.moved, found.comparisons[0].now.treated_users) == (1, 60)


def test_users_whose_first_days_are_no_longer_known_are_left_out() -> None:
    journal = journal_of(*everybody(), *(exposed(f"old{number}", "early", START - DAY) for number in range(9)))
    journal.known_from_ms = START
    found = report(journal)
    assert (found.too_old, found.comparisons[0].now.treated_users) == (9, 60)


def test_a_decision_that_names_an_arm_exposes_also_without_a_record_of_its_own() -> None:
    found = report(journal_of(*everybody(), sent("e99", "p", START, {"timing": "early"})))
    assert found.exposed["early"] == 61


def test_exposures_before_the_moment_that_was_given_do_not_count() -> None:
    journal = Journal()
    for each in (exposed("a", "early", START - 1), exposed("b", "early", START)):
        journal.decision(each.SerializeToString(), START)
    assert set(journal.users) == {"b"}


def test_records_that_are_no_message_are_counted_and_passed_over() -> None:
    journal = Journal()
    journal.decision(b"\xff\xff")
    journal.signal(b"\xff\xff")
    assert journal.malformed == 2


def test_too_few_users_are_not_compared() -> None:
    found = report(journal_of(*everybody(early=49)))
    assert (found.comparisons, found.too_few) == ((), ("early",))
    assert any("too few users to compare" in line for line in head(found))


def test_the_control_is_the_arm_of_that_name_or_the_first_or_the_one_that_was_asked_for() -> None:
    assert report(journal_of(*everybody())).control == "control"
    assert report(journal_of(*everybody()), control="early").control == "early"
    renamed = [exposed(f"{arm}{number}", arm) for arm in ("b", "a") for number in range(60)]
    assert report(journal_of(*renamed), shares=None).control == "a"


def test_layers_are_read_apart() -> None:
    journal = journal_of(*everybody(), *(exposed(f"t{number}", "new", layer="taste") for number in range(5)))
    assert set(journal.layers) == {"timing", "taste"}
    assert sum(report(journal).exposed.values()) == 120


def test_more_opt_outs_are_worse_more_opens_are_better_and_pushes_are_neither() -> None:
    decisions, signals = everybody(400, 400), []
    for number in range(400):
        signals += [feedback(f"e{number}", outcome, f"p{number}", START + 1) for outcome in ("OPENED", "UNSUBSCRIBED")]
        decisions.append(sent(f"e{number}", f"p{number}", START + 1))
    found = report(journal_of(*decisions, signals=tuple(signals)))
    assert {each.metric: verdict(each) for each in found.comparisons} == {
        "pushes": "more",
        "opens": "better",
        "conversions": "not known yet",
        "value": "not known yet",
        "opt_outs": "worse",
    }


# Sample ratio


def test_the_statistic_is_pearsons() -> None:
    """(60 − 50)²/50 twice is 4, and P(χ²₁ > 4) = 0.0455."""
    ratio = sample_ratio({"a": 60, "b": 40}, {"a": 0.5, "b": 0.5})
    assert ratio.p_value == pytest.approx(0.0455, abs=1e-4)
    assert ratio.expected == {"a": 50.0, "b": 50.0}


def test_shares_that_leave_users_over_are_compared_among_themselves() -> None:
    assert sample_ratio({"a": 100, "b": 50}, {"a": 0.2, "b": 0.1}).p_value == pytest.approx(1.0)


def test_arms_that_are_off_are_detected_and_arms_as_drawn_are_not() -> None:
    """20,000 users in halves, of which one then loses 10 % of its users."""
    draw = np.random.default_rng(1)
    sizes = [int((draw.random(20_000) < 0.5).sum()) for _ in range(300)]
    off = [sample_ratio({"a": round(0.9 * size), "b": 20_000 - size}, {"a": 0.5, "b": 0.5}) for size in sizes]
    as_drawn = [sample_ratio({"a": size, "b": 20_000 - size}, {"a": 0.5, "b": 0.5}) for size in sizes]
    assert sum(ratio.is_off for ratio in as_drawn) <= 2
    assert sum(ratio.is_off for ratio in off) > 0.9 * len(off)


def test_an_arm_that_lost_its_users_is_said_first_of_all() -> None:
    found = report(journal_of(*everybody(early=60, control=240)))
    assert found.ratio is not None
    assert found.ratio.is_off
    assert any("sample ratio: OFF" in line for line in head(found))
    assert as_json(found)["sample_ratio"]["is_off"] is True


# The whole way


def test_what_the_job_logs_is_what_the_report_reads() -> None:
    """One arm sends nothing: the job draws, logs and decides; the report finds every exposed user, and no push in that arm."""
    rules = plain_rules(experiments={"timing": Layer("timing-1", {"control": 0.5, "silent": 0.4})})
    settings = harness_settings(rules=rules)
    runner = InProcessRunner(settings)
    runner.load([("mug", item_record())])
    assert (
        runner.load_knowledge([("policy/default/timing/silent", policy_record("send: {min_score: 5}", arm="timing/silent"))], MONDAY_0930)
        == []
    )
    log = [
        (
            f"user-{number}",
            signal("interaction", user_id=f"user-{number}", event_id="look", occurred_at_ms=MONDAY_0930 + number),
            MONDAY_0930 + number,
        )
        for number in range(500)
    ]
    journal = Journal()
    for topic, _, value in runner.run(log):
        if topic == settings.decisions_topic:
            journal.decision(value)
    journal.decisions_read()
    found = layer_report(journal, "timing", SETTINGS, shares=rules.experiments["timing"].arms, control=None, until_ms=MONDAY_0930 + 9 * DAY)
    assert found.ratio is not None
    assert not found.ratio.is_off
    assert sum(found.exposed.values()) == runner.engine.metrics.values()["exposures"] == pytest.approx(450, abs=30)
    assert means(found, "pushes") == (0.0, 1.0)
