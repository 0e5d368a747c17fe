"""What a decision reads of what all users share is noted only while it is asked for, and answers the same questions later and no others."""

import numpy as np
import pytest

from flink_job.core.candidates import Found
from flink_job.core.ids import key_of
from flink_job.core.learning.facts import PriceFacts
from flink_job.core.recalled import Noted, NotNoted, RecalledFinder, RecalledKnowledge
from flink_job.core.state import new_user
from flink_job.core.tastes import Tastes
from flink_job.core.witness import Finding, HoursAsked, Witness
from tests.core.catalogue_items import item
from tests.core.person import MONDAY_0930 as AT
from tests.core.person import Person, shelf
from tests.core.policies import HOUR, plain_rules
from tests.learning.rules import learning_rules

NOBODY = new_user(2, AT)
NOTHING_LIKED = Tastes(np.zeros(2, np.float32))
WEEK = np.ones((168, 4), np.float32), np.zeros((168, 4), np.float32)
FREE = PriceFacts(1, 0.0, 0)
RATES = np.array([0.1, 0.2]), np.array([0.3, 0.4])


def found(*rows: int) -> Found:
    return Found((("fresh", np.array(rows, np.intp)),))


def finder(*findings: Finding) -> RecalledFinder:
    return RecalledFinder([Noted(finding, None) for finding in findings])


def test_of_all_causes_the_share_is_drawn_by_the_lowest_digests() -> None:
    names = [f"event-{number}" for number in range(2_000)]
    few, many = (Witness(share) for share in (0.1, 0.4))
    drawn = {name for name in names if few.draws(name)}
    assert drawn == {name for name in names if key_of(name) < 0.1 * 2**64}
    assert drawn < {name for name in names if many.draws(name)}
    assert 150 < len(drawn) < 250
    assert all(Witness(1.0).draws(name) for name in names)


def test_without_a_share_there_is_no_witness() -> None:
    assert Person(shelf([item("mug")])).policy.witness is None


def test_only_what_is_asked_while_it_watches_is_noted() -> None:
    rules = plain_rules(log__replayable_share=1.0, utility__enabled=True, utility__least=-1.0)
    ann = Person(shelf([item("mug"), item("cup")]), rules)
    witness = ann.policy.witness
    assert witness is not None
    ann.does("view", "mug", AT)
    assert (witness.findings, witness.hours) == ([], [])
    witness.begin()
    ann.does("view", "cup", AT + HOUR)
    witness.end()
    ann.does("view", "mug", AT + 2 * HOUR)
    (finding,) = witness.findings
    assert (finding.now_ms, finding.about_key, finding.only, len(finding.found.rows)) == (AT + HOUR, 0, False, 2)
    assert witness.hours == []  # no item operator, no hours of others
    witness.begin()
    assert witness.findings == []


def test_what_was_found_comes_back_by_moment_and_item_once_each() -> None:
    first, again, about, alone = (
        Finding(AT, 0, False, found(1)),
        Finding(AT, 0, False, found(2)),
        Finding(AT, 7, False, found(3)),
        Finding(AT, 7, True, found(4)),
    )
    recalled = finder(alone, first, about, again)
    assert recalled.find(NOBODY, NOTHING_LIKED, 0, AT) is first.found
    assert recalled.find(NOBODY, NOTHING_LIKED, 7, AT) is about.found
    assert recalled.only(7, AT) is alone.found
    assert recalled.find(NOBODY, NOTHING_LIKED, 0, AT) is again.found
    for asked in (lambda: recalled.find(NOBODY, NOTHING_LIKED, 0, AT), lambda: recalled.only(7, AT + 1)):
        with pytest.raises(NotNoted):
            asked()


def test_rates_are_known_of_what_was_brought_last_and_of_nothing_else() -> None:
    recalled = RecalledFinder([Noted(Finding(AT, 0, False, found(0, 1)), RATES), Noted(Finding(AT, 7, True, found(1)), None)])
    knowledge = RecalledKnowledge(learning_rules(), shelf([item("mug"), item("cup")]), recalled, (), (), FREE)
    assert len(knowledge) == 0
    recalled.find(NOBODY, NOTHING_LIKED, 0, AT)
    assert len(knowledge) == 1
    assert knowledge.rates(np.array([0, 1]), AT) is RATES
    with pytest.raises(NotNoted):
        knowledge.rates(np.array([1]), AT)
    recalled.only(7, AT)
    assert len(knowledge) == 0
    with pytest.raises(NotNoted):
        knowledge.rates(np.array([1]), AT)


def test_hours_and_stopped_items_are_as_they_were_known() -> None:
    hour = AT // HOUR
    hours = [HoursAsked("DE", hour, WEEK), HoursAsked("", hour, None)]
    knowledge = RecalledKnowledge(learning_rules(), shelf([item("mug")]), finder(), hours, [key_of("mug")], FREE)
    assert knowledge.week("DE", hour * HOUR + 5) is WEEK
    assert knowledge.week("", hour * HOUR) is None
    assert (knowledge.is_stopped(key_of("mug")), knowledge.is_stopped(key_of("cup"))) == (True, False)
    for country, at_ms in (("FR", AT), ("DE", AT + HOUR)):
        with pytest.raises(NotNoted):
            knowledge.week(country, at_ms)
    assert len(knowledge.trending("DE", 5, AT)) == len(knowledge.neighbours(key_of("mug"), 5)[0]) == 0
