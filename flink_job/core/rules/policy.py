"""A whole policy, and what its parts ask of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flink_job.core.rules.candidates import CandidateRules
from flink_job.core.rules.checks import RuleError, interaction_names, not_negative
from flink_job.core.rules.diversity import DiversityRules
from flink_job.core.rules.experiments import Layer, check_layers
from flink_job.core.rules.exploration import ExplorationRules
from flink_job.core.rules.gates import GateRules
from flink_job.core.rules.interest import AffinityRules, InterestRules
from flink_job.core.rules.messages import MessageRules
from flink_job.core.rules.occasions import Occasion, check_occasions
from flink_job.core.rules.send_time import SendTimeRules
from flink_job.core.rules.sending import ItemRules, LogRules, MemoryRules, SendRules
from flink_job.core.rules.whether import FatigueRules, UtilityRules


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole policy."""

    policy_id: str
    version: str
    interest: InterestRules
    affinity: AffinityRules
    candidates: CandidateRules
    diversity: DiversityRules
    exploration: ExplorationRules
    triggers: Mapping[str, int]
    """Interaction types that lead to a decision, and after how many milliseconds."""
    occasions: Mapping[str, Occasion]
    """By the name of the trigger."""
    send_time: SendTimeRules
    gates: GateRules
    fatigue: FatigueRules
    utility: UtilityRules
    items: ItemRules
    send: SendRules
    messages: MessageRules
    memory: MemoryRules
    log: LogRules
    experiments: Mapping[str, Layer]
    """By the name of the layer."""

    def __post_init__(self) -> None:
        interaction_names("triggers", self.triggers)
        for name, delay_ms in self.triggers.items():
            not_negative(f"triggers.{name}", delay_ms)
        check_occasions(self.occasions)
        check_layers(self.experiments, self.gates.holdout_salt)
        if self.diversity.digest_items > self.candidates.listed:
            raise RuleError(
                f"diversity.digest_items: {self.diversity.digest_items} cannot be picked from a list of {self.candidates.listed} (candidates.listed)"
            )
        self._memory_holds_what_the_rules_ask_for()

    def _memory_holds_what_the_rules_ask_for(self) -> None:
        kept, memory = self.memory.sent_pushes, f"memory.sent_pushes is {self.memory.sent_pushes}"
        rows = self.diversity.digest_items if self.diversity.digest_occasions else 1
        if rows > 1:
            kept //= rows
            memory += f" and diversity.digest_items {rows}"
        for cap in self.gates.caps:
            if cap.count > kept:
                raise RuleError(f"gates.caps: {cap.count} pushes cannot be counted when {memory}")
        overall = [cap for cap in self.gates.caps if cap.per == "all"]
        fewest = min((cap.count * -(-self.items.repeat_after_ms // cap.window_ms) for cap in overall), default=0)
        if self.items.repeat_after_ms and not 0 < fewest <= kept:
            raise RuleError(
                f"items.repeat_after_ms: up to {fewest or 'any number of'} pushes may be sent in that time, but {memory}; "
                "lower a cap, shorten the time or keep more"
            )
