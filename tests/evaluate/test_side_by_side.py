"""A whole evaluation, small: what must be true of any."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kairos.cli.app import build
from kairos.errors import KairosError
from kairos.evaluate.comparison import Comparison
from kairos.evaluate.intervals import Estimate
from kairos.evaluate.plan import START_MS, Plan
from kairos.evaluate.plots import plot
from kairos.evaluate.run import best_hours, run
from kairos.evaluate.table import report
from kairos.evaluate.targets import _loses, targets
from kairos.evaluate.worlds import WORLDS, settings_of
from kairos.world import World
from kairos.world.curves import Curves


def test_the_oracle_beats_everybody_at_equal_pushes(comparison: Comparison) -> None:
    oracle = comparison.estimate("oracle=", "conversions").mean
    for name in ("kairos", "send-at-once=", "fixed-hour=", "popular="):
        assert oracle > 1.5 * comparison.estimate(name, "conversions").mean


def test_matched_policies_send_no_more_than_kairos(comparison: Comparison) -> None:
    kairos = comparison.estimate("kairos", "pushes").mean
    for name in ("oracle=", "send-at-once=", "fixed-hour=", "popular="):
        assert 0 < comparison.estimate(name, "pushes").mean <= kairos


def test_regret_to_the_oracle_is_none_for_the_oracle(comparison: Comparison) -> None:
    regret = comparison.regret("oracle=")
    assert regret is not None
    assert (regret.mean, regret.half) == (0.0, 0.0)


def test_every_target_is_judged(comparison: Comparison) -> None:
    assert {target.verdict for target in targets(comparison)} <= {"met", "missed"}


def test_the_result_is_a_table_a_document_and_a_picture(comparison: Comparison, tmp_path: Path) -> None:
    assert len(list(report(comparison))) == 4
    document = json.loads(json.dumps(comparison.document(), allow_nan=False))
    assert set(document["policies"]) == set(comparison.policies)
    plot(comparison, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_the_same_plan_gives_the_same_pushes(plan: Plan) -> None:
    small = replace(plan, users=20, items=60, policies=("send-at-once",))
    first, second = (run(small, "send-at-once", 1, None, lambda: None) for _ in range(2))
    assert np.array_equal(first.sent, second.sent)


@pytest.mark.parametrize(
    ("conversions", "opt_outs", "loses"),
    [
        ((0.8, 0.1), (1.0, 0.1), True),
        ((1.1, 0.2), (2.0, 0.5), True),
        ((0.9, 0.3), (1.5, 0.9), None),
        ((1.0, 0.0), (1.0, 0.0), False),  # a part that changes nothing
    ],
)
def test_an_ablation_loses_only_beyond_the_noise(
    conversions: tuple[float, float], opt_outs: tuple[float, float], loses: bool | None
) -> None:
    assert _loses(Estimate(*conversions), Estimate(*opt_outs)) is loses


@pytest.mark.parametrize("world", WORLDS)
def test_best_hours_are_allowed_ones(world: str) -> None:
    made = World(settings_of(world, seed=1, start_ms=START_MS, users=200, items=30, scenario="shop"))
    best = best_hours(made)
    assert best.shape == (200, 7)
    assert best.min() >= 8
    assert best.max() <= 21
    assert len(np.unique(best)) > 5


@pytest.mark.parametrize("world", WORLDS)
def test_every_world_has_curves_of_mean_one(world: str) -> None:
    settings = settings_of(world, seed=1, start_ms=START_MS, users=20, items=30, scenario="mixed")
    curves = Curves(settings.personas)
    assert curves.shares.sum() == pytest.approx(1)
    assert curves._table.mean(axis=2) == pytest.approx(np.ones_like(curves._table[:, :, 0]))


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"policies": ("kairos", "magic")}, "magic"),
        ({"policies": ("oracle=",)}, "Kairos"),
        ({"world": "flat"}, "flat"),
        ({"scenario": "radio"}, "radio"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(changes: dict[str, object], hint: str) -> None:
    with pytest.raises(KairosError, match=hint):
        replace(Plan(), **changes)


def test_the_command_is_there() -> None:
    from typer.testing import CliRunner

    result = CliRunner().invoke(build(), ["evaluate", "--help"])
    assert result.exit_code == 0
    assert "--quick" in result.output
