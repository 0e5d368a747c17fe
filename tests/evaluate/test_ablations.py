"""Every ablation is a policy, and another one than the shipped."""

from dataclasses import replace

import pytest

from flink_job.config.load import parse_config
from kairos.evaluate.ablations import ABLATIONS, EVALUATED, laid_over


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_is_a_valid_policy_that_differs(name: str) -> None:
    without = parse_config(laid_over(EVALUATED, ABLATIONS[name].overlay))
    assert without != parse_config(EVALUATED)


def test_kairos_is_evaluated_as_shipped_but_for_the_holdout() -> None:
    shipped, evaluated = parse_config({}).policy, parse_config(EVALUATED).policy
    assert evaluated.gates.holdout_share == 0
    assert replace(evaluated, gates=shipped.gates) == shipped
