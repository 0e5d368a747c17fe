"""What goes wrong on purpose."""

import os
import signal
import time

from kairos.local.cluster import FlinkCluster
from tests.e2e.support.job import METRICS_EVERY_S


def kill_and_replace(cluster: FlinkCluster, job_id: str) -> None:
    """Returns when the job runs again. The TaskManager dies with the JobManager waiting for its answer, the worst moment for the metrics."""
    before_ms = cluster.rest.last_restart_ms(job_id)
    victim = cluster.taskmanagers[0]
    os.kill(victim.pid, signal.SIGSTOP)
    asked_s = time.monotonic() + 2 * METRICS_EVERY_S
    while time.monotonic() < asked_s:
        cluster.rest.restarts(job_id)
    victim.kill()
    cluster.add_taskmanager()
    cluster.rest.wait_for_restart(job_id, before_ms)
