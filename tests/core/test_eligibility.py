"""Who may get which item: purposes, age, country, language, themes and segments; each item left out is counted under the rule that forbids it."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.eligibility import Eligibility
from flink_job.core.reasons import Reason
from flink_job.core.signals import Trigger
from flink_job.core.state import UserState, new_user
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, moment, pushed, reasons, shelf
from tests.core.policies import DAY, HOUR, MINUTE, caps, plain_rules

AT = MONDAY_0930
SHOP, NEWS, SOCIAL = 1, 2, 3


def user(**facts: object) -> UserState:
    state = new_user(2, AT)
    for name, value in facts.items():
        setattr(state, name, value)
    return state


def why(thing: CatalogueItem, now_ms: int = AT, **facts: object) -> str:
    return Eligibility(plain_rules()).for_user(user(**facts), now_ms).why(thing)


def for_some(**audience: object) -> CatalogueItem:
    return item("thing", **audience)


def test_an_item_without_restrictions_is_for_everybody() -> None:
    assert why(for_some()) == ""
    assert why(for_some(), country="DE", locale="de-AT", birth_year=2015, purposes=("marketing",), segments=("vip",)) == ""


@pytest.mark.parametrize(("country", "rule"), [("DE", ""), ("AT", ""), ("US", "country"), ("", "")])
def test_a_country_that_is_not_known_is_not_held_against_the_user(country: str, rule: str) -> None:
    assert why(for_some(countries=frozenset({"DE", "AT"})), country=country) == rule


@pytest.mark.parametrize(
    ("languages", "locale", "rule"),
    [
        ({"de"}, "de", ""),
        ({"de"}, "de-AT", ""),
        ({"de"}, "en", "language"),
        ({"de"}, "den", "language"),
        ({"de"}, "", ""),
        ({"de-AT"}, "de-AT", ""),
        ({"de-AT"}, "de-CH", "language"),
        ({"de", "en"}, "en-GB", ""),
    ],
)
def test_a_language_covers_its_regions_and_one_that_is_not_known_is_not_held_against_the_user(
    languages: set[str], locale: str, rule: str
) -> None:
    assert why(for_some(languages=frozenset(languages)), locale=locale) == rule


@pytest.mark.parametrize(("birth_year", "rule"), [(0, "age"), (2015, "age"), (2011, "age"), (2010, "age"), (2009, ""), (1950, "")])
def test_an_age_must_be_known_and_reached_for_certain(birth_year: int, rule: str) -> None:
    """In 2026 whoever was born in 2010 may be fifteen still; whoever was born in 2009 is sixteen."""
    assert moment("2026-01-01 00:00") < AT < moment("2027-01-01 00:00")
    assert why(for_some(min_age=16), birth_year=birth_year) == rule


def test_everybody_grows_older() -> None:
    assert why(for_some(min_age=16), moment("2026-12-30 00:00"), birth_year=2010) == "age"
    assert why(for_some(min_age=16), moment("2027-01-02 00:00"), birth_year=2010) == ""


@pytest.mark.parametrize(
    ("agreed", "rule"),
    [
        (None, "sensitivity"),
        (("marketing",), "sensitivity"),
        (("marketing", "alcohol"), "sensitivity"),
        (("marketing", "alcohol", "health"), ""),
    ],
)
def test_every_sensitive_theme_needs_a_yes(agreed: tuple[str, ...] | None, rule: str) -> None:
    assert why(for_some(sensitivities=frozenset({"alcohol", "health"})), purposes=agreed) == rule


@pytest.mark.parametrize(("segments", "rule"), [((), "segment"), (("new",), "segment"), (("new", "vip"), "")])
def test_an_item_for_segments_is_for_those_in_one_of_them(segments: tuple[str, ...], rule: str) -> None:
    assert why(for_some(segments=frozenset({"vip", "staff"})), segments=segments) == rule


PURPOSE = {0: "marketing", SHOP: "marketing", NEWS: "editorial", SOCIAL: "social", 99: "marketing"}


@pytest.mark.parametrize("scenario", PURPOSE)
def test_a_user_who_was_asked_gets_what_they_agreed_to_and_one_who_was_not_gets_all(scenario: int) -> None:
    thing = for_some(scenario=scenario)
    assert why(thing, purposes=None) == ""
    assert why(thing, purposes=()) == "purpose"
    for purpose in ("marketing", "editorial", "social"):
        assert why(thing, purposes=(purpose,)) == ("" if purpose == PURPOSE[scenario] else "purpose")


audiences = st.fixed_dictionaries(
    {},
    optional={
        "countries": st.just(frozenset({"DE"})),
        "languages": st.just(frozenset({"de"})),
        "min_age": st.just(18),
        "sensitivities": st.just(frozenset({"alcohol"})),
        "segments": st.just(frozenset({"vip"})),
    },
)
people = st.fixed_dictionaries(
    {
        "country": st.sampled_from(["", "DE", "US"]),
        "locale": st.sampled_from(["", "de-DE", "en"]),
        "birth_year": st.sampled_from([0, 1990, 2015]),
        "purposes": st.sampled_from([None, ("marketing",), ("marketing", "alcohol"), ()]),
        "segments": st.sampled_from([(), ("vip",)]),
    }
)


@given(audiences, people)
def test_a_restriction_more_never_lets_an_item_through_that_was_forbidden(audience: dict[str, object], facts: dict[str, object]) -> None:
    forbidden = bool(why(for_some(**audience), **facts))
    single = [bool(why(for_some(**{name: value}), **facts)) for name, value in audience.items()]
    assert forbidden == any([bool(why(for_some(), **facts)), *single])


# Bought, by what it is.


@pytest.mark.parametrize(
    ("thing", "days"),
    [
        ({"consumable": False}, 90),
        ({"consumable": False, "replenish_after_ms": 5 * DAY}, 90),
        ({"consumable": True}, 30),
        ({"consumable": True, "replenish_after_ms": 5 * DAY}, 5),
    ],
)
def test_a_durable_is_bought_once_and_a_consumable_is_used_up(thing: dict[str, object], days: int) -> None:
    for early_ms, is_sent in ((1, False), (0, True)):
        ann = Person(shelf([item("thing", **thing)]), plain_rules(items__bought_for_ms=90 * DAY, items__consumed_for_ms=30 * DAY))
        ann.does("purchase", "thing", AT)
        assert bool(pushed(ann.does("search", at_ms=AT + days * DAY - early_ms))) == is_sent


def test_what_was_just_bought_is_called_bought_and_not_seen_or_sent() -> None:
    rules = plain_rules(items__seen_for_ms=HOUR, items__repeat_after_ms=DAY, gates__caps=caps((3, DAY)), triggers={"search": 0})
    ann = Person(shelf([item("thing")]), rules)
    assert pushed(ann.does("search", at_ms=AT)) == "thing"
    ann.does("purchase", "thing", AT + MINUTE)
    excluded = Eligibility(rules).for_user(ann.state, AT + 2 * MINUTE)
    assert excluded.why(item("thing")) == "bought"


# In a decision.


def shopper(*items: CatalogueItem, **changes: object) -> Person:
    return Person(shelf(items), plain_rules(**{"log__suppressed_share": 1.0, "triggers": {"search": 0}, **changes}))


def test_each_better_item_that_was_left_out_is_counted_under_its_rule() -> None:
    """Ten items, one forbidden for each reason there is but the caps; the plain one is the worst, and is sent."""
    forbidden = {
        "country": item("abroad", countries=frozenset({"US"})),
        "language": item("foreign", languages=frozenset({"fr"})),
        "age": item("grown-up", min_age=18),
        "sensitivity": item("wine", sensitivities=frozenset({"alcohol"})),
        "segment": item("staff only", segments=frozenset({"staff"})),
        "purpose": item("news", scenario=NEWS),
        "bought": item("had"),
        "seen": item("looked at"),
        "disliked": item("ugly"),
    }
    falling = [replace(thing, features=unit([10 - rank, rank])) for rank, thing in enumerate([*forbidden.values(), item("plain")])]
    ann = shopper(*falling, items__seen_for_ms=HOUR)
    ann.changes(AT, country="DE", locale="de", birth_year=2015, purposes=("marketing",))
    ann.does("purchase", "had", AT - DAY)
    ann.does("view", "looked at", AT)
    ann.does("dislike", "ugly", AT - DAY)
    ann.state.interest[:] = [[1, 0, 1], [1, 0, 1]]  # the better the earlier in the list above
    ann.does("search", at_ms=AT + MINUTE)
    (push,) = ann.pushes
    assert push.item.item_id == "plain"
    assert dict(push.record.dropped_by_rule) == dict.fromkeys(forbidden, 1)


def test_a_nudge_passes_no_rule_by() -> None:
    ann = shopper(item("wine", sensitivities=frozenset({"alcohol"})))
    effects = ann.is_nudged("wine", AT, boost=99.0, trigger=Trigger.BREAKING_NEWS)
    assert reasons(effects) == [Reason.NO_CANDIDATE]


def test_consent_that_is_withdrawn_while_a_decision_waits_is_heeded() -> None:
    ann = shopper(item("mug"), triggers={"cart": 30 * MINUTE})
    ann.does("cart", "mug", AT)
    ann.changes(AT + MINUTE, purposes=("editorial",))
    assert reasons(ann.wakes(AT + 30 * MINUTE)) == [Reason.NO_CANDIDATE]


def test_facts_come_in_any_order_and_of_each_the_newest_word_counts() -> None:
    words: list[dict[str, object]] = [
        {"at_ms": AT, "purposes": ("marketing",), "segments": ("vip",)},
        {"at_ms": AT + 1, "purposes": ()},
        {"at_ms": AT + 2, "birth_year": 1990},
        {"at_ms": AT + 3, "segments": ()},
    ]
    for order in permutations(words):
        ann = shopper()
        for word in order:
            ann.changes(**word)  # type: ignore[arg-type]  # named above
        assert (ann.state.purposes, ann.state.birth_year, ann.state.segments) == ((), 1990, ()), order


def test_facts_that_are_not_told_stay_as_they_were() -> None:
    ann = shopper()
    ann.changes(AT, purposes=("marketing",), birth_year=1990, segments=("vip",))
    ann.changes(AT + 1)
    assert (ann.state.purposes, ann.state.birth_year, ann.state.segments) == (("marketing",), 1990, ("vip",))
