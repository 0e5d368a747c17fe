"""Exploration: every candidate is chosen as often as is said, and the order of candidates means nothing."""

from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.draws import uniform
from flink_job.core.exploration import Choice, Exploration
from flink_job.core.rules.checks import RuleError
from flink_job.core.rules.exploration import ExplorationRules

UTILITIES = st.lists(st.one_of(st.sampled_from([-1.0, 0.0, 0.5, 0.5000001]), st.floats(-1e6, 1e6)), min_size=1, max_size=40)
RULES = st.builds(
    ExplorationRules,
    temperature=st.one_of(st.just(0.0), st.floats(1e-6, 1e6)),
    uniform_share=st.one_of(st.just(0.0), st.floats(0, 1)),
    uniform_top=st.integers(0, 50),
)
DRAWS = st.floats(0, 1, exclude_max=True)


def keys(count: int) -> np.ndarray:
    """As good as hashes: in no order."""
    return np.random.default_rng(5).permutation(np.arange(count, dtype=np.uint64) << np.uint64(40))


def choose(utilities: list[float], draw: float = 0.5, temperature: float = 0.1, share: float = 0.0, top: int = 0) -> Choice:
    return Exploration(ExplorationRules(temperature, share, top)).choose(
        np.array(utilities), np.arange(len(utilities), dtype=np.uint64), draw
    )


def test_the_worked_propensities() -> None:
    # softmax of (2, 1) is 1 / (1 + e⁻¹) for the first; of a tenth of the choices each gets half
    first = 0.9 / (1 + exp(-1)) + 0.1 / 2
    assert choose([0.2, 0.1], share=0.1).propensities.tolist() == pytest.approx([first, 1 - first])
    assert first == pytest.approx(0.7080, abs=5e-5)


def test_the_draw_decides_by_the_propensities_from_the_best_on() -> None:
    assert choose([0.2, 0.1], share=0.1, draw=0.7079).chosen == 0
    assert choose([0.2, 0.1], share=0.1, draw=0.7081).chosen == 1


def test_the_uniform_share_goes_to_the_best_only() -> None:
    # At this temperature the softmax is all on the best one.
    assert choose([0.1, 0.9, 0.5, 0.7], temperature=1e-6, share=0.3, top=2).propensities.tolist() == pytest.approx([0, 0.85, 0, 0.15])


def test_of_equal_ones_at_the_edge_of_the_best_the_lowest_keys_belong_to_them() -> None:
    chosen = Exploration(ExplorationRules(1e-6, 0.3, 2)).choose(np.array([0.5, 0.9, 0.5]), np.array([8, 9, 7], np.uint64), 0.0)
    assert chosen.propensities.tolist() == pytest.approx([0, 0.85, 0.15])


@pytest.mark.parametrize("temperature", [0.0, 1e-6])
def test_without_temperature_and_uniform_share_the_best_is_certain(temperature: float) -> None:
    choice = choose([0.1, 0.9, 0.5], temperature=temperature, draw=0.999999)
    assert choice.chosen == 1
    assert choice.propensities.tolist() == [0.0, 1.0, 0.0]


def test_equal_ones_share_evenly_and_without_temperature_the_lowest_key_wins() -> None:
    assert choose([0.5, 0.5, 0.5, 0.5]).propensities.tolist() == pytest.approx([0.25] * 4)
    cold = Exploration(ExplorationRules(0.0, 0.0, 0)).choose(np.array([0.5, 0.5, 0.1]), np.array([9, 3, 1], np.uint64), 0.9)
    assert (cold.chosen, cold.propensities.tolist()) == (1, [0.0, 1.0, 0.0])


@given(UTILITIES, RULES, DRAWS)
def test_propensities_sum_to_one_and_the_chosen_one_has_some(utilities: list[float], rules: ExplorationRules, draw: float) -> None:
    choice = Exploration(rules).choose(np.array(utilities), keys(len(utilities)), draw)
    assert choice.propensities.dtype == np.float64
    assert abs(choice.propensities.sum() - 1.0) <= 1e-9
    assert (choice.propensities >= 0.0).all()
    assert choice.propensities[choice.chosen] > 0.0


@given(UTILITIES, RULES)
def test_a_higher_utility_is_never_less_likely_and_the_best_have_the_floor(utilities: list[float], rules: ExplorationRules) -> None:
    shares = Exploration(rules).choose(np.array(utilities), keys(len(utilities)), 0.5).propensities
    order = np.argsort(utilities, kind="stable")
    values = np.array(utilities)[order]
    rising = np.diff(shares[order])[np.diff(values) > 0.0]
    assert (rising >= -1e-15).all()
    count = min(rules.uniform_top or len(utilities), len(utilities))
    assert np.count_nonzero(shares >= rules.uniform_share / count) >= count


@given(UTILITIES, RULES, DRAWS, st.randoms(use_true_random=False))
def test_a_permutation_of_the_candidates_permutes_the_answer_bit_for_bit(utilities, rules, draw, random) -> None:  # type: ignore[no-untyped-def]
    exploration, values, names = Exploration(rules), np.array(utilities), keys(len(utilities))
    order = list(range(len(utilities)))
    random.shuffle(order)
    one, other = exploration.choose(values, names, draw), exploration.choose(values[order], names[order], draw)
    assert order[other.chosen] == one.chosen
    assert other.propensities.tobytes() == one.propensities[order].tobytes()


def test_candidates_are_chosen_as_often_as_is_said() -> None:
    exploration, values = Exploration(ExplorationRules(0.2, 0.1, 0)), np.array([0.9, 0.5, 0.4, 0.1])
    choices = [exploration.choose(values, keys(4), uniform("anna", number, "item")) for number in range(20_000)]
    counts = np.bincount([choice.chosen for choice in choices], minlength=4)
    expected = 20_000 * choices[0].propensities
    # χ² of 3 degrees of freedom is above 16.3 once in a thousand.
    assert ((counts - expected) ** 2 / expected).sum() < 16.3


def test_inverse_propensities_give_back_what_every_candidate_is_worth() -> None:
    """The point of it: the mean of r/π over what was sent is the sum over all of what each would have brought."""
    exploration, values, worth = Exploration(ExplorationRules(0.2, 0.2, 0)), np.array([0.9, 0.5, 0.4]), np.array([1.0, 5.0, 2.0])
    choices = [exploration.choose(values, keys(3), uniform("bert", number, "item")) for number in range(20_000)]
    estimates = [worth[choice.chosen] / choice.propensities[choice.chosen] for choice in choices]
    assert np.mean(estimates) == pytest.approx(worth.sum(), rel=4 * np.std(estimates) / worth.sum() / np.sqrt(20_000))


@pytest.mark.parametrize("utilities", [[float("nan"), 1.0], [float("inf"), 1.0], [-float("inf")]])
@pytest.mark.parametrize("temperature", [0.0, 0.1])
def test_what_is_no_utility_is_refused(utilities: list[float], temperature: float) -> None:
    with pytest.raises(ValueError, match="the highest utility is"):
        choose(utilities, temperature=temperature)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ((-0.1, 0.1, 0), "temperature: must be 0"),
        ((1e-9, 0.1, 0), "temperature: must be 0"),
        ((float("nan"), 0.1, 0), "temperature: must be 0"),
        ((0.1, 1.1, 0), "uniform_share: must be from 0 to 1"),
        ((0.1, 0.1, -1), "uniform_top: must not be negative"),
    ],
)
def test_impossible_rules_are_refused(values: tuple[float, float, int], problem: str) -> None:
    with pytest.raises(RuleError, match=problem):
        ExplorationRules(*values)
