"""Arms of messages: recovering difference softmax, over what rounds have taught."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.draws import drawn, uniform
from flink_job.core.learning.signals import PushStage, WordingRound
from flink_job.core.learning.state import ItemState
from flink_job.core.learning.wordings import SUMS, add_round
from flink_job.core.messages.arms import Arms, PerArm, Sums
from flink_job.core.rules.checks import RuleError
from flink_job.core.rules.messages import ArmRules
from tests.core.policies import DAY
from tests.learning.rules import learning_rules

RULES = ArmRules(
    temperature=0.0025,
    uniform_share=0.05,
    repeat_penalty=0.017,
    recovery_half_life_ms=15 * DAY,
    prior_rounds=105,
)
NEVER = np.inf
LEARNING = learning_rules().wordings


class Taught:
    """Arms that learn, each from the rounds it could have been chosen in."""

    def __init__(self, arms: int) -> None:
        self.states = [ItemState() for _ in range(arms)]

    def round(self, shares: PerArm, chosen: int, opened: bool) -> None:
        arms = [chosen, *(arm for arm in range(len(shares)) if arm != chosen and shares[arm] > 0.0)]
        names, propensities = [str(arm) for arm in arms], shares[arms].tolist()
        for stage in (PushStage.SENT, PushStage.OPENED)[: 1 + opened]:
            for arm in arms:
                add_round(LEARNING, self.states[arm], str(arm), WordingRound(names, propensities, stage, 0))

    @property
    def sums(self) -> Sums:
        return np.array([state.wording or [0.0] * SUMS for state in self.states]).T


def test_the_worked_shares_of_two_equal_arms_of_which_one_was_used_just_now() -> None:
    softmax = exp(-0.017 / 0.0025) / (1 + exp(-0.017 / 0.0025))
    shares = Arms(RULES).shares(np.zeros(2), np.array([0.0, NEVER]), np.ones(2))
    assert shares.tolist() == pytest.approx([0.95 * softmax + 0.025, 0.95 * (1 - softmax) + 0.025])
    assert shares[0] == pytest.approx(0.0261, abs=5e-5)


def test_half_of_the_penalty_is_gone_after_its_half_life() -> None:
    shares = Arms(RULES).shares(np.zeros(2), np.array([15.0 * DAY, NEVER]), np.ones(2))
    softmax = 1 / (1 + exp(0.017 / 2 / 0.0025))
    assert shares[0] == pytest.approx(0.95 * softmax + 0.025)


def test_while_nothing_is_known_the_weights_decide() -> None:
    arms = Arms(replace(RULES, uniform_share=0.0))
    assert arms.shares(arms.scores(Taught(3).sums), np.full(3, NEVER), np.array([1.0, 1.0, 2.0])).tolist() == pytest.approx(
        [0.25, 0.25, 0.5]
    )


def test_the_worked_score_with_its_shrinkage() -> None:
    # 400 rounds with the arm, all of weight 2: μ⁺ = 0.3; 400 without: μ⁻ = 0.2. Kish: n = (400·2)² / (400·4) = 400 each, overall mean 0.25.
    sums = np.array([[240.0], [800.0], [1600.0], [160.0], [800.0], [1600.0]])
    with_it, without = (0.3 * 400 + 0.25 * 105) / 505, (0.2 * 400 + 0.25 * 105) / 505
    assert Arms(RULES).scores(sums).tolist() == pytest.approx([(with_it - without) / without])


def test_an_arm_that_is_only_used_where_everything_works_is_not_taken_for_a_good_one() -> None:
    """Both arms open with 0.6 in the mornings, when only they can be chosen, and 0.2 in the evenings, where a third one can be chosen, too."""
    arms, taught, truth = Arms(RULES), Taught(3), {True: 0.6, False: 0.2}
    for number in range(6000):
        morning = number % 2 == 0
        shares = np.array([0.45, 0.45, 0.1]) if not morning else np.array([0.9, 0.1, 0.0])
        chosen = drawn(shares, uniform("u", number, "message"))
        taught.round(shares, chosen, uniform("u", number, "opened") < truth[morning])
    assert np.abs(arms.scores(taught.sums)).max() < 0.15  # levels differ by a factor of 3


def test_the_better_arm_comes_to_be_preferred() -> None:
    arms, taught, opens = Arms(RULES), Taught(2), (0.10, 0.14)
    uses = 0
    for number in range(8000):
        shares = arms.shares(arms.scores(taught.sums), np.full(2, NEVER), np.ones(2))
        chosen = drawn(shares, uniform("u", number, "message"))
        uses += chosen if number >= 4000 else 0
        taught.round(shares, chosen, uniform("u", number, "opened") < opens[chosen])
    assert uses / 4000 > 0.9


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 400 * DAY), st.floats(0.01, 100)), min_size=1, max_size=12),
    st.floats(1e-6, 10),
    st.floats(0, 1),
)
def test_shares_sum_to_one_and_each_has_its_floor(arms: list[tuple[float, float, float]], temperature: float, uniform_share: float) -> None:
    scores, since_ms, weights = np.array(arms).T
    shares = Arms(replace(RULES, temperature=temperature, uniform_share=uniform_share)).shares(scores, since_ms, weights)
    assert abs(shares.sum() - 1.0) <= 1e-9
    assert (shares >= uniform_share / len(arms)).all()


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=20))
def test_scores_are_always_numbers(rounds: list[tuple[int, bool]]) -> None:
    taught = Taught(3)
    for arm, opened in rounds:
        taught.round(np.array([0.2, 0.3, 0.5]), arm, opened)
    assert np.isfinite(Arms(RULES).scores(taught.sums)).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0), ("uniform_share", 2), ("repeat_penalty", -1), ("recovery_half_life_ms", 0), ("prior_rounds", 0),
    ],
)  # fmt: skip
def test_impossible_rules_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(RuleError, match=f"^{name}: "):
        replace(RULES, **{name: value})
