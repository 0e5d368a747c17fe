"""A small evaluation, run once: it takes some seconds."""

from dataclasses import replace

import pytest

from kairos.evaluate.comparison import Comparison
from kairos.evaluate.parallel import run_all
from kairos.evaluate.plan import QUICK, Plan

POLICIES = ("oracle=", "kairos", "true-hours", "send-at-once", "send-at-once=", "fixed-hour=", "popular=")


@pytest.fixture(scope="session")
def plan() -> Plan:
    return replace(QUICK, users=60, items=120, policies=POLICIES)


@pytest.fixture(scope="session")
def comparison(plan: Plan) -> Comparison:
    return Comparison(plan, run_all(plan, 1, lambda days, run: None), seconds=0.0)
