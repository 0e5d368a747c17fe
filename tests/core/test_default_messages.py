"""The templates that are shipped: something for every trigger and scenario in English and German, whatever little is known of an item."""

import numpy as np
import pytest

from flink_job.core.messages.facts import Facts
from flink_job.core.messages.writer import Writer
from flink_job.core.scenarios import SCENARIOS
from flink_job.core.signals import Trigger
from tests.core.policies import default_rules

LEAN = Facts("Red enamel mug")
RICH = Facts("Red enamel mug", "Holds 350 ml, dishwasher-safe.", 7.5, 10, "EUR", "Ada Pots", "mugs", "home", 3)


@pytest.mark.parametrize("trigger", [trigger for trigger in Trigger if trigger])
@pytest.mark.parametrize("scenario", range(1, len(SCENARIOS)))
@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("facts", [LEAN, RICH])
def test_there_is_a_template_for_everything_and_none_is_cut(trigger: Trigger, scenario: int, locale: str, facts: Facts) -> None:
    writer = Writer(default_rules().messages)
    arms = len(writer.arms)
    shown = {
        (message.template, message.title, message.body)
        for draw in np.arange(0.01, 1, 0.02).tolist()
        for message in [writer.write(facts, trigger, scenario, locale, np.zeros(arms), np.full(arms, np.inf), draw)]
    }
    assert "" not in {template for template, _, _ in shown}
    assert all("mug" in title + body and "…" not in title + body for _, title, body in shown)
    assert len(shown) >= (2 if facts is RICH else 1) or trigger == Trigger.ABANDONED_FAVOURITE


def test_every_template_is_there_in_both_languages() -> None:
    by_locale: dict[str, set[str]] = {}
    for template in default_rules().messages.templates:
        by_locale.setdefault(template.locale, set()).add(template.id)
    assert by_locale["en"] == by_locale["de"]
    assert by_locale.keys() == {"en", "de"}
