"""The core has its own enumerations, so that it needs no protobuf: they are the contract's, name by name and number by number."""

from enum import IntEnum
from typing import Any

import pytest

from flink_job.codec import errors
from flink_job.core.learning.signals import PushStage, WatchReason
from flink_job.core.scenarios import SCENARIOS
from flink_job.core.signals import Channel, InteractionType, Outcome, Trigger
from flink_job.core.state import CONVERTED, DECIDED, DELIVERED, DISMISSED, FAILED, OPENED
from kairos.v1 import dead_letter_pb2, feedback_pb2, interaction_pb2, item_pb2, learning_pb2, signal_pb2


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (InteractionType, interaction_pb2.InteractionType, "INTERACTION_TYPE_"),
        (Outcome, feedback_pb2.Outcome, "OUTCOME_"),
        (Trigger, signal_pb2.Trigger, "TRIGGER_"),
        (Channel, feedback_pb2.Channel, "CHANNEL_"),
        (PushStage, learning_pb2.PushStage, "PUSH_STAGE_"),
        (WatchReason, learning_pb2.WatchReason, "WATCH_REASON_"),
    ],
)
def test_the_enumeration_is_that_of_the_contract(ours: type[IntEnum], theirs: Any, prefix: str) -> None:
    contract = {name.removeprefix(prefix): number for name, number in theirs.items()}
    if ours is not Trigger:  # a trigger may be unknown, what a user did may not
        assert contract.pop("UNSPECIFIED") == 0
    assert {member.name: member.value for member in ours} == contract


def test_scenarios_stand_at_the_contracts_numbers() -> None:
    assert ["SCENARIO_UNSPECIFIED", *(f"SCENARIO_{name.upper()}" for name in SCENARIOS[1:])] == item_pb2.Scenario.keys()


def test_every_reason_of_the_contract_for_a_dead_letter_has_a_name_in_the_codec() -> None:
    names = {errors.reason_name(number).upper() for number in dead_letter_pb2.DeadLetterReason.values() if number}
    assert all(isinstance(getattr(errors, name), int) for name in names)
    assert len(names) == len(dead_letter_pb2.DeadLetterReason.values()) - 1


def test_stages_of_a_push_have_the_numbers_that_the_state_documents() -> None:
    """The comment of `UserState.sent_status` in the schema; other numbers would turn old states upside down."""
    assert (DECIDED, DELIVERED, OPENED, CONVERTED, DISMISSED, FAILED) == (0, 1, 2, 3, 4, 5)
