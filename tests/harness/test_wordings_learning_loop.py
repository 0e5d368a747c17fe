"""The whole loop teaches wordings: pushes are opened more with one of two, and after a while nearly all say it that way."""

from collections.abc import Iterator
from dataclasses import replace

from flink_job.core.draws import uniform
from flink_job.core.rules import Rules
from flink_job.core.rules.messages import MessageTemplate
from flink_job.inprocess_loop import LearningRunner
from flink_job.settings import EngineSettings
from kairos.v1 import feedback_pb2, push_pb2
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930 as AT
from tests.core.policies import DAY, MINUTE, plain_rules
from tests.harness.conftest import harness_settings
from tests.harness.harness import PUSHES

DELAY_MS = 50
OPENS = {"plain": 0.10, "warm": 0.20}
"""How often a push is opened, by its wording, whoever gets it and whatever it is about."""
WEIGHTS = {"plain": 9.0, "warm": 1.0}
"""What the policy thinks of them while nothing is known: it is wrong."""
USERS, ROUNDS = 40, 40


def two_wordings(**changes: object) -> Rules:
    rules = plain_rules(**changes)
    templates = tuple(MessageTemplate(name, ("behaviour",), "", f"{name}: {{title}}", "", weight=WEIGHTS[name]) for name in OPENS)
    return replace(rules, messages=replace(rules.messages, templates=templates))


def learning(*, enabled: bool) -> EngineSettings:
    settings = harness_settings(rules=two_wordings())
    telling = replace(settings.learning.telling, enabled=enabled)
    return replace(settings, learning=replace(settings.learning, telling=telling))


def life(loop: LearningRunner) -> Iterator[push_pb2.PushCommand]:
    """Everybody looks around once a day, gets a push, and opens it or not."""
    for number in range(ROUNDS):
        for user in range(USERS):
            name, at_ms = f"user {user}", AT + number * DAY + user * MINUTE
            search = signal("interaction", event_id=f"{name}-{number}", user_id=name, type=3, item_id="", occurred_at_ms=at_ms)
            for topic, _, value in list(loop.run([(name, search, at_ms)])):
                if topic == PUSHES:
                    push = push_pb2.PushCommand.FromString(value)
                    yield push
                    if uniform(push.command_id, 0, "opens") < OPENS[push.content.template_id]:
                        fields = {"feedback_id": f"open-{push.command_id}", "command_id": push.command_id, "occurred_at_ms": at_ms + 1}
                        report = signal("feedback", user_id=name, outcome=feedback_pb2.OUTCOME_OPENED, **fields)
                        list(loop.run([(name, report, at_ms + 1)]))


def lived(*, enabled: bool) -> tuple[LearningRunner, list[str]]:
    """The loop after that, and the wordings of the pushes in their order."""
    loop = LearningRunner(learning(enabled=enabled), DELAY_MS)
    loop.load((name, item_record(name, published_at_ms=AT - 30 * DAY)) for name in ("mug", "cup", "bowl"))
    return loop, [push.content.template_id for push in life(loop)]


def share(wordings: list[str], name: str = "warm") -> float:
    return wordings.count(name) / len(wordings)


def test_the_better_wording_wins_over_time() -> None:
    loop, wordings = lived(enabled=True)
    assert len(wordings) == USERS * ROUNDS
    assert share(wordings[:USERS]) < 0.3
    assert share(wordings[-10 * USERS :]) > 0.75
    sums = loop.engine.knowledge.wordings.sums(("plain", "warm"))
    assert (sums[0] / sums[1])[1] > (sums[0] / sums[1])[0]


def test_without_learning_it_never_does() -> None:
    loop, wordings = lived(enabled=False)
    assert abs(share(wordings[-10 * USERS :]) - share(wordings[: 10 * USERS])) < 0.1
    assert not loop.engine.knowledge.wordings.sums(("plain", "warm")).any()
    assert not [key for key in loop.item_states if key.startswith("wording/")]
