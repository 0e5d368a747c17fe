"""What the job has counted since it was started, resumed or last restarted, read from Flink, and in words."""

import time
from dataclasses import dataclass

from flink_job.core.reasons import Reason
from kairos.job.fresh_metrics import await_fresh_metrics
from kairos.local.flink_rest import FlinkRest
from kairos.words import NOT_HELD_BACK

OPERATOR = "decide"
_GROUP = "kairos."
_PATIENCE_S = 3.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Counts:
    """Metric name, as in docs/metrics.md but with ``_`` for ``.``, to its sum over the subtasks; and to its largest."""

    total: dict[str, int]
    largest: dict[str, int]

    def __getitem__(self, name: str) -> int:
        """0 for what was not counted, or is not known yet."""
        return self.total.get(name, 0)

    def suppressed(self) -> dict[Reason, int]:
        """Why users got nothing though something had happened, most frequent first."""
        counted = {reason: self[f"suppressed_{reason.metric}"] for reason in Reason if reason not in NOT_HELD_BACK}
        return {reason: count for reason, count in sorted(counted.items(), key=lambda entry: -entry[1]) if count}

    def dead_letters(self) -> dict[str, int]:
        """Reason → count, zeros left out."""
        prefix = "dead_letters_"
        return {name.removeprefix(prefix): count for name, count in self.total.items() if name.startswith(prefix) and count}


def read_counts(rest: FlinkRest, job_id: str, *, pushes: int = 0) -> Counts:
    """What the job has counted by now, waiting a little for what Flink has to ask for; and for counts that know of so many ``pushes``.

    Counts of before are returned if the TaskManagers do not answer. Raises ``KairosError`` if the cluster does not.
    """
    await_fresh_metrics(rest, job_id)
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        values = rest.operator_metrics(job_id, OPERATOR)
        ours = {name.removeprefix(_GROUP): value for name, value in values.items() if name.startswith(_GROUP)}
        counts = Counts({name: round(total) for name, (total, _) in ours.items()}, {name: round(most) for name, (_, most) in ours.items()})
        if counts["pushes"] >= pushes or time.monotonic() >= deadline_s:
            return counts
        time.sleep(_POLL_S)


def account(counts: Counts, reasons: int = 4) -> list[str]:
    """What was read, decided and sent, and why nothing was sent otherwise: one sentence a line."""
    read = (
        f"The job read {counts['signals']:,} signals of {counts['users_new']:,} users, decided {counts['decisions']:,} times, "
        f"scored candidates {counts['scored']:,} times and sent {counts['pushes']:,} pushes."
    )
    lines = [read, *(f"  {count:>7,}  {reason.value}" for reason, count in list(counts.suppressed().items())[:reasons])]
    if letters := counts.dead_letters():
        lines.append(f"Dead letters: {', '.join(f'{count:,} {reason}' for reason, count in letters.items())}")
    return lines
