"""A user state as a release wrote it: the bytes are in git, and whatever release comes later reads these values from them.

The file is written once, by the release that introduced the version, and never again. A new version gets a new file beside it.
"""

from array import array
from pathlib import Path

import numpy as np
import pytest

from flink_job.codec.state import VERSION, StateCodec, UnknownStateVersion
from flink_job.core.history import remember_push
from flink_job.core.interest import Interest
from flink_job.core.state import BOUGHT, DISMISSED, EVERY, FAILED, FAVOURITE, IN_CART, OPENED, PendingWake
from tests.core.policies import plain_rules

GOLDEN = Path(__file__).parent / "golden"
CODEC = StateCodec(feature_dim=4)


def test_every_released_version_has_its_golden_file() -> None:
    assert sorted(path.name for path in GOLDEN.glob("user_state_*.bin")) == [
        f"user_state_v{version}.bin" for version in range(1, VERSION + 1)
    ]


def test_a_state_of_version_1_reads_as_it_was_written() -> None:
    state = CODEC.decode((GOLDEN / "user_state_v1.bin").read_bytes())
    assert state.interest.tolist() == [[0.5, -0.25, 0.0, 1.0, 2.0], [1.5, 0.75, 0.0, -1.0, 4.0]]
    assert state.interest.dtype == np.float32
    assert (state.first_seen_ms, state.last_signal_ms, state.interest_at_ms) == (1_772_443_800_000, 1_772_530_200_000, 1_772_526_600_000)
    assert (state.signals, state.decisions) == (321, 45)
    assert state.recent_item == array("Q", [11, 2**63 + 22])
    assert state.recent_at_ms == array("q", [1_772_443_800_000, 1_772_530_200_000])
    assert state.recent_weight == array("f", [4.0, -0.5])
    assert state.recent_flags == array("B", [IN_CART | FAVOURITE, BOUGHT])
    assert state.unfolded_item == array("Q", [33])
    assert state.unfolded_at_ms == array("q", [1_772_443_801_000])
    assert state.unfolded_weight == array("f", [3.0])
    assert state.seen_events == bytes(range(16))
    assert state.sent_at_ms == array("q", [1_772_443_800_000, 1_772_447_400_000, 1_772_451_000_000])
    assert state.sent_item == array("Q", [11, 44, 55])
    assert state.sent_command == array("Q", [0xFEDCBA9876543210, 1, 2])
    assert state.sent_status == array("B", [OPENED, DISMISSED, FAILED])
    assert state.bought_item == array("Q", [2**63 + 22])
    assert state.bought_at_ms == array("q", [1_772_530_200_000])
    assert state.pending == PendingWake(
        1_772_560_800_000, "quiet_hours", "order 7 – wishlist", 1_772_530_200_000, 4, 11, 0.25, 1_772_570_000_000
    )
    assert (state.dismissed_at_ms, state.dismissals) == (1_772_447_460_000, 2)
    assert (state.opted_out, state.consent_at_ms) == (False, 1_772_440_000_000)
    assert (state.unreachable, state.reachable_at_ms) == (True, 1_772_440_000_001)
    assert (state.time_zone, state.country, state.locale, state.context_at_ms) == ("Europe/Berlin", "DE", "de-AT", 1_772_440_000_002)
    assert state.scored_at_ms == 1_772_530_100_000


def test_what_no_release_had_written_then_is_as_if_it_had_never_happened() -> None:
    """Pushes sent before there was a cap per trigger, category or creator have none; the columns are as long as their neighbours."""
    state = CODEC.decode((GOLDEN / "user_state_v1.bin").read_bytes())
    assert (state.interest_of, state.interest_elsewhere) == (EVERY, {})
    assert state.sent_trigger == array("B", [0, 0, 0])
    assert state.sent_category == state.sent_creator == state.sent_template == array("i", [0, 0, 0])
    assert (state.active_at_ms, state.fatigue, state.fatigue_at_ms) == (0, 0.0, 0)
    assert (state.followed, state.purposes, state.segments) == (array("Q"), None, ())
    assert (state.channels_off, state.channel_at_ms, state.open_rounds) == (0, b"", b"")
    assert (state.birth_year, state.purposes_at_ms, state.birth_year_at_ms, state.segments_at_ms) == (0, 0, 0, 0)
    assert state.pending is not None
    assert (state.pending.planned_key, state.pending.planned_price) == (0, 0.0)


def test_a_user_from_then_lives_on_and_the_next_push_fills_every_column() -> None:
    state = CODEC.decode((GOLDEN / "user_state_v1.bin").read_bytes())
    remember_push(state, 66, "3" * 32, 1_772_454_600_000, kept=3, trigger=4, category=5, creator=6)
    read = CODEC.decode(CODEC.encode(state))
    assert read.sent_item == array("Q", [11, 44, 66])  # the one that failed went
    assert read.sent_trigger == array("B", [0, 0, 4])
    assert (read.sent_category, read.sent_creator) == (array("i", [0, 0, 5]), array("i", [0, 0, 6]))


def test_the_interest_from_then_is_that_of_the_first_scenario_dealt_with_again() -> None:
    state = CODEC.decode((GOLDEN / "user_state_v1.bin").read_bytes())
    interest, at_ms = Interest(plain_rules().interest), state.interest_at_ms
    before = interest.profile(state)
    assert interest.tastes(state).of(2).tolist() == before.tolist()
    interest.observe(state, np.array([0, 0, 1, 0, 1], np.float32), 2.0, at_ms, scenario=2)
    assert state.interest.tolist() == [[0.5, -0.25, 2.0, 1.0, 4.0], [1.5, 0.75, 2.0, -1.0, 6.0]]
    interest.observe(state, np.array([1, 0, 0, 0, 1], np.float32), 1.0, at_ms, scenario=1)
    assert interest.tastes(state).of(1).tolist() == [1, 0, 0, 0]


def test_reading_and_writing_it_again_loses_nothing() -> None:
    blob = (GOLDEN / "user_state_v1.bin").read_bytes()
    assert CODEC.encode(CODEC.decode(CODEC.encode(CODEC.decode(blob)))) == CODEC.encode(CODEC.decode(blob))


def test_its_first_byte_is_its_version_and_an_unknown_one_is_refused() -> None:
    blob = (GOLDEN / "user_state_v1.bin").read_bytes()
    assert blob[0] == 1
    with pytest.raises(UnknownStateVersion, match=f"version {VERSION + 1}"):
        CODEC.decode(bytes([VERSION + 1]) + blob[1:])
