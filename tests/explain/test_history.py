"""What the log has of one user: once each, in order; what is in force; when the next chance is; the days at a glance."""

from datetime import date

from kairos.explain.chance import chance_of
from kairos.explain.days import days_of
from kairos.explain.history import history_of
from kairos.v1.decision_pb2 import VERDICT_EXPOSED, Gate
from kairos.v1.push_pb2 import PushCommand
from tests.core.person import moment
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules
from tests.experiments.records import feedback
from tests.explain.records import AT, BERLIN, decision, history


def test_records_count_once_in_order_and_only_the_users_own() -> None:
    first, second, exposed = decision(AT), decision(AT + 1, "pending"), decision(AT, "x", verdict=VERDICT_EXPOSED)
    of_bob = decision(AT, user_id="bob")
    payloads = [each.SerializeToString() for each in (second, first, second, of_bob, exposed)]
    opened = feedback("ann", "OPENED", "c1", AT + 2).SerializeToString()
    timeless = feedback("ann", "DELIVERED", "c1", 0).SerializeToString()
    pushes = [PushCommand(command_id="c1", user_id=user).SerializeToString() for user in ("ann", "ann", "bob")]
    found = history_of("ann", [*payloads, b"\xff"], [*pushes, b"\xff"], [(opened, 0), (opened, 0), (timeless, AT + 1), (b"\xff", 0)])
    assert found.decisions == (first, second)
    assert list(found.pushes) == ["c1"]
    assert [each.occurred_at_ms for each in found.outcomes("c1")] == [AT + 1, AT + 2]  # one without a time has that of its record
    assert found.malformed == 3


def test_in_force_is_the_last_word_on_a_push_not_one_that_points_at_another() -> None:
    waits = decision(AT, "min_gap", wake_at_ms=AT + HOUR)
    worthless = decision(AT + 2 * HOUR, "not_worth_it")
    log = history(
        waits,
        decision(AT + MINUTE, "pending"),
        decision(AT + 2 * MINUTE, "not_a_trigger"),
        worthless,
        decision(AT + 2 * HOUR + 1, "scored_lately"),
    )
    assert log.in_force(AT - 1) is None
    for at_ms in (AT, AT + MINUTE, AT + 3 * MINUTE):
        assert log.in_force(at_ms) == waits
    assert log.in_force(AT + 3 * HOUR) == worthless


def test_what_points_at_a_decision_that_is_not_in_the_log_stands_for_itself() -> None:
    alone = decision(AT, "pending")
    assert history(alone).in_force(AT) == alone
    click = decision(AT, "not_a_trigger")
    assert history(click).in_force(AT) == click


def test_the_next_chance_is_what_the_log_says_it_is() -> None:
    def chance(*log: object, at_ms: int = AT) -> tuple[str, int | None, str]:
        found = history(*log)  # type: ignore[arg-type]
        current = found.in_force(at_ms)
        assert current is not None
        told = chance_of(found, current, at_ms, plain_rules(gates__min_gap_ms=4 * HOUR))
        return told.how, told.at_ms, told.reason

    closed = Gate(name="cap", passed=False, opens_at_ms=AT + 3 * DAY)
    assert chance(decision(AT, "min_gap", wake_at_ms=AT + HOUR)) == ("wake_up", AT + HOUR, "min_gap")
    assert chance(decision(AT, "cap", gates=[closed])) == ("gate", AT + 3 * DAY, "cap")
    assert chance(decision(AT)) == ("after_push", AT + 4 * HOUR, "min_gap")
    assert chance(decision(AT, "not_worth_it")) == ("signal", None, "")
    assert chance(decision(AT, "holdout")) == ("never", None, "holdout")
    # a push does not cancel what is awaited; a moment that has passed is none to come
    assert chance(decision(AT - 1, "awaited", wake_at_ms=AT + HOUR), decision(AT)) == ("wake_up", AT + HOUR, "awaited")
    assert chance(decision(AT, "cap", gates=[closed]), at_ms=AT + 4 * DAY)[0] == "signal"


def test_an_hour_that_was_chosen_ahead_is_a_chance_beside_the_next_thing_they_do() -> None:
    """A push is sent and, as nothing waits, tomorrow 19:00 is chosen; what is put off later takes its place, and when that has come nothing waits."""
    tomorrow = AT + DAY
    push, closed = decision(AT, wake_at_ms=tomorrow), Gate(name="cap", passed=False, opens_at_ms=AT + 3 * HOUR)
    refused = decision(AT + HOUR, "cap", gates=[closed])
    later = decision(AT + 4 * HOUR, "quiet_hours", wake_at_ms=AT + 8 * HOUR)

    def chance(at_ms: int, *log: object) -> tuple[str, int | None, int | None]:
        found = history(*log)  # type: ignore[arg-type]
        current = found.in_force(at_ms)
        assert current is not None
        told = chance_of(found, current, at_ms, plain_rules(gates__min_gap_ms=HOUR))
        return told.how, told.at_ms, told.ahead_ms

    assert chance(AT, push) == ("after_push", AT + HOUR, tomorrow)
    assert chance(AT + HOUR, push, refused) == ("gate", AT + 3 * HOUR, tomorrow)
    assert chance(AT + 5 * HOUR, push, refused, later) == ("wake_up", AT + 8 * HOUR, None)
    assert chance(AT + 9 * HOUR, push, refused, later, decision(AT + 8 * HOUR, "no_candidate")) == ("signal", None, None)
    assert chance(tomorrow, push) == ("after_push", AT + HOUR, None)


def test_what_waits_for_an_hour_chosen_ahead_is_not_in_force() -> None:
    """A worse occasion is answered by `pending`: nothing was decided that would be in its place."""
    push, worse = decision(AT, wake_at_ms=AT + DAY), decision(AT + HOUR, "pending")
    assert history(push, worse).in_force(AT + HOUR) == worse


def test_days_are_the_users_own_and_a_sampled_record_stands_for_many() -> None:
    """23:30 UTC on Tuesday is 00:30 on Wednesday in Berlin. Three records at one in a hundred stand for three hundred."""
    late = moment("2026-03-03 23:30")
    sampled = [decision(AT + n, "pending", log_rate=0.01) for n in range(3)]
    log = history(
        decision(late),
        decision(AT - DAY, "quiet_hours", wake_at_ms=late, log_rate=0.01),
        *sampled,
        decision(AT + 9, "not_a_trigger"),
        decision(AT + 10, "cool_down"),
    )
    today, before, empty = days_of(log, BERLIN, AT + HOUR, 3)
    assert (today.day, today.sent, before.sent) == (date(2026, 3, 4), 1, 0)
    assert [(count.reason, count.logged, count.about) for count in today.suppressed] == [("pending", 3, 300.0), ("cool_down", 1, 1.0)]
    assert [count.reason for count in today.held_back_by] == ["cool_down"]  # what only points at another decision says nothing
    assert [(count.reason, count.about) for count in before.deferred] == [("quiet_hours", 100.0)]
    assert (empty.sent, empty.held_back_by) == (0, ())


def test_a_day_on_which_the_clocks_change_has_its_own_length() -> None:
    """29 March 2026 in Berlin is 23 hours long: it ends at 22:00 UTC."""
    log = history(decision(moment("2026-03-28 22:59")), decision(moment("2026-03-28 23:00")), decision(moment("2026-03-29 21:59")))
    sunday, saturday = days_of(log, BERLIN, moment("2026-03-29 21:59"), 2)
    assert (sunday.sent, saturday.sent) == (2, 1)
