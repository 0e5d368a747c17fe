"""What the job must have written: the same log through the in-process runner, and the comparison."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from flink_job.config import Config
from flink_job.inprocess import InProcessRunner
from flink_job.settings import engine_settings
from kairos.v1 import decision_pb2, push_pb2, signal_pb2
from tests.e2e.support.log import Sent

Decided = tuple[str, str, str, str, int, int, int, tuple[tuple[str, float], ...]]
"""Decision id, user, verdict, reason, when, wake-up, number, candidates with their scores."""

_FOREVER_MS = 1 << 60


@dataclass(slots=True)
class Expected:
    """Push commands by id; decisions as they can be compared; when the last wake-up is due."""

    pushes: dict[str, push_pb2.PushCommand] = field(default_factory=dict)
    decisions: Counter[Decided] = field(default_factory=Counter)
    by_wake_up: int = 0
    last_ms: int = 0


def in_process(config: Config, items: Iterable[tuple[str, bytes]], log: Sequence[Sent], read_ms: int | None = None) -> Expected:
    """Run the log in this process, as one read when it happens or all of it at `read_ms`. Every push must have an id of its own."""
    settings = engine_settings(config)
    runner = InProcessRunner(settings)
    runner.load(items)
    during = list(runner.run((sent.user_id, sent.payload, _at_ms(sent) if read_ms is None else read_ms) for sent in log))
    after = list(runner.advance(_FOREVER_MS))
    expected = Expected()
    for topic, _, value in during + after:
        if topic == settings.pushes_topic:
            push = push_pb2.PushCommand.FromString(value)
            assert push.command_id not in expected.pushes
            expected.pushes[push.command_id] = push
            expected.by_wake_up += push.decided_at_ms > push.caused_at_ms
            expected.last_ms = max(expected.last_ms, push.decided_at_ms)
        elif topic == settings.decisions_topic:
            decided = decided_of(value)
            expected.decisions[decided] += 1
            expected.last_ms = max(expected.last_ms, decided[4])
        else:
            raise AssertionError(f"the log holds a bad record: {value!r}")
    return expected


def catalogue_size(config: Config, items: Iterable[tuple[str, bytes]]) -> int:
    """How many items there are when all records were read."""
    runner = InProcessRunner(engine_settings(config))
    runner.load(items)
    return len(runner.engine.catalogue)


def _at_ms(sent: Sent) -> int:
    signal = signal_pb2.Signal.FromString(sent.payload)
    at_ms: int = getattr(signal, signal.WhichOneof("body") or "").occurred_at_ms
    return at_ms


def decided_of(value: bytes) -> Decided:
    """What of a decision must be the same whoever ran it; the catalogue's version counts from the last restart."""
    decision = decision_pb2.Decision.FromString(value)
    return (
        decision.decision_id,
        decision.user_id,
        decision_pb2.Verdict.Name(decision.verdict),
        decision.reason,
        decision.decided_at_ms,
        decision.wake_at_ms,
        decision.decision_number,
        tuple((candidate.item_id, candidate.score) for candidate in decision.candidates),
    )


def assert_same_pushes(expected: Expected, found: Sequence[push_pb2.PushCommand]) -> None:
    """The same ids, none twice, and under each id the same command."""
    by_id = assert_repeated_alike(found)
    assert len(by_id) == len(found), f"{len(found) - len(by_id)} pushes are there more than once"
    assert_same_by_id(expected, by_id)


def assert_same_by_id(expected: Expected, found: dict[str, push_pb2.PushCommand]) -> None:
    """The same ids, and under each id the same command."""
    missing, surplus = expected.pushes.keys() - found.keys(), found.keys() - expected.pushes.keys()
    assert not missing, f"{len(missing)} of {len(expected.pushes)} pushes are missing, such as {expected.pushes[min(missing)]}"
    assert not surplus, f"{len(surplus)} pushes should not be there, such as {found[min(surplus)]}"
    different = [(push, found[name]) for name, push in expected.pushes.items() if push != found[name]]
    assert not different, f"{len(different)} pushes differ, such as {different[0]}"


def assert_repeated_alike(found: Sequence[push_pb2.PushCommand]) -> dict[str, push_pb2.PushCommand]:
    """Pushes by id; what is there more than once is the same command each time."""
    by_id: dict[str, push_pb2.PushCommand] = {}
    for push in found:
        assert by_id.setdefault(push.command_id, push) == push, f"two commands share an id:\n{by_id[push.command_id]}\n{push}"
    return by_id


def assert_same_decisions(expected: Expected, found: Counter[Decided]) -> None:
    """The same decisions, as often."""
    missing, surplus = expected.decisions - found, found - expected.decisions
    assert not missing, f"{missing.total()} decisions are missing, such as {next(iter(missing))}; surplus {surplus.total()}"
    assert not surplus, f"{surplus.total()} decisions should not be there, such as {next(iter(surplus))}"
