"""Messages: the right template in the right language, only of what the item has, within the limits, drawn with known propensity."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.messages.facts import FIELDS, Facts
from flink_job.core.messages.text import length
from flink_job.core.messages.writer import NO_ARM, Message, Writer
from flink_job.core.rules.checks import RuleError
from flink_job.core.rules.messages import ArmRules, ChannelLimits, MessageRules, MessageTemplate, TextLimits
from flink_job.core.signals import Trigger
from tests.core.policies import DAY

ARMS = ArmRules(0.0025, 0.05, 0.017, 15 * DAY, 105)
LIMITS = ChannelLimits(mobile=TextLimits(40, 100, 300), web=TextLimits(50, 80, 400), in_app=TextLimits(60, 200, 500))
SHOP, NEWS = 1, 2
MUG = Facts("Red mug", "For tea", 7.5, 10, "EUR", "Ada", "mugs", "home")


def template(template_id: str, title: str, body: str = "", **changes: Any) -> MessageTemplate:
    return MessageTemplate(id=template_id, **{"triggers": ("price_drop",), "locale": "en", "title": title, "body": body} | changes)


def writer(*templates: MessageTemplate) -> Writer:
    return Writer(MessageRules(LIMITS, ARMS, templates))


def written(
    by: Writer, facts: Facts = MUG, trigger: int = Trigger.PRICE_DROP, scenario: int = SHOP, locale: str = "en-GB", **more: Any
) -> Message:
    nothing = {"scores": np.zeros(len(by.arms)), "since_ms": np.full(len(by.arms), np.inf), "draw": 0.5}
    return by.write(facts, trigger, scenario, locale, **nothing | more)


def test_a_template_is_filled_in_from_the_item() -> None:
    message = written(writer(template("now", "{title} is now {price}", "{discount} less than {list_price}")))
    assert message == Message("Red mug is now €7.50", "25% less than €10.00", "en", "now", 0, (("now", 1.0),))


def test_numbers_are_written_as_in_the_country_of_the_reader() -> None:
    by = writer(template("now", "{title} jetzt für {price}", locale="de"))
    assert written(by, locale="de-AT").title == "Red mug jetzt für €\N{NO-BREAK SPACE}7,50"


@pytest.mark.parametrize(
    ("locale", "template_id"),
    [
        ("de-AT", "exact"),
        ("DE_at", "exact"),
        ("de-CH", "language"),
        ("de", "language"),
        ("fr", "any"),
        ("", "any"),
        ("de-AT-1996", "exact"),
    ],
)
def test_the_locale_is_matched_exactly_then_by_language_then_by_the_fallback(locale: str, template_id: str) -> None:
    by = writer(template("exact", "a", locale="de-AT"), template("language", "b", locale="de"), template("any", "c", locale=""))
    assert written(by, locale=locale).template == template_id


def test_without_any_that_fits_the_items_own_words_are_sent() -> None:
    by = writer(template("now", "{title} is now {price}"))
    for message in (
        written(by, trigger=Trigger.WIN_BACK),
        written(by, locale="fr"),
        written(by, facts=replace(MUG, currency="")),
        written(by, trigger=99, scenario=99),
        written(writer()),
    ):
        assert message == Message("Red mug", "For tea", "", "", NO_ARM, ())


def test_a_template_that_says_more_than_the_item_has_is_passed_over() -> None:
    by = writer(template("before", "{list_price} before"), template("now", "Now {price}"), template("plain", "{title}"))
    everything, no_list_price, no_price = (written(by, facts) for facts in (MUG, replace(MUG, list_price=7.5), Facts("Red mug")))
    assert dict(everything.propensities) == pytest.approx({"before": 1 / 3, "now": 1 / 3, "plain": 1 / 3})
    assert dict(no_list_price.propensities) == pytest.approx({"now": 1 / 2, "plain": 1 / 2})
    assert no_price.template == "plain"


def test_a_more_general_language_is_tried_before_the_items_own_words() -> None:
    by = writer(template("swiss", "{price}", locale="de-CH"), template("german", "{title}!", locale="de"))
    assert written(by, facts=Facts("Tasse"), locale="de-CH").template == "german"


def test_a_scenario_keeps_templates_to_itself_and_none_goes_with_all() -> None:
    by = writer(template("shop", "a", scenario="shop"), template("news", "b", scenario="news"), template("all", "c"))
    names = [{name for name, _ in written(by, scenario=scenario).propensities} for scenario in range(4)]
    assert names == [{"all"}, {"shop", "all"}, {"news", "all"}, {"all"}]


def test_one_id_in_two_languages_is_one_arm() -> None:
    by = writer(template("a", "one"), template("b", "two"), template("b", "zwei", locale="de"), template("a", "eins", locale="de"))
    assert by.arms == ("a", "b")
    known = {"scores": np.array([0.0, 1.0]), "draw": 0.5}  # b is far better
    found = [written(by, locale=locale, **known) for locale in ("en", "de")]
    assert [(message.title, message.arm) for message in found] == [("two", 1), ("zwei", 1)]


def test_the_draw_decides_among_the_arms_and_a_wording_used_just_now_is_rare() -> None:
    by = writer(template("a", "one"), template("b", "two"))
    assert [written(by, draw=draw).template for draw in (0.0, 0.499, 0.501, 0.999)] == ["a", "a", "b", "b"]
    again = written(by, since_ms=np.array([0.0, np.inf]), draw=0.1)
    assert (again.template, dict(again.propensities)["a"]) == ("b", pytest.approx(0.0261, abs=5e-5))


def test_weights_count_while_nothing_is_known() -> None:
    by = writer(template("a", "one", weight=3.0), template("b", "two"))
    assert dict(written(by).propensities)["a"] == pytest.approx(0.95 * 3 / 4 + 0.05 / 2)


def test_limits_are_the_tightest_of_the_channels_it_may_go_over() -> None:
    assert LIMITS.tightest(("web",)) == TextLimits(50, 80, 400)
    assert LIMITS.tightest(("mobile", "web")) == TextLimits(40, 80, 300)
    assert LIMITS.tightest() == TextLimits(40, 80, 300)
    long = Facts("word " * 50)
    assert length(written(writer(), long, channels=("in_app",)).title) == 60  # 12 words with 11 spaces, and an ellipsis


def test_a_long_title_is_cut_rather_than_the_words_after_it() -> None:
    by = writer(template("now", "{title} is now {price}"))
    assert (
        written(by, replace(MUG, title="A hand-thrown mug of red clay with two handles")).title == "A hand-thrown mug of red… is now €7.50"
    )


def test_braces_and_controls_in_what_an_item_says_do_nothing() -> None:
    facts = replace(MUG, title="{price}\n{{}} \u202eevil", summary="{0.__class__}")
    assert written(writer(template("a", "{title}", "{summary}"))).title == "Red mug"
    message = written(writer(template("a", "{title}", "{summary}")), facts)
    assert (message.title, message.body) == ("{price} {{}} evil", "{0.__class__}")


TEXTS = st.lists(st.one_of(st.characters(), st.sampled_from(["word ", "\n", "👨‍👩‍👧", "日", "e\u0301", "{title}"])), max_size=300).map(
    "".join
)


@given(TEXTS, TEXTS, st.floats(0, 1, exclude_max=True), st.sampled_from(["", "en", "de-DE", "fr"]), st.floats(allow_nan=True))
def test_whatever_an_item_says_its_message_fits(title: str, summary: str, draw: float, locale: str, price: float) -> None:
    by = writer(
        template("a", "{title} for {price}", "{summary}"),
        template("b", "{title}", "{title} {summary}"),
        template("b", "{title}", locale="de"),
    )
    message = written(by, Facts(title, summary, price, 10, "EUR"), locale=locale, draw=draw)
    assert length(message.title) <= 40
    assert length(message.body) <= 80
    assert len((message.title + message.body).encode()) <= 300
    assert message.template == "" or sum(share for _, share in message.propensities) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"title": "{titel}"}, "cart/en.title: there is no field 'titel'; did you mean title?"),
        ({"body": "{qqq}"}, f"cart/en.body: there is no field 'qqq'; there are {', '.join(FIELDS)}"),
        ({"title": "{title.x}"}, "cart/en.title: the brace at character 1 is not around a field's name; write {{ for a brace itself"),
        ({"title": "  "}, "cart/en.title: must not be empty"),
        ({"triggers": ()}, "cart/en.triggers: name at least one of behaviour, abandoned_cart"),
        ({"triggers": ("pricedrop",)}, "cart/en.triggers: there is no trigger 'pricedrop'; did you mean price_drop?"),
        ({"triggers": ("unspecified",)}, "cart/en.triggers: there is no trigger 'unspecified'"),
        ({"scenario": "shops"}, "cart/en.scenario: there is no scenario 'shops'; did you mean shop?"),
        ({"locale": "german!"}, "cart/german!.locale: a BCP 47 tag"),
        ({"weight": 0.0}, "cart/en.weight: must be greater than 0"),
        ({"locale": "", "title": "{"}, "cart.title: the brace"),
    ],
)
def test_a_template_that_cannot_work_is_refused_by_its_name_and_field(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RuleError) as caught:
        template("cart", **{"title": "{title}"} | changes)
    assert str(caught.value).startswith(problem)


def test_an_id_has_the_form_of_one() -> None:
    with pytest.raises(RuleError, match=r"^id: 1 to 64 of"):
        template("a b", "x")


def test_one_template_twice_in_a_language_is_refused() -> None:
    with pytest.raises(RuleError, match=r"^templates: a is there twice for locale 'EN'"):
        writer(template("a", "x"), template("a", "y", locale="EN"))


@pytest.mark.parametrize("name", ["title", "body", "bytes"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(RuleError, match=f"^{name}: must be greater than 0"):
        replace(LIMITS.web, **{name: 0})
