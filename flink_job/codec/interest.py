"""Interest as bytes of a user's state: the sums of the scenario dealt with last in one field, those of the others beside them.

Most users deal with one kind of item and have nothing beside it. Vectors of another length than the configured one (`catalogue.feature_dim` was
changed) mean nothing here: interest starts anew, the rest of the state stays.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import numpy as np

from flink_job.core.index.columns import SCENARIO_COUNT
from flink_job.core.state import Floats, Sums
from kairos.v1 import state_pb2

Shape = tuple[int, int]
"""(half-lives, dim + 1)."""


def read_sums(packed: bytes, shape: Shape) -> Floats:
    """The sums of one scenario, for the state to change."""
    if len(packed) != 4 * shape[0] * shape[1]:
        return np.zeros(shape, np.float32)
    return np.frombuffer(packed, np.float32).reshape(shape).copy()


def read_elsewhere(message: state_pb2.UserState, shape: Shape) -> dict[int, Sums]:
    """The sums of the other scenarios, ascending."""
    scenarios, landmarks = message.interest_elsewhere_of, array("q", message.interest_elsewhere_at_ms)
    packed = np.frombuffer(message.interest_elsewhere, np.float32)
    if packed.size != len(scenarios) * shape[0] * shape[1]:
        return {}
    blocks = packed.reshape(len(scenarios), *shape)
    return {scenario: Sums(block.copy(), at_ms) for scenario, block, at_ms in zip(scenarios, blocks, landmarks, strict=True)}


def write_elsewhere(message: state_pb2.UserState, elsewhere: Mapping[int, Sums]) -> None:
    """Equal bytes for equal sums, whichever scenario came first."""
    scenarios = sorted(elsewhere)
    message.interest_elsewhere = b"".join(elsewhere[scenario].sums.tobytes() for scenario in scenarios)
    message.interest_elsewhere_of = bytes(scenarios)
    message.interest_elsewhere_at_ms = array("q", [elsewhere[scenario].at_ms for scenario in scenarios]).tobytes()


def most_interest_bytes(feature_dim: int) -> int:
    """Upper bound of it all, without the tags of the fields."""
    return SCENARIO_COUNT * (2 * (feature_dim + 1) * 4 + 1 + 8)
