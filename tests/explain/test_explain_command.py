"""``kairos explain`` as its user runs it, on what the engine wrote about some days of the built-in world; and on topics."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition
from typer.testing import CliRunner, Result

from flink_job.core.reasons import Reason
from kairos.cli.app import build
from kairos.contract.clients import open_consumer, open_producer
from kairos.contract.connection import Connection
from kairos.contract.reading import partition_of, read_key
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka
from kairos.policy.release import moment_in_words, now_ms
from kairos.v1.decision_pb2 import VERDICT_DEFERRED, VERDICT_SENT, Decision
from kairos.v1.feedback_pb2 import Outcome
from kairos.v1.interaction_pb2 import Context, Interaction
from kairos.v1.signal_pb2 import Signal, Trigger
from tests.core.policies import DAY, HOUR, MINUTE
from tests.experiments.records import feedback
from tests.explain.lived import Lived, line, lived
from tests.explain.records import candidate, decision, slot

DAYS = 4


@pytest.fixture(scope="module")
def life() -> Lived:
    return lived(DAYS, users=12, items=120)


@pytest.fixture(scope="module")
def files(life: Lived, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    return life.save(tmp_path_factory.mktemp("log"))


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(build(), ["explain", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return found


def lines(found: dict[str, Any], about: str) -> str:
    return "\n".join(line for answer in found["answers"] if answer["about"] == about for line in answer["lines"])


def one(life: Lived, fits: Callable[[Decision], bool]) -> Decision:
    return next(each for each in life.decisions if fits(each))


def at(each: Decision, later_ms: int = 0) -> str:
    return f"{moment_in_words(each.decided_at_ms + later_ms)[:-1]}.999Z"


def test_a_push_is_told_with_its_item_its_moment_its_runner_up_and_what_became_of_it(life: Lived, files: tuple[str, ...]) -> None:
    opened = {each.feedback.command_id for each in life.feedback if each.feedback.outcome == Outcome.OUTCOME_OPENED}
    push = one(
        life, lambda each: each.verdict == VERDICT_SENT and len(each.candidates) > 1 and bool(each.slots) and each.command_id in opened
    )
    found = told(push.user_id, *files, "--at", at(push))
    assert found["decision"]["decision_id"] == push.decision_id
    assert found["push"]["choice"]["chosen"]["item_id"] == push.item_ids[0]
    assert found["push"]["choice"]["runner_up"]["how"] in ("better", "drawn", "unfit")
    assert [each["propensity"] for each in found["decision"]["candidates"]] == [each.propensity for each in push.candidates]
    assert len(found["push"]["moment"]["hours"]["hours"]) == len(push.slots)
    assert "opened" in [each["outcome"] for each in found["push"]["outcomes"]]
    shown = run(push.user_id, *files, "--at", at(push)).stdout
    command = next(each for each in life.pushes if each.command_id == push.command_id)
    for words in (
        f"{push.user_id}: push “{command.content.title}” ({push.item_ids[0]}) sent on",
        *("Why this push", "Why now", "Why not the runner-up", "What became of it", "When the next chance is"),
        *("What made the difference", "All 11 gates were open", "shown", "opened", f"“{command.reason}”"),
        *(each.item_id for each in push.candidates),
    ):
        assert words in shown


def test_without_a_time_it_is_the_latest_push_and_what_is_in_force_since(life: Lived, files: tuple[str, ...]) -> None:
    pushes = {each.user_id: each for each in life.decisions if each.verdict == VERDICT_SENT}
    later = one(
        life,
        lambda each: each.user_id in pushes and each.decided_at_ms > pushes[each.user_id].decided_at_ms and each.reason == "not_worth_it",
    )
    found = told(later.user_id, *files)
    assert found["at_ms"] is None
    assert found["push"]["command_id"] == pushes[later.user_id].command_id
    assert found["since"]["decided_at_ms"] > found["decision"]["decided_at_ms"]
    assert found["then"] is None
    assert len(found["days"]) == 7
    assert sum(day["sent"] for day in found["days"]) == sum(
        each.user_id == later.user_id and each.verdict == VERDICT_SENT for each in life.decisions
    )


def test_a_decision_put_off_for_a_better_hour_names_the_hour_and_what_came_of_it(life: Lived, files: tuple[str, ...]) -> None:
    waits = one(life, lambda each: each.reason == "better_time")
    found = told(waits.user_id, *files, "--at", at(waits, MINUTE))
    assert found["decision"]["verdict"] == "deferred"
    assert (found["chance"]["how"], found["chance"]["at_ms"]) == ("wake_up", waits.wake_at_ms)
    assert found["decision"]["hours"]["chosen"] > 0
    assert Reason.BETTER_TIME.value in lines(found, "decision")
    assert "The best there was: " in lines(found, "decision")
    sent = next((each for each in life.decisions if each.cause_id == waits.cause_id and each.verdict == VERDICT_SENT), None)
    if sent is not None:
        assert [each["reason"] for each in told(sent.user_id, *files, "--at", at(sent))["push"]["moment"]["put_off"]][-1] == "better_time"


def test_an_hour_that_was_chosen_ahead_is_told_and_then_it_is_decided_at_that_hour(life: Lived, files: tuple[str, ...]) -> None:
    hours = {(each.user_id, each.decided_at_ms) for each in life.decisions if each.trigger == Trigger.TRIGGER_BEST_TIME}
    push = one(life, lambda each: each.verdict == VERDICT_SENT and (each.user_id, each.wake_at_ms) in hours)
    found = told(push.user_id, *files, "--at", at(push))
    assert (found["chance"]["how"], found["chance"]["ahead_ms"]) == ("after_push", push.wake_at_ms)
    assert "an hour that was chosen ahead, in case nothing else comes before it." in lines(found, "chance")


def test_a_closed_gate_is_named_with_those_before_it_and_when_it_opens(life: Lived, files: tuple[str, ...]) -> None:
    night = one(life, lambda each: each.reason == "quiet_hours" and each.verdict == VERDICT_DEFERRED)
    found = told(night.user_id, *files, "--at", at(night))
    assert [gate["passed"] for gate in found["decision"]["gates"]] == [True] * 10 + [False]
    assert found["decision"]["gates"][-1]["opens_at_ms"] == found["chance"]["at_ms"] == night.wake_at_ms
    assert "The gate quiet_hours was closed; it opens on" in lines(found, "decision")
    shown = " ".join(run(night.user_id, *files, "--at", at(night)).stdout.split())
    assert "✗ quiet_hours it is night where the user is; opens on" in shown
    assert "✓ cap there is room under the caps" in shown


def test_who_never_gets_any_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text(as_lines(decision(1_772_000_000_000, "holdout")), encoding="utf-8")
    found = told("ann", "--from", path)
    assert found["chance"] == {"how": "never", "at_ms": None, "reason": "holdout", "ahead_ms": None}
    assert "It ends when another holdout is drawn" in lines(found, "chance")


def test_why_nothing_the_day_before_counts_the_reasons(life: Lived, files: tuple[str, ...]) -> None:
    """Somebody with decisions and no push on a day, asked about the day after."""
    first = min(each.decided_at_ms for each in life.decisions) // DAY * DAY
    for user in sorted({each.user_id for each in life.decisions}):
        of_day = [each for each in life.decisions if each.user_id == user and first + DAY <= each.decided_at_ms < first + 2 * DAY]
        reasons = {each.reason for each in of_day} - {"pending", "scored_lately", "not_a_trigger"}
        if reasons and not any(each.verdict == VERDICT_SENT for each in of_day):
            break
    found = told(user, *files, "--at", moment_in_words(first + 2 * DAY + HOUR), "--zone", "UTC")
    (answer,) = [each for each in found["answers"] if each["about"] == "yesterday"]
    assert answer["question"] == "Why nothing the day before"
    counted = {each["reason"]: each["logged"] for each in (*found["days"][1]["deferred"], *found["days"][1]["suppressed"])}
    assert counted == {
        reason: sum(each.reason == reason for each in of_day) for reason in {each.reason for each in of_day} - {"not_a_trigger"}
    }
    assert any(Reason[reason.upper()].value in "\n".join(answer["lines"]) for reason in reasons)


def test_where_the_log_is_sampled_it_says_so_and_counts_for_many(tmp_path: Path) -> None:
    at_ms = 1_772_600_000_000
    log = [decision(at_ms - 2 * DAY), *(decision(at_ms - n * MINUTE, "not_worth_it", log_rate=0.01) for n in range(3))]
    path = tmp_path / "decisions.jsonl"
    path.write_text(as_lines(*log), encoding="utf-8")
    found = told("ann", "--from", path, "--at", moment_in_words(at_ms - DAY))
    assert found["decision"]["verdict"] == "sent"
    assert "Of decisions against a push 0.01 are logged: others may have been taken in between." in lines(found, "chance")
    assert "about 300 (3 logged) not_worth_it" in run("ann", "--from", path).stdout
    with pytest.raises(KairosError, match="The log has nothing of user ann at 2026-02-01 or before") as refused:
        run("ann", "--from", path, "--at", "2026-02-01")
    assert "the policy logs 0.01: one may have been taken and not logged" in refused.value.hint


def test_where_the_log_has_pushes_alone_the_policy_tells_how_much_is_missing(tmp_path: Path) -> None:
    at_ms = 1_772_600_000_000
    path = tmp_path / "decisions.jsonl"
    path.write_text(as_lines(decision(at_ms)), encoding="utf-8")
    found = told("ann", "--from", path, "--zone", "UTC")
    assert found["log_rate"] == 0.01
    assert "no push, and no other decision in the log. Of decisions against a push 0.01 are logged" in lines(found, "yesterday")
    path.write_text(as_lines(decision(at_ms, policy_version="7+timing/early@e2")), encoding="utf-8")
    assert told("ann", "--from", path)["log_rate"] == 1.0  # another policy than the configured one: who knows


def test_lines_about_others_are_not_looked_at_and_names_in_any_script_are_found(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    text = "no JSON\n" + as_lines(decision(1_772_600_000_000, "cap", user_id="Zoë"))
    path.write_text(text, encoding="utf-8")
    assert "Zo\\u00eb" in text
    assert told("Zoë", "--from", path)["user_id"] == "Zoë"
    path.write_text('{"userId": "Zoë", "reason": "cap", "decidedAtMs": "1772600000000"}\n{"userId": "Zoë", "why": 1}\n', encoding="utf-8")
    with pytest.raises(KairosError, match=r"line 2: is no kairos\.v1\.Decision in JSON"):
        run("Zoë", "--from", path)


def test_times_are_the_users_own_where_the_record_tells_and_else_utc(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    at_ms = 1_772_600_000_000  # Wednesday, 4 March 2026, 04:53:20 UTC
    path.write_text(as_lines(decision(at_ms, "not_worth_it")), encoding="utf-8")
    assert "Times are UTC: the log does not tell the user's zone" in run("ann", "--from", path).stdout
    assert "Wed 4 Mar 05:53" in run("ann", "--from", path, "--zone", "Europe/Berlin").stdout
    told_zone = decision(at_ms, "not_worth_it", inputs={"user": {"time_zone": "Asia/Tokyo"}})
    path.write_text(as_lines(told_zone), encoding="utf-8")
    shown = run("ann", "--from", path).stdout
    assert "Times are those of Asia/Tokyo (theirs)." in shown
    assert "Wed 4 Mar 13:53" in shown
    told_country = decision(at_ms, "not_worth_it", inputs={"user": {"country": "BR"}})
    path.write_text(as_lines(told_country), encoding="utf-8")
    assert "those of America/Sao_Paulo (by their country, BR)" in run("ann", "--from", path).stdout
    # a time without a zone is in the zone that is asked for
    found = told("ann", "--from", path, "--zone", "Europe/Berlin", "--at", "2026-03-04T05:54")
    assert found["at_ms"] == at_ms + 40_000


def test_the_zone_is_that_of_what_they_did_where_no_record_of_the_log_tells_it(tmp_path: Path) -> None:
    decisions, interactions = tmp_path / "decisions.jsonl", tmp_path / "interactions.jsonl"
    at_ms = 1_772_600_000_000
    decisions.write_text(as_lines(decision(at_ms, "not_worth_it")), encoding="utf-8")
    there = ("ann", "--from", decisions, "--interactions", interactions)
    for said, words in (
        ([did("ann", "Asia/Tokyo")], "Times are those of Asia/Tokyo (theirs)."),
        ([did("ann", "Asia/Tokyo"), did("ann", "Europe/Oslo"), did("ann", "")], "Times are those of Europe/Oslo (theirs)."),
        ([did("ann", "", country="BR")], "those of America/Sao_Paulo (by their country, BR)"),
        ([did("bob", "Asia/Tokyo"), did("ann", "Mars")], "Times are UTC"),
    ):
        interactions.write_text("".join(map(line, said)), encoding="utf-8")
        assert words in " ".join(run(*there).stdout.split())


def did(user_id: str, zone: str, country: str = "") -> Signal:
    return Signal(interaction=Interaction(user_id=user_id, context=Context(time_zone=zone, country=country)))


def test_what_is_drawn_for_trial_is_said_to_be(tmp_path: Path) -> None:
    at_ms = 1_772_600_000_000
    path = tmp_path / "decisions.jsonl"
    push = decision(
        at_ms,
        item_ids=["lamp"],
        candidates=[
            candidate("mug", score=0.9, p_open=0.05, p_convert=0.2, utility=0.01, propensity=0.95),
            candidate("lamp", score=0.8, p_open=0.02, p_convert=0.2, utility=0.004, propensity=0.05),
        ],
        slots=[slot(at_ms, 0.04, propensity=0.1), slot(at_ms + HOUR, 0.08, propensity=0.9)],
    )
    path.write_text(as_lines(push), encoding="utf-8")
    found = told("ann", "--from", path)
    assert "it had the probability 0.950, the one that was drawn 0.050" in lines(found, "runner_up")
    assert "worth 100 % more than the first. But hours are tried out" in lines(found, "moment")
    assert "The probability of this hour was 0.10." in lines(found, "moment")


def test_somebody_unknown_files_without_the_log_and_zones_that_are_none_are_refused(files: tuple[str, ...]) -> None:
    with pytest.raises(KairosError, match="Nothing is known of user nobody") as unknown:
        run("nobody", *files)
    assert unknown.value.exit_code == 1
    for arguments, message in (
        (("ann", "--pushes", "x"), "go with --from"),
        (("ann", *files, "--zone", "Mars"), "There is no time zone 'Mars'"),
        (("ann", *files, "--at", "yesterday"), "this is no ISO 8601 time"),
    ):
        with pytest.raises(KairosError, match=message) as refused:
            run(*arguments)
        assert refused.value.exit_code == 2


def as_lines(*decisions: Decision) -> str:
    return "".join(map(line, decisions))


@pytest.mark.kafka
def test_of_topics_no_more_is_read_than_the_users_own_partition_from_the_days_told_of(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    names = ("decisions", "pushes", "feedback", "interactions")
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=5, topics=[TOPICS[name] for name in names])
    there = ("-b", kafka.bootstrap_servers, "--prefix", topic_prefix)
    with pytest.raises(KairosError, match=f"{topic_prefix}decisions has no decision about them"):
        run("ann", *there)
    at_ms = now_ms()
    log = [
        decision(at_ms - 20 * DAY, "cap", user_id="old"),
        decision(at_ms - 20 * DAY, "cap"),
        decision(at_ms - 2 * DAY, command_id="c1", item_ids=["mug"], candidates=[candidate("mug", score=0.9, propensity=1.0)]),
        decision(at_ms - HOUR, "min_gap", wake_at_ms=at_ms + HOUR),
        *(decision(at_ms - HOUR, "cap", user_id=f"user-{n}") for n in range(50)),
    ]
    with open_producer(kafka.bootstrap_servers) as producer:
        for each in log:
            producer.send(
                f"{topic_prefix}decisions", key=each.user_id.encode(), value=each.SerializeToString(), timestamp_ms=each.decided_at_ms
            )
        opened = feedback("ann", "OPENED", "c1", at_ms - DAY)
        producer.send(f"{topic_prefix}feedback", key=b"ann", value=opened.SerializeToString(), timestamp_ms=at_ms - DAY)
        for age_ms, zone in ((5 * DAY, "Asia/Tokyo"), (HOUR, "Europe/Oslo")):
            event = did("ann", zone).SerializeToString()
            producer.send(f"{topic_prefix}interactions", key=b"ann", value=event, timestamp_ms=at_ms - age_ms)
        producer.flush()
    found = told("ann", *there)
    assert found["time_zone"] == "Europe/Oslo"
    assert found["push"]["item_ids"] == ["mug"]
    assert [each["outcome"] for each in found["push"]["outcomes"]] == ["opened"]
    assert (found["since"]["reason"], found["chance"]["at_ms"]) == ("min_gap", at_ms + HOUR)
    assert told("ann", *there, "--at", moment_in_words(at_ms - 19 * DAY))["decision"]["reason"] == "cap"
    assert told("old", *there)["decision"]["reason"] == "cap"  # nothing in the last days: it looks further back

    connection = Connection(kafka.bootstrap_servers, topic_prefix, {})
    assert [record.timestamp for record in read_key(connection, "decisions", "ann", at_ms - 3 * DAY, at_ms - DAY)] == [at_ms - 2 * DAY]
    with open_consumer(kafka.bootstrap_servers, group_id=None) as consumer:
        partition = TopicPartition(f"{topic_prefix}decisions", partition_of(b"ann", 5))
        assert consumer.end_offsets([partition])[partition] >= 3
