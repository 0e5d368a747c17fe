"""Experiments: users are drawn into arms by a hash, layer by layer, and the holdout is in none of them."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.experiments import NO_ARM, Experiments
from flink_job.core.ids import share_of
from flink_job.core.rules import Layer, RuleError
from tests.core.policies import plain_rules

USERS = [f"user-{number}" for number in range(20_000)]


def drawn(*layers: Layer, holdout: float = 0.0) -> list[tuple[str, ...]]:
    experiments = Experiments({f"layer-{number}": layer for number, layer in enumerate(layers)}, holdout, "holdout-1")
    return [experiments.arms_of(user) for user in USERS]


def within(count: int, share: float, of: int = len(USERS)) -> bool:
    """Within four standard deviations of a binomial draw."""
    return abs(count - of * share) < 4 * (of * share * (1 - share)) ** 0.5


def test_arms_have_the_shares_that_were_asked_for_and_the_rest_is_in_none() -> None:
    counts = Counter(arm for (arm,) in drawn(Layer("s", {"control": 0.5, "early": 0.25, "late": 0.1})))
    assert all(within(counts[arm], share) for arm, share in [("control", 0.5), ("early", 0.25), ("late", 0.1), (NO_ARM, 0.15)])


def test_shares_that_add_up_to_one_leave_nobody_out() -> None:
    third = 1 / 3
    assert NO_ARM not in Counter(arm for (arm,) in drawn(Layer("s", {"a": third, "b": third, "c": third})))


def test_layers_are_drawn_independently() -> None:
    """With halves in both, a quarter of the users is in each combination."""
    halves = {"a": 0.5, "b": 0.5}
    counts = Counter(drawn(Layer("one", halves), Layer("two", halves)))
    assert len(counts) == 4
    assert all(within(count, 0.25) for count in counts.values())


def test_another_salt_draws_other_users() -> None:
    halves = {"a": 0.5, "b": 0.5}
    same = sum(one == other for one, other in zip(drawn(Layer("one", halves)), drawn(Layer("two", halves)), strict=True))
    assert within(same, 0.5)


def test_the_holdout_is_in_no_arm_and_takes_its_share_from_all_alike() -> None:
    halves = Layer("s", {"a": 0.5, "b": 0.5})
    for user, (with_holdout,), (without,) in zip(USERS, drawn(halves, holdout=0.2), drawn(halves), strict=True):
        held_out = share_of(user, "holdout-1") < 0.2
        assert with_holdout == (NO_ARM if held_out else without)


def test_the_draw_is_the_same_in_every_release() -> None:
    layer = Layer("salt", {"control": 0.5, "early": 0.5})
    assert [Experiments({"timing": layer}, 0.0, "").arms_of(user)[0] for user in ("ann", "bob", "cleo", "dan")] == [
        "control",
        "control",
        "early",
        "control",
    ]


@given(
    user=st.text(max_size=20),
    salt=st.text(min_size=1, max_size=16),
    parts=st.lists(st.integers(1, 100), min_size=2, max_size=5),
    free=st.integers(0, 50),
)
def test_every_user_is_in_one_arm_or_none_and_always_in_the_same(user: str, salt: str, parts: list[int], free: int) -> None:
    layer = Layer(salt, {f"arm-{number}": part / (sum(parts) + free) for number, part in enumerate(parts)})
    experiments = Experiments({"layer": layer}, 0.0, "")
    (arm,) = experiments.arms_of(user)
    assert arm in layer.arms or (arm == NO_ARM and free)
    assert experiments.arms_of(user) == (arm,)


@pytest.mark.parametrize(
    ("salt", "arms", "says"),
    [
        ("", {"a": 0.5, "b": 0.5}, "salt: must have 1 to 64 bytes"),
        ("x" * 65, {"a": 0.5, "b": 0.5}, "salt: must have 1 to 64 bytes"),
        ("s", {"a": 1.0}, "arms: an experiment compares two arms or more"),
        ("s", {"a": 0.6, "b": 0.6}, "arms: the shares must add up to 1 at most, not 1.2"),
        ("s", {"a": 0.0, "b": 0.6}, "arms.a: must be greater than 0"),
        ("s", {"a": -0.1, "b": 0.6}, "arms.a: must be greater than 0"),
        ("s", {"a/b": 0.1, "b": 0.6}, "arms.a/b: a name has letters, digits and . _ - only"),
    ],
)
def test_a_layer_that_cannot_be_is_refused_with_the_fields_name(salt: str, arms: dict[str, float], says: str) -> None:
    with pytest.raises(RuleError) as refused:
        Layer(salt, arms)
    assert str(refused.value).startswith(says)


def test_layers_that_would_draw_alike_are_refused() -> None:
    halves = {"a": 0.5, "b": 0.5}
    with pytest.raises(RuleError, match=r"experiments\.two: salt: is that of experiments\.one"):
        plain_rules(experiments={"one": Layer("s", halves), "two": Layer("s", halves)})
    with pytest.raises(RuleError, match=r"experiments\.one: salt: is that of gates\.holdout_salt"):
        plain_rules(experiments={"one": Layer("holdout-1", halves)})
    with pytest.raises(RuleError, match=r"experiments\.a b: a name has"):
        plain_rules(experiments={"a b": Layer("s", halves)})
