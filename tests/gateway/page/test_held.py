"""What the page says of a user is what the job holds: the engine's own state and reckoning, beside what is made of its log."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flink_job.codec.state import StateCodec
from flink_job.config import Config
from flink_job.core.interest import Interest
from flink_job.core.knowledge import Knowledge as Known
from flink_job.core.local_time import LocalClock
from flink_job.core.moment import Moment
from flink_job.core.quiet_hours import QuietClock
from flink_job.core.state import UserState
from flink_job.engine import zone_of
from flink_job.inprocess import InProcessRunner
from flink_job.settings import engine_settings
from gateway.common.settings import load_settings
from gateway.page.belief import belief
from gateway.page.knowledge import Knowledge
from gateway.page.settings import PageSettings
from kairos.decisions.held import held
from kairos.v1.feedback_pb2 import OUTCOME_DISMISSED, OUTCOME_OPENED, Outcome
from kairos.v1.item_pb2 import SCENARIO_SHOP
from kairos.v1.knowledge_pb2 import Knowledge as Fact
from kairos.v1.knowledge_pb2 import SegmentKnowledge
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, HOUR, MINUTE
from tests.decisions.logs import replayable_config

CONFIG: Config = replayable_config(gates={"holdout_share": 0, "ramp_up_gap_ms": 0}, send={"min_score": 0})
DIM = CONFIG.catalogue.feature_dim
WHERE = {"time_zone": "Asia/Singapore", "country": "SG"}


def kind(number: int) -> bytes:
    """Features of all items of a category."""
    features: bytes = np.eye(DIM, dtype="<f4")[number].tobytes()
    return features


ITEMS = [
    (f"{name}-{n}", item_record(f"{name}-{n}", features=kind(number), categories=[name], scenario=SCENARIO_SHOP, updated_at_ms=MONDAY_0930))
    for number, name in enumerate(("mugs", "rugs"))
    for n in range(3)
]


class Both:
    """The engine, and the page that reads what it writes."""

    def __init__(self) -> None:
        self.job = InProcessRunner(engine_settings(CONFIG))
        self.job.load(ITEMS)
        self.page = Knowledge(load_settings(PageSettings, "page", None, {}).page, lambda: MONDAY_0930)
        self.page.take([("items", key.encode(), value, 0) for key, value in ITEMS])
        self.now_ms = MONDAY_0930

    def happens(self, payload: bytes, at_ms: int) -> None:
        self.now_ms = at_ms
        for topic, key, value in self.job.run([("ann", payload, at_ms)]):
            self.page.take([(topic.removeprefix("kairos."), key.encode(), value, at_ms)])

    def views(self, item_id: str, at_ms: int) -> None:
        self.happens(signal("interaction", event_id=f"view-{at_ms}", item_id=item_id, occurred_at_ms=at_ms, context=WHERE), at_ms)

    def hears(self, outcome: Outcome, command_id: str, at_ms: int) -> None:
        fields = {"outcome": outcome, "feedback_id": f"{outcome}-{at_ms}", "command_id": command_id, "occurred_at_ms": at_ms}
        payload = signal("feedback", **fields)
        self.page.take([("feedback", b"ann", payload, at_ms)])
        self.happens(payload, at_ms)

    @property
    def state(self) -> UserState:
        """The job's."""
        return StateCodec(DIM).decode(self.job.states["ann"])

    def told(self, config: Config = CONFIG) -> dict[str, Any]:
        memory = self.page.memory
        known = memory.of("ann")
        assert known is not None
        state = held(known.decisions, known.feedback, known.hours, config)
        return belief(
            memory.history("ann"), state, self.page.catalogue, config, now_ms=self.now_ms, zone=None, zone_name="Asia/Singapore", most=9
        )


def believed(state: UserState) -> bytes:
    """All of it but what it was told of to the item operator, which is of no decision."""
    return StateCodec(DIM).encode(replace(state, told_until_ms=0, open_rounds=b""))


@pytest.fixture
def both() -> Both:
    life = Both()
    for day in range(4):
        for minutes in (0, 1, 40):
            life.views("mugs-0" if minutes else "mugs-1", MONDAY_0930 + day * DAY + minutes * MINUTE)
    return life


def test_the_next_wake_up_is_the_one_that_the_job_waits_for_also_where_its_hour_was_chosen_ahead(both: Both) -> None:
    pending = both.state.pending
    assert pending is not None
    assert pending.reason == "best_time"
    assert both.told()["wakeUp"] == {"atMs": pending.due_ms, "why": "the best of the coming hours, chosen ahead"}


def test_the_week_is_the_cores_own_for_this_state_and_these_hours_of_others(both: Both) -> None:
    busy = np.zeros((168, 3), np.float32)
    busy[:, 0], busy[20, 1:] = 100.0, 60.0
    seen = np.full(168, 10.0, "<f4")
    seen[21] = 500.0
    known_of_sg = SegmentKnowledge(
        segment="SG", outcomes_by_slot=busy.astype("<f4").tobytes(), visits_by_slot=seen.tobytes(), as_of_ms=both.now_ms
    )
    fact = Fact(made_at_ms=both.now_ms, segment=known_of_sg)
    assert both.job.load_knowledge([("segment/SG", fact.SerializeToString())], both.now_ms) == []
    both.views("mugs-2", both.now_ms + 2 * HOUR)

    quiet = CONFIG.policy.gates.quiet_hours
    clock = LocalClock(quiet.default_zone, quiet.zone_of_country, zone_of)
    known: Known = both.job.engine.knowledge
    moment = Moment(CONFIG.policy.send_time, clock, QuietClock(quiet, zone_of, clock), known)
    expected = moment.rates(both.state, both.now_ms).rates
    week = both.told()["week"]
    assert isinstance(week, dict)
    assert week["othersSends"] == pytest.approx(16_800, rel=0.01)
    assert week["othersVisits"] == pytest.approx(1_670 + 500, rel=0.01)
    assert (week["ctr"], week["cvr"]) == (pytest.approx(expected[0].tolist()), pytest.approx(expected[1].tolist()))
    assert week["quiet"] == [quiet.start_minute, quiet.end_minute]
    assert week["visits"] > 2


def test_what_was_heard_since_the_last_decision_is_in_the_state_and_counts_once(both: Both) -> None:
    command_id = next(iter(both.page.memory.history("ann").pushes))
    both.hears(OUTCOME_OPENED, command_id, both.now_ms + 1000)
    both.hears(OUTCOME_DISMISSED, command_id, both.now_ms + 2000)

    known = both.page.memory.of("ann")
    assert known is not None
    mine = held(known.decisions, known.feedback, known.hours, CONFIG)
    assert mine is not None
    assert mine.state.dismissed_at_ms == both.now_ms
    assert believed(mine.state) == believed(both.state)

    both.views("rugs-0", both.now_ms + 1000)  # within what is looked back for feedback on its way
    mine = held(known.decisions, known.feedback, known.hours, CONFIG)
    assert mine is not None
    assert believed(mine.state) == believed(both.state)


def test_interests_are_the_profile_that_the_job_holds_times_the_mean_of_each_category(both: Both) -> None:
    profile = Interest(CONFIG.policy.interest).profile(both.state)
    told = both.told()["interests"]
    assert told == {
        "from": "state",
        "rows": [{"category": ["mugs"], "interest": pytest.approx(float(profile[0]))}],
        "shares": told["shares"],
    }
    assert profile[0] == pytest.approx(1.0)  # all that they did was about mugs


def test_a_category_is_as_its_items_are_now(both: Both) -> None:
    both.page.take([("items", b"mugs-0", item_record("mugs-0", features=kind(1), categories=["mugs"], scenario=SCENARIO_SHOP), 0)])
    both.page.take([("items", b"mugs-1", None, 0)])
    means = {path: features for _, path, features in both.page.catalogue.kinds()}
    assert means[("mugs",)][:2].tolist() == [0.5, 0.5]


def test_by_other_rules_than_those_of_the_record_nothing_is_reckoned(both: Both) -> None:
    told = both.told(replace_policy(CONFIG))
    assert told["week"] is None
    assert told["interests"]["from"] == "log"


def replace_policy(config: Config) -> Config:
    return config.model_copy(update={"policy": replace(config.policy, version="another")})


def test_of_all_that_decisions_read_the_newest_alone_is_kept(both: Both) -> None:
    kept = [each.HasField("inputs") for each in both.page.memory.history("ann").decisions]
    assert len(kept) > 5
    assert next(at for at, has in enumerate(kept) if has) >= len(kept) - 2
