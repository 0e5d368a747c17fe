"""The policy document as values: everything that may be changed about a decision without changing code.

No defaults here: they stand, with their units and reasons, in `flink_job/config/default.yaml`. Impossible values are refused when a
document is read.
"""

from flink_job.core.rules.candidates import CandidateRules
from flink_job.core.rules.checks import RuleError
from flink_job.core.rules.diversity import DiversityRules
from flink_job.core.rules.experiments import Layer
from flink_job.core.rules.exploration import ExplorationRules
from flink_job.core.rules.gates import Cap, GateRules, QuietHours
from flink_job.core.rules.interest import AffinityRules, InterestRules
from flink_job.core.rules.learning import LearningRules
from flink_job.core.rules.messages import MessageRules
from flink_job.core.rules.occasions import Occasion
from flink_job.core.rules.policy import Rules
from flink_job.core.rules.send_time import SendTimeRules
from flink_job.core.rules.sending import ItemRules, LogRules, MemoryRules, SendRules
from flink_job.core.rules.whether import FatigueRules, ResponseRules, UtilityRules

__all__ = [
    "AffinityRules",
    "CandidateRules",
    "Cap",
    "DiversityRules",
    "ExplorationRules",
    "FatigueRules",
    "GateRules",
    "InterestRules",
    "ItemRules",
    "Layer",
    "LearningRules",
    "LogRules",
    "MemoryRules",
    "MessageRules",
    "Occasion",
    "QuietHours",
    "ResponseRules",
    "RuleError",
    "Rules",
    "SendRules",
    "SendTimeRules",
    "UtilityRules",
]
