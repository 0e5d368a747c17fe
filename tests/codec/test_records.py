"""Records of the decision log, dead letters, and the places records come from."""

import pytest

from flink_job.codec.dead_letters import encode_dead_letter
from flink_job.codec.decisions import encode_sent, encode_suppressed
from flink_job.codec.errors import OVERSIZED, DecodeError
from flink_job.codec.origin import Origin, parse_origin
from flink_job.core.effects import Gate, Push, Record, ScoredItem, Suppressed
from flink_job.core.reasons import Reason
from kairos.v1 import dead_letter_pb2, decision_pb2
from tests.codec.messages import WALL

BEST = ScoredItem("mug", 0.75, 0.5, 0.25, ("interest", "fresh"))
RECORD = Record(
    cause_id="event-1",
    caused_at_ms=WALL - 3,
    trigger=1,
    number=17,
    gates=(Gate("opted_out", True), Gate("cap", False, WALL + 5)),
    candidates=(BEST, ScoredItem("lamp", 0.5, 0.5, 0.0, ("fresh",))),
    found_by_source=(("interest", 7), ("fresh", 2)),
    catalogue_version=99,
)
POLICY = ("default", "1")


def sent() -> decision_pb2.Decision:
    push = Push("f" * 32, BEST, 0.75, b"", WALL, WALL + 9, 0, RECORD)
    return decision_pb2.Decision.FromString(encode_sent("ann", push, WALL + 6, POLICY, "kairos/test"))


def suppressed(
    reason: Reason, wake_at_ms: int = 0, cause: str = "event-1", at_ms: int = WALL, *, ahead_ms: int = 0
) -> decision_pb2.Decision:
    record = Record(cause, WALL - 3, 1, 17, gates=RECORD.gates)
    answer = Suppressed(reason, at_ms, wake_at_ms, record)
    return decision_pb2.Decision.FromString(encode_suppressed("ann", answer, record, wake_at_ms or ahead_ms, POLICY, 0.01, "kairos/test"))


def test_a_sent_decision_is_logged_with_all_that_explains_it() -> None:
    found = sent()
    assert found.verdict == decision_pb2.VERDICT_SENT
    assert (found.decision_id, found.command_id, list(found.item_ids)) == ("f" * 32, "f" * 32, ["mug"])
    assert (found.propensity, found.log_rate, found.reason) == (0.75, 1.0, "")
    assert (found.user_id, found.decided_at_ms, found.cause_id, found.caused_at_ms) == ("ann", WALL, "event-1", WALL - 3)
    assert (found.decision_number, found.catalogue_version, found.policy_id, found.policy_version) == (17, 99, "default", "1")
    assert [(gate.name, gate.passed, gate.opens_at_ms) for gate in found.gates] == [("opted_out", True, 0), ("cap", False, WALL + 5)]
    assert [(each.item_id, each.score, each.interest, each.affinity) for each in found.candidates] == [
        ("mug", 0.75, 0.5, 0.25),
        ("lamp", 0.5, 0.5, 0.0),
    ]
    assert list(found.candidates[0].sources) == ["interest", "fresh"]
    assert dict(found.candidates_by_source) == {"interest": 7, "fresh": 2}


def test_a_decision_says_what_its_candidates_are_worth_and_what_was_left_out() -> None:
    worth = ScoredItem("mug", 0.75, 0.5, 0.25, ("interest",), p_open=0.06, p_convert=0.1, utility=-0.002, diversity=0.7)
    record = Record(
        "event-1",
        WALL - 3,
        1,
        17,
        candidates=(worth,),
        dropped_by_rule=(("bought", 2), ("seen", 1)),
        propensities=(0.5,),
        terms=(("gain", 0.006), ("opt_out", 0.0012)),
        planned_item_id="lamp",
        planned_dropped_by="bought",
    )
    found = decision_pb2.Decision.FromString(
        encode_suppressed("ann", Suppressed(Reason.NOT_WORTH_IT, WALL, 0, record), record, 0, POLICY, 0.01, "kairos/test")
    )
    (listed,) = found.candidates
    assert (listed.p_open, listed.p_convert, listed.utility, listed.diversity, listed.propensity) == (0.06, 0.1, -0.002, 0.7, 0.5)
    assert dict(found.dropped_by_rule) == {"bought": 2, "seen": 1}
    assert dict(found.utility_terms) == {"gain": 0.006, "opt_out": 0.0012}
    assert (found.planned_item_id, found.planned_dropped_by) == ("lamp", "bought")


def test_a_worth_that_was_not_asked_for_is_absent_and_not_zero() -> None:
    assert not sent().candidates[0].HasField("utility")


def test_a_decision_against_a_push_says_why_and_how_many_it_stands_for() -> None:
    found = suppressed(Reason.CAP)
    assert (found.verdict, found.reason, found.log_rate) == (decision_pb2.VERDICT_SUPPRESSED, "cap", 0.01)
    assert (found.command_id, found.wake_at_ms, found.decided_at_ms) == ("", 0, WALL)


def test_a_decision_for_later_says_when() -> None:
    found = suppressed(Reason.QUIET_HOURS, WALL + 8)
    assert (found.verdict, found.wake_at_ms) == (decision_pb2.VERDICT_DEFERRED, WALL + 8)


def test_what_was_sent_or_not_says_for_when_an_hour_was_chosen_ahead_and_is_not_put_off_by_it() -> None:
    assert (sent().verdict, sent().wake_at_ms) == (decision_pb2.VERDICT_SENT, WALL + 6)
    found = suppressed(Reason.NOT_WORTH_IT, ahead_ms=WALL + 7)
    assert (found.verdict, found.wake_at_ms) == (decision_pb2.VERDICT_SUPPRESSED, WALL + 7)


def test_records_of_the_same_cause_have_ids_of_their_own_that_a_replay_repeats() -> None:
    ids = [
        suppressed(reason, cause=cause, at_ms=at_ms).decision_id
        for reason in Reason
        for cause in ("event-1", "event-2")
        for at_ms in (WALL, WALL + 1_000)
    ]
    assert len(set(ids)) == len(ids)
    assert suppressed(Reason.CAP).decision_id == suppressed(Reason.CAP).decision_id
    assert sent().decision_id not in ids


def letter(payload: bytes | None, key: str | None = "ann") -> tuple[str, dead_letter_pb2.DeadLetter]:
    error = DecodeError(OVERSIZED, "value: too long")
    name, value = encode_dead_letter(key, payload, f"kairos.items/3/4711/{WALL - 5}", error, WALL, 8, "kairos/test")
    return name, dead_letter_pb2.DeadLetter.FromString(value)


def test_a_dead_letter_says_where_it_came_from_and_what_is_wrong() -> None:
    name, found = letter(b"0123456789")
    assert name == "kairos.items/3/4711"
    assert (found.source_topic, found.source_partition, found.source_offset) == ("kairos.items", 3, 4711)
    assert (found.source_timestamp_ms, found.found_at_ms) == (WALL - 5, WALL)
    assert (found.reason, found.detail, found.producer) == (OVERSIZED, "value: too long", "kairos/test")
    assert (found.source_key, found.payload, found.payload_size) == ("ann", b"01234567", 10)


def test_a_dead_letter_without_value_or_key_has_none() -> None:
    _, found = letter(None, None)
    assert not found.HasField("payload")
    assert not found.HasField("source_key")
    assert found.payload_size == 0
    _, found = letter(b"", "")
    assert found.HasField("payload")
    assert found.HasField("source_key")


def test_the_text_that_stands_for_a_null_key_is_not_shown_as_a_key() -> None:
    assert not letter(b"x", "\0" + "3/4711")[1].HasField("source_key")


@pytest.mark.parametrize("topic", ["items", "kairos.items", "a/b/c", ""])
def test_a_place_is_read_from_its_text_whatever_the_topic_is_called(topic: str) -> None:
    assert parse_origin(f"{topic}/3/4711/-1") == Origin(topic, 3, 4711, -1)
    assert parse_origin(f"{topic}/3/4711/-1").record_id == f"{topic}/3/4711"
