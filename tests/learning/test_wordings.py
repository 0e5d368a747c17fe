"""What rounds of pushes say about templates: who is told of them, what each makes of them, and what deciders read."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core import history
from flink_job.core.catalogue import Catalogue
from flink_job.core.ids import command_id
from flink_job.core.knowledge import Knowledge
from flink_job.core.learning.effects import Release
from flink_job.core.learning.facts import WordingFacts
from flink_job.core.learning.learner import Learner
from flink_job.core.learning.signals import MOST_WORDINGS, ItemSignal, PushStage, WordingRound, wording_key
from flink_job.core.learning.state import ItemState
from flink_job.core.learning.wordings import add_round
from flink_job.core.signals import Feedback, Outcome
from flink_job.core.state import UserState, new_user
from flink_job.core.wordings import MOST_ROUNDS, ROUND_BYTES, Wordings
from tests.core.person import MONDAY_0930
from tests.learning.rules import DAY, MINUTE, learning_rules

AT = MONDAY_0930
RULES = learning_rules(wordings__half_life_ms=DAY, wordings__least_propensity=0.01, release__every_ms=MINUTE, release__news_share=0.1)
TEMPLATES = [f"template-{number}" for number in range(8)]
TELL = Wordings(TEMPLATES)


def sums(state: ItemState) -> list[float]:
    return [round(value, 9) for value in state.wording]


def told(stage: PushStage = PushStage.SENT, propensities: tuple[float, ...] = (0.2, 0.8), sent_at_ms: int = AT) -> WordingRound:
    return WordingRound(TEMPLATES[: len(propensities)], list(propensities), stage, sent_at_ms)


def test_the_worked_round_adds_its_inverse_propensities() -> None:
    chosen, other = ItemState(), ItemState()
    for state, name in ((chosen, TEMPLATES[0]), (other, TEMPLATES[1])):
        add_round(RULES.wordings, state, name, told())
        add_round(RULES.wordings, state, name, told(PushStage.OPENED))
    # chosen with 1/5: weight 5; the other was not, with 1/5: weight 5
    assert sums(chosen) == [5, 5, 25, 0, 0, 0]
    assert sums(other) == [0, 0, 0, 5, 5, 25]


def test_what_was_sent_earlier_counts_less_and_a_late_open_as_of_its_sending() -> None:
    state = ItemState()
    add_round(RULES.wordings, state, TEMPLATES[0], told(propensities=(0.5, 0.5)))
    add_round(RULES.wordings, state, TEMPLATES[0], told(propensities=(0.5, 0.5), sent_at_ms=AT + 2 * DAY))
    add_round(RULES.wordings, state, TEMPLATES[0], told(PushStage.OPENED, (0.5, 0.5)))
    assert sums(state) == [2 * 0.25, 2 * 0.25 + 2, 4 * 0.25 + 4, 0, 0, 0]
    assert state.outcomes[:2] == [1.25, 0.25]


def test_small_and_large_propensities_are_clipped() -> None:
    for propensities, weight in (((0.001, 0.999), 100), ((0.999, 0.001), 1 / 0.99)):
        state = ItemState()
        add_round(RULES.wordings, state, TEMPLATES[0], told(propensities=propensities))
        assert state.wording[1] == pytest.approx(weight)


@given(st.permutations([(stage, AT + day * DAY) for day in range(4) for stage in (PushStage.SENT, PushStage.OPENED)]))
def test_the_order_of_arrival_does_not_matter(rounds: list[tuple[PushStage, int]]) -> None:
    state, ordered = ItemState(), ItemState()
    for into, order in ((state, rounds), (ordered, sorted(rounds, key=lambda each: each[1]))):
        for stage, sent_at_ms in order:
            add_round(RULES.wordings, into, TEMPLATES[0], told(stage, sent_at_ms=sent_at_ms))
    assert state.wording == pytest.approx(ordered.wording)


def pushed(state: UserState, number: int, *propensities: float) -> tuple[str, tuple[ItemSignal, ...]]:
    command = command_id("ann", f"event-{number}")
    history.remember_push(state, number, command, AT + number, 64)
    choices = tuple(zip(TEMPLATES, propensities, strict=False))
    return command, TELL.of_push(state, command, TEMPLATES[0], choices, AT + number)


def opened(state: UserState, command: str, outcome: Outcome = Outcome.OPENED) -> tuple[ItemSignal, ...]:
    return TELL.before_feedback(state, Feedback("f", command, int(outcome), AT + DAY))


def test_a_push_and_its_open_are_told_to_every_template_that_could_have_been_chosen() -> None:
    state = new_user(2, AT)
    state.country = "DE"
    command, (sent,) = pushed(state, 0, 0.2, 0.8)
    assert sent.keys == (wording_key(TEMPLATES[0]), wording_key(TEMPLATES[1]))
    assert (sent.signal_id, sent.at_ms, sent.country) == (f"{command}/wording/sent", AT, "DE")
    assert sent.body == WordingRound(TEMPLATES[:2], [51 / 255, 204 / 255], PushStage.SENT, AT)
    (open_,) = opened(state, command)
    assert (open_.signal_id, open_.at_ms, open_.keys) == (f"{command}/wording/opened", AT + DAY, sent.keys)
    assert open_.body == replace(sent.body, stage=PushStage.OPENED)


@pytest.mark.parametrize("outcome", [Outcome.ACTION_CLICKED, Outcome.CONVERTED])
def test_an_open_is_told_once_and_who_converts_has_opened(outcome: Outcome) -> None:
    state = new_user(2, AT)
    command, _ = pushed(state, 0, 0.5, 0.5)
    pushed(state, 1, 0.5, 0.5)
    assert opened(state, command, Outcome.DELIVERED) == ()
    assert len(opened(state, command, outcome)) == 1
    assert opened(state, command) == ()
    assert len(state.open_rounds) == ROUND_BYTES


def test_where_there_was_no_choice_there_is_nothing_to_learn() -> None:
    state = new_user(2, AT)
    assert pushed(state, 0, 1.0)[1] == ()
    assert state.open_rounds == b""


def test_the_state_keeps_the_newest_rounds_alone() -> None:
    state = new_user(2, AT)
    commands = [pushed(state, number, 0.5, 0.5)[0] for number in range(MOST_ROUNDS + 1)]
    assert len(state.open_rounds) == MOST_ROUNDS * ROUND_BYTES
    assert opened(state, commands[0]) == ()
    assert len(opened(state, commands[1])) == len(opened(state, commands[-1])) == 1


def test_of_many_templates_the_chosen_one_and_the_most_probable_are_told() -> None:
    state = new_user(2, AT)
    (sent,) = pushed(state, 0, 0.01, 0.01, 0.02, 0.06, 0.1, 0.2, 0.3, 0.3)[1]
    assert isinstance(sent.body, WordingRound)
    assert sent.body.template_ids == [TEMPLATES[at] for at in (0, 6, 7, 5, 4, 3)]
    assert len(sent.keys) == MOST_WORDINGS


def test_templates_that_a_new_policy_does_not_have_are_left_out() -> None:
    state = new_user(2, AT)
    command, _ = pushed(state, 0, 0.2, 0.3, 0.5)
    rounds = state.open_rounds
    (open_,) = Wordings([TEMPLATES[0], TEMPLATES[2]]).before_feedback(state, Feedback("f", command, int(Outcome.OPENED), AT + DAY))
    assert open_.keys == (wording_key(TEMPLATES[0]), wording_key(TEMPLATES[2]))
    state.open_rounds = rounds
    assert Wordings(TEMPLATES[1:]).before_feedback(state, Feedback("f", command, int(Outcome.OPENED), AT + DAY)) == ()


def test_what_was_learned_is_released_and_deciders_read_it_as_of_one_time() -> None:
    learner, knowledge = Learner(RULES), Knowledge(RULES, Catalogue(2))
    for number, name in enumerate(TEMPLATES[:2]):
        state, key = ItemState(), wording_key(name)
        signal = ItemSignal("s", (key,), AT, "", told(sent_at_ms=AT - number * DAY))
        (release,) = learner.on_signal(key, state, signal, AT) or ()
        assert learner.on_signal(key, state, signal, AT) is None
        assert isinstance(release, Release)
        assert release.key == key
        assert knowledge.put(release.facts)
    assert knowledge.wordings.version == 2
    read = knowledge.wordings.sums((TEMPLATES[1], "unknown", TEMPLATES[0]))
    assert read.T.tolist() == [pytest.approx(row) for row in ([0, 0, 0, 0, 2.5, 12.5], [0] * 6, [0, 5, 25, 0, 0, 0])]
    assert not knowledge.put(WordingFacts(TEMPLATES[0], AT))
    assert knowledge.put(WordingFacts(TEMPLATES[0], AT + 1))
    assert not np.array(knowledge.wordings.sums((TEMPLATES[0],))).any()
