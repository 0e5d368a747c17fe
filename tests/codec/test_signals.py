"""Signals from bytes: every field arrives where it belongs, and what is wrong is named."""

from dataclasses import replace

import pytest

from flink_job.codec import errors
from flink_job.codec.errors import DecodeError
from flink_job.codec.signals import SignalDecoder
from flink_job.core.signals import LONGEST_WORD, MOST_WORDS, Channel, Feedback, Interaction, InteractionType, Nudge, UserUpdate
from kairos.v1 import feedback_pb2
from tests.codec.messages import BODIES, ID_FIELD, LIMITS, ORIGIN, WALL, decoder, signal
from tests.core.policies import DAY, MINUTE

AT = WALL - 5_000


def refused(payload: bytes | None, user_id: str = "ann", wall_ms: int = WALL) -> tuple[int, str]:
    with pytest.raises(DecodeError) as caught:
        decoder().decode(user_id, payload, ORIGIN, wall_ms)
    assert str(caught.value) == caught.value.detail
    return caught.value.reason, caught.value.detail


def test_an_interaction_arrives_with_its_context() -> None:
    payload = signal("interaction", context={"time_zone": "Europe/Berlin", "country": "DE", "locale": "de-AT"})
    expected = Interaction("event-1", 1, AT, "mug", "Europe/Berlin", "DE", "de-AT")
    assert decoder().decode("ann", payload, ORIGIN, WALL) == expected


def test_an_interaction_needs_no_context_and_no_item() -> None:
    assert decoder().decode("ann", signal("interaction", item_id="", type=3), ORIGIN, WALL) == Interaction("event-1", 3, AT, "", "", "", "")


def test_feedback_arrives() -> None:
    assert decoder().decode("ann", signal("feedback"), ORIGIN, WALL) == Feedback("event-1", "f" * 32, 5, AT)


def test_a_nudge_arrives() -> None:
    payload = signal("nudge", expires_at_ms=WALL + 9, boost=0.5)
    assert decoder().decode("ann", payload, ORIGIN, WALL) == Nudge("event-1", 4, "mug", AT, WALL + 9, 0.5)


def test_a_user_update_tells_what_is_set_and_only_that() -> None:
    nothing = decoder().decode("ann", signal("user_update"), ORIGIN, WALL)
    assert nothing == UserUpdate("event-1", AT, None, None, None, None, None, False)
    everything = signal("user_update", push_consent=False, reachable=True, time_zone="", country="DE", locale="de", erase=True)
    assert decoder().decode("ann", everything, ORIGIN, WALL) == UserUpdate("event-1", AT, False, True, "", "DE", "de", True)


def test_an_interaction_names_whom_it_concerns() -> None:
    for context in ({}, {"country": "DE"}):
        payload = signal("interaction", type=12, item_id="", creator_id="potter", context=context)
        found = decoder().decode("ann", payload, ORIGIN, WALL)
        assert isinstance(found, Interaction)
        assert (found.kind, found.creator_id) == (InteractionType.FOLLOW, "potter")


@pytest.mark.parametrize(("text", "is_fine"), [("x" * 128, True), ("x" * 129, False), ("é" * 64, True), ("é" * 65, False)])
def test_ids_of_creators_are_limited_in_bytes(text: str, is_fine: bool) -> None:
    payload = signal("interaction", creator_id=text)
    if is_fine:
        decoder().decode("ann", payload, ORIGIN, WALL)
    else:
        assert refused(payload) == (errors.INVALID_FIELD, "interaction.creator_id: may have at most 128 bytes")


def test_a_user_update_tells_purposes_segments_and_the_year_of_birth() -> None:
    payload = signal(
        "user_update", purposes=["marketing", "alcohol"], purposes_set=True, segments=["vip"], segments_set=True, birth_year=1990
    )
    found = decoder().decode("ann", payload, ORIGIN, WALL)
    assert isinstance(found, UserUpdate)
    assert (found.purposes, found.segments, found.birth_year) == (("marketing", "alcohol"), ("vip",), 1990)


def test_a_list_is_meant_only_if_it_says_so_and_an_empty_one_can_be_meant() -> None:
    for fields, purposes, segments in (
        ({}, None, None),
        ({"purposes": ["marketing"], "segments": ["vip"]}, None, None),
        ({"purposes_set": True, "segments_set": True}, (), ()),
    ):
        found = decoder().decode("ann", signal("user_update", **fields), ORIGIN, WALL)
        assert isinstance(found, UserUpdate)
        assert (found.purposes, found.segments, found.birth_year) == (purposes, segments, None)


def test_channels_are_all_that_were_agreed_to_and_one_that_is_not_known_here_is_none_of_them() -> None:
    for fields, channels in (
        ({"channels": [3]}, None),
        ({"channels": [3, 0, 99, 1], "channels_set": True}, (Channel.IN_APP, Channel.FCM)),
        ({"channels_set": True}, ()),
    ):
        found = decoder().decode("ann", signal("user_update", **fields), ORIGIN, WALL)
        assert isinstance(found, UserUpdate)
        assert found.channels == channels
    for number, channel in ((3, Channel.FCM), (99, 0)):
        report = decoder().decode("ann", signal("feedback", channel=number), ORIGIN, WALL)
        assert isinstance(report, Feedback)
        assert report.channel == channel


def test_no_more_and_no_longer_words_are_taken_than_a_state_has_room_for() -> None:
    words = [f"{number:02d}" + "🫖" * 40 for number in range(20)]
    payload = signal("user_update", purposes=words, purposes_set=True, segments=words, segments_set=True)
    found = SignalDecoder(replace(LIMITS, max_record_bytes=65_536)).decode("ann", payload, ORIGIN, WALL)
    assert isinstance(found, UserUpdate)
    assert found.purposes == found.segments == tuple(word[:LONGEST_WORD] for word in words[:MOST_WORDS])


def test_one_decoder_carries_nothing_over_from_one_record_to_the_next() -> None:
    reused = decoder()
    rich = signal("interaction", context={"time_zone": "Europe/Berlin", "country": "DE", "locale": "de"})
    reused.decode("ann", rich, ORIGIN, WALL)
    with pytest.raises(DecodeError):
        reused.decode("ann", b"\xff", ORIGIN, WALL)
    assert reused.decode("ann", signal("interaction"), ORIGIN, WALL) == Interaction("event-1", 1, AT, "mug", "", "", "")
    assert isinstance(reused.decode("ann", signal("feedback"), ORIGIN, WALL), Feedback)


@pytest.mark.parametrize("body", BODIES)
def test_a_signal_without_an_id_is_named_by_its_place_in_the_topic(body: str) -> None:
    assert decoder().decode("ann", signal(body, **{ID_FIELD[body]: ""}), ORIGIN, WALL).event_id == "kairos.interactions/3/4711"


@pytest.mark.parametrize("body", BODIES)
def test_a_signal_without_a_time_happened_when_kafka_got_it(body: str) -> None:
    assert decoder().decode("ann", signal(body, occurred_at_ms=0), ORIGIN, WALL).at_ms == WALL - 1_000


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    ("at_ms", "reason"),
    [
        (WALL - 30 * DAY, None),
        (WALL - 30 * DAY - 1, errors.TOO_LATE),
        (WALL + MINUTE, None),
        (WALL + MINUTE + 1, errors.FUTURE),
        (-5, errors.TOO_LATE),
        (2**63 - 1, errors.FUTURE),
        (-(2**63), errors.TOO_LATE),
    ],
)
def test_signals_are_taken_within_their_bounds_of_time(body: str, at_ms: int, reason: int | None) -> None:
    payload = signal(body, occurred_at_ms=at_ms)
    if reason is None:
        assert decoder().decode("ann", payload, ORIGIN, WALL).at_ms == at_ms
    else:
        found, detail = refused(payload)
        assert found == reason
        assert detail.startswith(f"{body}.occurred_at_ms: ")


def test_a_null_value_is_refused_and_the_way_to_erase_is_told() -> None:
    reason, detail = refused(None)
    assert reason == errors.NULL_VALUE
    assert "UserUpdate.erase" in detail


def test_a_record_may_have_as_many_bytes_as_the_limit_says() -> None:
    padded = signal("interaction", query="x" * (LIMITS.max_record_bytes - len(signal("interaction")) - 4))
    assert len(padded) == LIMITS.max_record_bytes
    decoder().decode("ann", padded, ORIGIN, WALL)
    assert refused(padded + b"\0") == (errors.OVERSIZED, "value: 4097 bytes, at most 4096 are allowed")


@pytest.mark.parametrize("payload", [b"\xff\xff\xff", b"{}", b"\x0a\x05ab", b"\x0a\x03\x0a\x01\xff"])
def test_garbage_is_refused(payload: bytes) -> None:
    assert refused(payload) == (errors.MALFORMED, "value: is not a kairos.v1.Signal")


@pytest.mark.parametrize("payload", [b"", b"\xfa\x01\x03new"])
def test_an_envelope_with_nothing_we_know_in_it_is_refused(payload: bytes) -> None:
    reason, detail = refused(payload)
    assert reason == errors.UNKNOWN_KIND
    assert detail.startswith("body: ")


@pytest.mark.parametrize("body", BODIES)
def test_the_key_must_name_the_user(body: str) -> None:
    assert refused(signal(body), "\0" + "0/17") == (errors.NULL_KEY, "key: a signal is keyed by its user id")
    assert refused(signal(body), "bob") == (errors.KEY_MISMATCH, f"{body}.user_id: differs from the record's key")
    assert refused(signal(body, user_id="")) == (errors.MISSING_FIELD, f"{body}.user_id: is missing")
    assert refused(signal(body, user_id=""), "") == (errors.MISSING_FIELD, f"{body}.user_id: is missing")


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    ("text", "is_fine"), [("x" * 128, True), ("x" * 129, False), ("é" * 64, True), ("é" * 65, False), ("🫖" * 33, False)]
)
def test_ids_are_limited_in_bytes_not_in_characters(body: str, text: str, is_fine: bool) -> None:
    for user_id, payload in (("ann", signal(body, **{ID_FIELD[body]: text})), (text, signal(body, user_id=text))):
        if is_fine:
            decoder().decode(user_id, payload, ORIGIN, WALL)
        else:
            assert refused(payload, user_id) == (errors.INVALID_FIELD, f"{body}: user and event id may have at most 128 bytes")


@pytest.mark.parametrize("body", ["interaction", "nudge"])
@pytest.mark.parametrize(("text", "is_fine"), [("x" * 128, True), ("x" * 129, False), ("é" * 64, True), ("é" * 65, False)])
def test_item_ids_are_limited_in_bytes(body: str, text: str, is_fine: bool) -> None:
    payload = signal(body, item_id=text)
    if is_fine:
        decoder().decode("ann", payload, ORIGIN, WALL)
    else:
        assert refused(payload) == (errors.INVALID_FIELD, f"{body}.item_id: may have at most 128 bytes")


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ("interaction", "type", 0),
        ("interaction", "type", 99),
        ("interaction", "type", -1),
        ("feedback", "outcome", 0),
        ("feedback", "outcome", 99),
        ("nudge", "trigger", 99),
        ("nudge", "boost", float("nan")),
        ("nudge", "boost", float("inf")),
        ("nudge", "boost", -1e300),
    ],
)
def test_a_value_that_a_field_cannot_have_is_refused(body: str, field: str, value: float) -> None:
    reason, detail = refused(signal(body, **{field: value}))
    assert reason == errors.INVALID_FIELD
    assert detail.startswith(f"{body}.{field}: ")


def test_feedback_names_its_push_unless_it_is_about_all_pushes() -> None:
    assert refused(signal("feedback", command_id=""))[0] == errors.MISSING_FIELD
    for outcome in (feedback_pb2.OUTCOME_SUBSCRIBED, feedback_pb2.OUTCOME_UNSUBSCRIBED):
        decoder().decode("ann", signal("feedback", command_id="", outcome=outcome), ORIGIN, WALL)


def test_a_place_is_cut_where_no_real_one_is_longer() -> None:
    payload = signal("interaction", context={"time_zone": "Z" * 500, "country": "DEU", "locale": "l" * 500})
    found = decoder().decode("ann", payload, ORIGIN, WALL)
    assert isinstance(found, Interaction)
    assert (len(found.time_zone), found.country, len(found.locale)) == (64, "DE", 35)
