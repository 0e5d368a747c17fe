"""Interest by category: from the user's profile as the job holds it, or else from what candidates were scored with.

*Contract*: pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flink_job.config import Config
from gateway.page.catalogue import SCENARIOS, Catalogue
from kairos.decisions.held import Held, tastes_of
from kairos.v1.decision_pb2 import Decision

_MOST = 8
_LEAST = 5e-4
_NAMES: dict[int, str] = {number: name for name, number in SCENARIOS.items()}


def interests_held(state: Held, catalogue: Catalogue, config: Config) -> dict[str, Any]:
    """`I_u · F̄` of each category, F̄ the mean of its items' features; and the share of each scenario in what the user did lately."""
    tastes = tastes_of(state, config)
    rows = []
    for scenario, path, features in catalogue.kinds():
        profile = tastes.of(scenario)
        if profile.shape == features.shape and abs(interest := float(profile @ features)) >= _LEAST:
            rows.append({"category": list(path), "interest": interest})
    shares = [{"scenario": _NAMES.get(each.scenario, "other"), "share": each.share} for each in tastes.apart]
    return {"from": "state", "rows": _first(rows), "shares": shares}


def interests_scored(newest_first: Sequence[Decision], catalogue: Catalogue) -> dict[str, Any]:
    """By category, the `I_u · F_i` that its best candidate had when one was last considered."""
    best: dict[tuple[str, ...], float] = {}
    for decision in newest_first:
        here: dict[tuple[str, ...], float] = {}
        for each in decision.candidates:
            item = catalogue.get(each.item_id)
            if item is not None and item.categories:
                path = tuple(item.categories)
                here[path] = max(here.get(path, each.interest), each.interest)
        for path, interest in here.items():
            best.setdefault(path, interest)
    return {
        "from": "log",
        "rows": _first([{"category": list(path), "interest": interest} for path, interest in best.items()]),
        "shares": [],
    }


def _first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The largest ones, in order."""
    return sorted(rows, key=lambda row: -row["interest"])[:_MOST]
