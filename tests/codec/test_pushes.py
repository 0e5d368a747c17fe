"""Push commands as bytes: what the decision says, in the user's language, and what every provider needs."""

from dataclasses import replace
from typing import Any

import pytest

from flink_job.codec.pushes import PushEncoder, reason_in_words
from flink_job.core import channels, history
from flink_job.core.effects import Push, Record, ScoredItem
from flink_job.core.ids import key_of
from flink_job.core.index.labels import label_of
from flink_job.core.signals import Channel
from flink_job.core.state import UserState, new_user
from kairos.v1 import feedback_pb2, item_pb2, push_pb2, signal_pb2
from tests.codec.messages import WALL, item_record
from tests.core.policies import HOUR, default_rules

PRICE_DROP, BEHAVIOUR = signal_pb2.TRIGGER_PRICE_DROP, signal_pb2.TRIGGER_BEHAVIOUR
COMMAND = "0123456789abcdef" * 2
TEXTS = {
    "": item_pb2.ItemText(title="A mug", summary="It holds tea."),
    "de": item_pb2.ItemText(title="Ein Becher", summary="Für Tee."),
    "pt-BR": item_pb2.ItemText(title="Uma caneca"),
}


def command(
    locale: str = "",
    *,
    score: float = 0.75,
    sources: tuple[str, ...] = ("interest",),
    templates: bool = False,
    state: UserState | None = None,
    trigger: int = 4,
    also: tuple[str, ...] = (),
    **fields: Any,
) -> push_pb2.PushCommand:
    """The command for a mug with these fields, in the item's own words unless there are `templates`."""
    push = Push(
        command_id=COMMAND,
        item=ScoredItem("mug", score, 0.7, 0.2, sources),
        propensity=0.8,
        payload=item_record(**fields),
        decided_at_ms=WALL,
        expires_at_ms=WALL + 4 * HOUR,
        quiet_from_ms=WALL + 12 * HOUR,
        record=Record("event-1", WALL - 3, trigger, 17),
        told_as=trigger,
        also=tuple(ScoredItem(item_id, 0.5, 0.5, 0.0, ("interest",)) for item_id in also),
    )
    rules = default_rules().messages if templates else replace(default_rules().messages, templates=())
    encoder = PushEncoder(rules, "kairos/test")
    return push_pb2.PushCommand.FromString(encoder.encode("ann", state or reader(locale), push, ("default", "1"))[0])


def reader(locale: str) -> UserState:
    """A user who reads `locale` and was just sent something."""
    state = new_user(4, WALL)
    state.locale = locale
    history.remember_push(state, key_of("mug"), COMMAND, WALL, 8)
    return state


def test_a_command_says_who_gets_what_until_when_and_why() -> None:
    found = command(deep_link="app://mug", image_url="https://example.org/mug.jpg", categories=["home", "mugs"], texts=TEXTS)
    assert (found.command_id, found.user_id, list(found.item_ids)) == (COMMAND, "ann", ["mug"])
    assert (found.decided_at_ms, found.expires_at_ms, found.quiet_from_ms) == (WALL, WALL + 4 * HOUR, WALL + 12 * HOUR)
    assert (found.cause_id, found.caused_at_ms, found.trigger) == ("event-1", WALL - 3, signal_pb2.TRIGGER_PRICE_DROP)
    assert (found.content.title, found.content.body) == ("A mug", "It holds tea.")
    assert (found.content.deep_link, found.content.image_url) == ("app://mug", "https://example.org/mug.jpg")
    assert (found.thread_id, found.reason, found.producer) == ("home", "because it fits what you like", "kairos/test")
    summary = found.decision
    assert (summary.decision_id, summary.policy_id, summary.policy_version, summary.propensity) == (COMMAND, "default", "1", 0.8)
    assert summary.score == pytest.approx(0.75)


@pytest.mark.parametrize(("locale", "language"), [("de", "de"), ("de-AT", "de"), ("pt-BR", "pt-BR"), ("pt", ""), ("fr-FR", ""), ("", "")])
def test_texts_are_in_the_language_that_fits_best_and_the_command_says_in_which(locale: str, language: str) -> None:
    content = command(locale, texts=TEXTS).content
    assert (content.title, content.locale) == (TEXTS[language].title, language)


def test_a_reader_of_a_known_language_gets_a_wording_and_the_state_remembers_which() -> None:
    state = reader("de-AT")
    content = command(state=state, templates=True, texts=TEXTS).content
    assert (content.title, content.body, content.locale) == ("Der Preis ist gesunken", "Ein Becher", "de")
    assert content.template_id == "price-plain"
    assert list(state.sent_template) == [label_of("price-plain")]


def test_a_digest_names_all_its_items_and_says_how_many_more_there_are() -> None:
    digest = command("de", templates=True, texts=TEXTS, trigger=signal_pb2.TRIGGER_BEST_TIME, also=("cup", "bowl"))
    assert list(digest.item_ids) == ["mug", "cup", "bowl"]
    assert (digest.content.title, digest.content.template_id) == ("Ein Becher und 2 weitere", "digest")
    plain = command("de", templates=True, texts=TEXTS, trigger=signal_pb2.TRIGGER_BEST_TIME)
    assert "weitere" not in plain.content.title


def test_a_digest_for_which_there_is_no_wording_says_what_its_first_item_does() -> None:
    digest = command("de", templates=True, texts=TEXTS, also=("cup",))
    assert digest.content.body == "Ein Becher"
    assert list(digest.item_ids) == ["mug", "cup"]


def test_without_a_fallback_the_first_language_by_name_is_used_and_without_any_text_the_id() -> None:
    only = {language: text for language, text in TEXTS.items() if language}
    assert command("fr", texts=only).content.title == "Ein Becher"
    assert command("fr", texts=only).content.locale == "de"
    assert command("fr").content.title == "mug"
    assert command("fr").content.locale == ""


def test_the_words_are_those_of_the_occasion_that_it_is_told_as_and_the_trigger_what_led_to_it() -> None:
    rules = default_rules().messages
    record, mug = Record("event-1", WALL, PRICE_DROP, 1), ScoredItem("mug", 0.75, 0.7, 0.2, ())
    push = Push(COMMAND, mug, 0.8, item_record(texts=TEXTS), WALL, WALL + HOUR, 0, record)
    for told_as, name in ((PRICE_DROP, "price_drop"), (BEHAVIOUR, "behaviour")):
        payload, _ = PushEncoder(rules, "kairos/test").encode("ann", reader("en"), replace(push, told_as=told_as), ("default", "1"))
        written = push_pb2.PushCommand.FromString(payload)
        assert written.trigger == PRICE_DROP
        assert written.content.template_id in {each.id for each in rules.templates if name in each.triggers}


def test_a_push_does_not_outlive_its_item() -> None:
    assert command(valid_until_ms=WALL + HOUR).expires_at_ms == WALL + HOUR
    assert command(valid_until_ms=WALL + 9 * HOUR).expires_at_ms == WALL + 4 * HOUR


@pytest.mark.parametrize(
    ("urgency", "priority"),
    [
        (item_pb2.URGENCY_UNSPECIFIED, push_pb2.PRIORITY_NORMAL),
        (item_pb2.URGENCY_LOW, push_pb2.PRIORITY_NORMAL),
        (item_pb2.URGENCY_NORMAL, push_pb2.PRIORITY_NORMAL),
        (item_pb2.URGENCY_HIGH, push_pb2.PRIORITY_HIGH),
        (item_pb2.URGENCY_BREAKING, push_pb2.PRIORITY_HIGH),
    ],
)
def test_what_cannot_wait_has_priority(urgency: int, priority: int) -> None:
    assert command(urgency=urgency).priority == priority


@pytest.mark.parametrize(
    ("scenario", "purpose"),
    [
        (item_pb2.SCENARIO_UNSPECIFIED, push_pb2.PURPOSE_MARKETING),
        (item_pb2.SCENARIO_SHOP, push_pb2.PURPOSE_MARKETING),
        (item_pb2.SCENARIO_NEWS, push_pb2.PURPOSE_EDITORIAL),
        (item_pb2.SCENARIO_SOCIAL, push_pb2.PURPOSE_SOCIAL),
    ],
)
def test_the_purpose_follows_the_scenario(scenario: int, purpose: int) -> None:
    assert (command(scenario=scenario).purpose, command(scenario=scenario).scenario) == (purpose, scenario)


def test_the_channels_that_are_left_are_listed_and_the_text_fits_those_alone() -> None:
    assert list(command().channels) == []
    state, long = reader(""), item_pb2.ItemText(title="mug " * 40, summary="tea " * 200)
    on_a_phone = command(state=state, texts={"": long}).content
    channels.allow(state, (Channel.IN_APP, Channel.WEBHOOK), WALL)
    found = command(state=state, texts={"": long})
    assert list(found.channels) == [feedback_pb2.CHANNEL_IN_APP, feedback_pb2.CHANNEL_WEBHOOK]
    limits = default_rules().messages.limits
    assert len(on_a_phone.title) <= limits.mobile.title < len(found.content.title) <= limits.in_app.title


def test_every_channel_of_the_contract_has_limits_for_its_texts() -> None:
    for channel in Channel:
        state = reader("")
        channels.allow(state, (channel,), WALL)
        assert list(command(state=state).channels) == [channel]


def test_the_collapse_key_fits_every_provider() -> None:
    """At most 32 of [A-Za-z0-9_-], the narrowest (Web Push's Topic), and the same for the same item."""
    keys = {command(item_id=name).collapse_key for name in ("mug", "🫖" * 30, "a b/c")}
    assert len(keys) == 3
    assert all(len(key) <= 32 and set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for key in keys)


@pytest.mark.parametrize(("score", "relevance"), [(0.25, 0.25), (1.7, 1.0), (-0.5, 0.0), (float("inf"), 1.0)])
def test_relevance_is_the_score_within_zero_and_one(score: float, relevance: float) -> None:
    assert command(score=score).relevance == relevance


def test_the_most_telling_source_becomes_the_reason_in_words() -> None:
    assert reason_in_words(("fresh", "interest", "unfinished")) == "because it is still in your cart or on your wish list"
    assert reason_in_words(("fresh", "nudged")) == "because something you care about changed"
    assert reason_in_words(("fresh",)) == "because it is new"
    assert reason_in_words(()) == ""


def test_every_source_of_candidates_has_words() -> None:
    sources = ("interest", "neighbour", "category", "fresh", "unfinished", "nudged")
    words = [reason_in_words((source,)) for source in sources]
    assert len(set(words)) == len(sources)
    assert all(each.startswith("because ") for each in words)
