"""A user operator to talk to, and the settings it is given."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from flink_job.config import load_config
from flink_job.settings import EngineSettings, engine_settings
from tests.core.policies import plain_rules
from tests.harness.harness import OperatorHarness, Snapshot

MakeHarness = Callable[..., OperatorHarness]


def harness_settings(**changes: Any) -> EngineSettings:
    """Two features, no gates, every decision logged; the rest as shipped. `rules=` and any other field may be given."""
    rules = changes.pop("rules", None) or plain_rules(log__suppressed_share=1.0)
    return replace(engine_settings(load_config(None, {})), **{"feature_dim": 2, "rules": rules, **changes})


@pytest.fixture
def make_harness(monkeypatch: pytest.MonkeyPatch) -> MakeHarness:
    """`make_harness(snapshot, user_ttl_days=1)`: an operator, new or restored. The newest one's clock is the operators'."""

    def make(snapshot: Snapshot | None = None, *, native_ttl: bool = True, **changes: Any) -> OperatorHarness:
        return OperatorHarness(harness_settings(**changes), monkeypatch, snapshot, native_ttl=native_ttl)

    return make


@pytest.fixture
def harness(make_harness: MakeHarness) -> OperatorHarness:
    """A new operator."""
    return make_harness()
