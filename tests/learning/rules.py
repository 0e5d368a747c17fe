"""Rules of learning for tests: the shipped ones, changed."""

from dataclasses import replace
from typing import Any

from flink_job.config import load_config
from flink_job.core.rules.learning import LearningRules

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def learning_rules(**changes: Any) -> LearningRules:
    """`learning_rules(covisits__kept=4)`: the shipped rules but for these."""
    rules = load_config(None, {}).learning
    sections: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        section, _, field = name.partition("__")
        sections.setdefault(section, {})[field] = value
    return replace(
        rules, **{name: replace(getattr(rules, name), **fields) if "" not in fields else fields[""] for name, fields in sections.items()}
    )
