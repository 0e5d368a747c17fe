"""What another policy would have brought: worked numbers, and a bandit whose truth is known."""

import io
import json
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from kairos.decisions.offpolicy import Estimate, Estimates, Replayed, clustered_error, estimate, student_quantile
from kairos.decisions.offpolicy_table import as_json, show
from kairos.errors import KairosError


@dataclass(frozen=True, slots=True)
class Push:
    """A replayed decision, as the estimators see one."""

    user_id: str
    command_id: str
    logged_propensity: float
    target_propensity: float
    logged_value: float = 0.0
    target_value: float = 0.0
    item_id: str = "mug"
    log_rate: float = 1.0

    @property
    def decision_id(self) -> str:
        return self.command_id


FOUR = [
    Push("ann", "a1", 0.5, 1.0, 0.5, 0.6),  # w = 2
    Push("ann", "a2", 0.5, 0.0, 0.1, 0.6),  # w = 0
    Push("bob", "b1", 0.25, 0.25, 0.2, 0.3),  # w = 1
    Push("cy", "c1", 0.8, 0.4, 0.4, 0.2),  # w = ½
]
REWARDS = {"a1": 1.0, "b1": 2.0}


def test_the_estimators_are_their_formulas() -> None:
    found = estimate(FOUR, REWARDS)
    assert found.ips.mean.value == pytest.approx((2 * 1 + 1 * 2) / 4)
    assert found.snips.mean.value == pytest.approx((2 * 1 + 1 * 2) / (2 + 0 + 1 + 0.5))
    assert found.dr.mean.value == pytest.approx(((0.6 + 2 * (1 - 0.5)) + 0.6 + (0.3 + (2 - 0.2)) + (0.2 + 0.5 * (0 - 0.4))) / 4)
    assert found.logged.value == pytest.approx(3 / 4)
    assert found.effective_size == pytest.approx(3.5**2 / (4 + 1 + 0.25))
    assert (found.decisions, found.users, found.largest_weight, found.mean_weight.value) == (4, 3, 2.0, 3.5 / 4)


def test_the_interval_takes_all_of_a_user_as_one_observation() -> None:
    """IPS: ψ = w·r − 1 is 1 and −1 (ann), 1 (bob), −1 (cy), so per user 0, 1, −1: error √(3/2 · 2) / 4; t of 2 degrees is 4.303."""
    found = estimate(FOUR, REWARDS)
    half = student_quantile(0.975, 2) * sqrt(3) / 4
    assert found.ips.mean.high == pytest.approx(1 + half)
    assert found.ips.mean.low == pytest.approx(1 - half)
    alone = estimate([replace(each, user_id=each.command_id) for each in FOUR], REWARDS)
    assert alone.ips.mean.high == pytest.approx(1 + student_quantile(0.975, 3) * sqrt(4 / 3 * 4) / 4)


def test_the_interval_of_snips_is_by_the_delta_method() -> None:
    """V = 8/7, w̄ = 7/8; ψ = w·(r − V)/w̄ is −16/49 and 0 (ann), 48/49 (bob), −32/49 (cy), which sum to 0."""
    found = estimate(FOUR, REWARDS)
    error = sqrt(3 / 2 * ((16 / 49) ** 2 + (48 / 49) ** 2 + (32 / 49) ** 2)) / 4
    assert found.snips.mean.high == pytest.approx(8 / 7 + student_quantile(0.975, 2) * error)


def test_the_gain_is_paired_so_the_logging_policy_gains_exactly_nothing() -> None:
    same = [replace(each, target_propensity=each.logged_propensity) for each in FOUR]
    found = estimate(same, REWARDS)
    for each in (found.ips, found.snips):
        assert (each.gain.value, each.gain.low, each.gain.high) == (0.0, 0.0, 0.0)
        assert each.mean == found.logged
    assert found.effective_size == 4


@given(
    st.lists(st.tuples(st.integers(0, 4), st.floats(0.01, 1), st.floats(0, 1), st.floats(-5, 5)), min_size=5, max_size=40).filter(
        lambda rows: len({row[0] for row in rows}) > 1
    )
)
def test_without_a_model_dr_is_ips_and_snips_stays_within_the_rewards(rows: list[tuple[int, float, float, float]]) -> None:
    pushes = [Push(f"user {user}", f"c{n}", logged, target) for n, (user, logged, target, _) in enumerate(rows)]
    rewards = {f"c{n}": reward for n, (_, _, _, reward) in enumerate(rows)}
    found = estimate(pushes, rewards)
    assert found.dr.mean == found.ips.mean
    assert found.dr.gain == found.ips.gain
    if any(each.target_propensity for each in pushes):
        assert min(rewards.values()) - 1e-9 <= found.snips.mean.value <= max(rewards.values()) + 1e-9
    assert found.effective_size <= len(pushes) + 1e-9


def test_with_a_perfect_model_dr_does_not_vary_with_what_was_drawn() -> None:
    """r = q̂(x, a) everywhere, so every term is q̂(x, π)."""
    pushes = [Push(f"u{n}", f"c{n}", 0.1, 0.9, logged_value=float(n % 2), target_value=0.7) for n in range(10)]
    found = estimate(pushes, {f"c{n}": float(n % 2) for n in range(10)})
    assert (found.dr.mean.value, found.dr.mean.low, found.dr.mean.high) == pytest.approx((0.7, 0.7, 0.7))


def test_weights_are_clipped_only_if_asked() -> None:
    assert (estimate(FOUR, REWARDS).clipped, estimate(FOUR, REWARDS).largest_weight) == (0, 2.0)
    clipped = estimate(FOUR, REWARDS, clip=1.0)
    assert (clipped.clipped, clipped.largest_weight) == (1, 1.0)
    assert clipped.ips.mean.value == pytest.approx((1 * 1 + 1 * 2) / 4)


def test_a_decision_that_comes_twice_counts_once_and_one_that_nothing_was_heard_of_brought_nothing() -> None:
    assert estimate([*FOUR, *FOUR], REWARDS) == estimate(FOUR, REWARDS)
    assert estimate(FOUR, REWARDS | {"c1": 0.0, "of somebody else": 9.0}) == estimate(FOUR, REWARDS)


@pytest.mark.parametrize("logged", [0.0, -0.1, 1.1, float("nan")])
def test_a_decision_without_a_known_probability_is_refused_by_name(logged: float) -> None:
    bad = Push("ann", "a3", logged, 0.5)
    with pytest.raises(KairosError, match=r"Decision a3 \(user ann, item mug\) has the logged propensity") as refused:
        estimate([*FOUR, bad], REWARDS)
    assert "leave it out" in refused.value.hint


def test_a_decision_stands_for_as_many_as_it_was_drawn_from() -> None:
    """As if each of cy's were there five times: IPS (2 + 2) / 8, SNIPS 4 / (3 + 5 · ½)."""
    sampled = estimate([*FOUR[:3], replace(FOUR[3], log_rate=0.2)], REWARDS)
    repeated = estimate([*FOUR, *(replace(FOUR[3], command_id=f"c{n}") for n in range(2, 6))], REWARDS)
    assert sampled.ips.mean.value == pytest.approx(4 / 8)
    assert sampled.snips.mean.value == pytest.approx(4 / 5.5)
    for name in ("ips", "snips", "dr"):
        ours, theirs = getattr(sampled, name), getattr(repeated, name)
        assert (ours.mean.low, ours.mean.high, ours.gain.high) == pytest.approx((theirs.mean.low, theirs.mean.high, theirs.gain.high))
    assert sampled.effective_size == pytest.approx(5.5**2 / (4 + 1 + 2.5**2))
    with pytest.raises(KairosError, match=r"0\.0 of such decisions are in the log"):
        estimate([*FOUR[:3], replace(FOUR[3], log_rate=0.0)], REWARDS)


def test_the_class_of_the_replay_is_what_is_estimated_from() -> None:
    replayed = pytest.importorskip("kairos.decisions.replayed")
    assert {name for name in vars(Replayed) if not name.startswith("_")} <= set(replayed.Replayed.__dataclass_fields__)


def test_impossible_targets_values_and_too_few_users_are_refused() -> None:
    with pytest.raises(KairosError, match=r"target propensity 1\.5"):
        estimate([*FOUR, Push("ann", "a3", 0.5, 1.5)], REWARDS)
    with pytest.raises(KairosError, match="no finite value"):
        estimate([*FOUR, Push("ann", "a3", 0.5, 0.5, logged_value=float("inf"))], REWARDS)
    with pytest.raises(KairosError, match="1 users are too few"):
        estimate(FOUR[:2], REWARDS)
    with pytest.raises(KairosError, match="0 users are too few"):
        estimate([], REWARDS)


def test_too_small_an_effective_size_is_said() -> None:
    assert estimate(FOUR, REWARDS, least_effective=2.0).warnings == ()
    (warning,) = estimate(FOUR, REWARDS).warnings
    assert warning.startswith("4 decisions are worth 2.3 of the other policy's own")


def test_a_policy_that_the_log_never_tried_is_not_judged_in_silence() -> None:
    """The other policy always does what the log never did: all weights are 0."""
    found = estimate([replace(each, target_propensity=0.0) for each in FOUR], REWARDS)
    assert (found.ips.mean.value, found.snips.mean.value, found.effective_size) == (0.0, 0.0, 0.0)
    assert any("weights have the mean 0.00, not 1" in warning for warning in found.warnings)


@pytest.mark.parametrize(("degrees", "printed"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)])
def test_students_quantile_is_the_printed_one(degrees: int, printed: float) -> None:
    """Three degrees are the expansion's worst case, 1 % off; from ten on it is exact to the printed digit."""
    assert student_quantile(0.975, degrees) == pytest.approx(printed, rel=0.01 if 2 < degrees < 10 else 0.0003)


def test_the_error_of_independent_users_is_the_ordinary_one() -> None:
    values = np.random.default_rng(1).normal(size=50)
    values -= values.mean()
    assert clustered_error(values, np.arange(50)) == pytest.approx(values.std(ddof=1) / sqrt(50))


ARMS = 4
TARGET = np.array([0.1, 0.1, 0.2, 0.6])
LOGGED = np.array([0.4, 0.3, 0.2, 0.1])
OF_ARM = np.array([0.1, 0.2, 0.3, 0.5])
TRUTH = float(TARGET @ OF_ARM)


def bandit(draw: np.random.Generator, users: int = 150, *, model_error: float = 0.1) -> Estimates:
    """Users with a taste of their own, so that what happens to one of them is alike, get 1 to 5 pushes each; some models are wrong."""
    pushes: list[Push] = []
    rewards: dict[str, float] = {}
    expected = OF_ARM + model_error
    for user in range(users):
        taste = draw.normal(0.0, 0.3)
        for number in range(int(draw.integers(1, 6))):
            arm = int(draw.choice(ARMS, p=LOGGED))
            name = f"{user}/{number}"
            pushes.append(Push(f"u{user}", name, LOGGED[arm], TARGET[arm], expected[arm], float(TARGET @ expected), f"arm {arm}"))
            rewards[name] = OF_ARM[arm] + taste + draw.normal(0.0, 0.3)
    return estimate(pushes, rewards)


def test_on_a_bandit_of_known_truth_the_estimates_are_right_on_average_and_the_intervals_as_often_as_they_say() -> None:
    """400 logs. Means within 4 standard errors; covered in 400 · 0.95 ± 4 · √(400 · 0.95 · 0.05) = 380 ± 17.4 of them, or more."""
    draw = np.random.default_rng(20_260_302)
    runs = [bandit(draw) for _ in range(400)]
    for name in ("ips", "snips", "dr"):
        found: list[Estimate] = [getattr(run, name) for run in runs]
        values = np.array([each.mean.value for each in found])
        assert abs(values.mean() - TRUTH) < 4 * values.std(ddof=1) / sqrt(len(values))
        covered = sum(each.mean.low <= TRUTH <= each.mean.high for each in found)
        assert 380 - 17.4 <= covered <= 380 + 17.4
    spread = {name: np.std([getattr(run, name).mean.value for run in runs]) for name in ("ips", "snips", "dr")}
    assert spread["dr"] < spread["ips"]  # what the model is for


def test_intervals_that_take_decisions_for_independent_miss_too_often() -> None:
    """Why users are the clusters: with five pushes to each of few users, √(1 + 4ρ) of the width is missing."""
    draw = np.random.default_rng(7)
    missed = {"clustered": 0, "independent": 0}
    for _ in range(200):
        pushes, rewards = [], {}
        for user in range(60):
            taste = draw.normal(0.0, 1.0)
            for number in range(8):
                name = f"{user}/{number}"
                pushes.append(Push(f"u{user}", name, 0.5, 0.5))
                rewards[name] = taste + draw.normal(0.0, 0.2)
        for kind, rows in (("clustered", pushes), ("independent", [replace(each, user_id=each.command_id) for each in pushes])):
            mean = estimate(rows, rewards).ips.mean
            missed[kind] += not mean.low <= 0.0 <= mean.high
    assert missed["clustered"] <= 10 + 4 * sqrt(200 * 0.05 * 0.95)
    assert missed["independent"] > 80


def test_the_table_and_the_json_say_the_same() -> None:
    found = estimate(FOUR, REWARDS, clip=1.5)
    output = io.StringIO()
    Console(file=output, width=140).print(show(found))
    text = output.getvalue()
    for words in ("IPS", "SNIPS", "DR", "95 % interval", "4 decisions on 3 users", "1 weights clipped", "careful: 4 decisions are worth"):
        assert words in text
    plain = json.loads(json.dumps(as_json(found)))
    assert plain["ips"]["mean"]["value"] == found.ips.mean.value
    assert plain["warnings"] == list(found.warnings)
