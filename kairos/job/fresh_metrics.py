"""Makes Flink ask its TaskManagers for their metrics, and waits until the answer is there.

The REST API answers with what the JobManager last heard, and only then asks anew, once in `metrics.fetcher.update-interval`: the first answer after a
silence is as old as the silence.
"""

import re
import time

from kairos.local.flink_rest import FlinkRest

_INTERVAL = "metrics.fetcher.update-interval"
_DEFAULT_INTERVAL_S = 10.0
"""Flink's own."""
_UNITS_S = {"": 1e-3, "ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0}
_ANSWER_S = 1.0
"""What TaskManagers may take to answer. One that is dead never does."""
_POLL_S = 0.05


def await_fresh_metrics(rest: FlinkRest, job_id: str) -> None:
    """Returns when what Flink tells of the job is not older than this call, or when it cannot become so: no task runs, or a TaskManager is silent.

    Takes a tenth of a second if nobody has asked lately, and one interval of the fetcher at most if somebody has. Raises ``KairosError`` if the
    cluster does not answer.
    """
    deadline_s = time.monotonic() + update_interval_s(rest) + _ANSWER_S
    asked = before = rest.task_clocks(job_id)
    while time.monotonic() < deadline_s:
        time.sleep(_POLL_S)
        now = rest.task_clocks(job_id)
        if now == before != asked:  # the second time the same: TaskManagers answer one by one, within milliseconds
            return
        before = now


def update_interval_s(rest: FlinkRest) -> float:
    """How often the JobManager asks at most; Flink's default if the option is not set, or in a form that is not usual."""
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", rest.settings().get(_INTERVAL, ""))
    if found is None or found[2] not in _UNITS_S:
        return _DEFAULT_INTERVAL_S
    return int(found[1]) * _UNITS_S[found[2]]
