"""Flink's own settings for this job, from the configuration."""

from __future__ import annotations

import sys

from pyflink.common import Configuration

from flink_job.config import Config


def flink_configuration(config: Config) -> Configuration:
    """What Flink needs to know beyond what the cluster sets."""
    job = config.job
    settings = {
        "pipeline.name": job.name,
        "parallelism.default": str(job.parallelism),
        "pipeline.max-parallelism": str(job.max_parallelism),
        "pipeline.object-reuse": "true",
        "python.execution-mode": job.execution_mode,
        "python.fn-execution.bundle.size": str(job.bundle_size),
        "python.fn-execution.bundle.time": str(job.bundle_time_ms),
        "execution.buffer-timeout.interval": f"{job.buffer_timeout_ms} ms",
        "execution.checkpointing.interval": f"{job.checkpoint_interval_ms} ms",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "state.backend.type": job.state_backend,
        "execution.checkpointing.incremental": "true" if job.state_backend == "rocksdb" else "false",
        # A lost TaskManager is a failure again and again until another takes its place, so the waits must grow.
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": str(job.restart_attempts),
        "restart-strategy.exponential-delay.initial-backoff": f"{job.restart_backoff_ms} ms",
        "restart-strategy.exponential-delay.max-backoff": f"{job.restart_max_backoff_ms} ms",
        "restart-strategy.exponential-delay.backoff-multiplier": "2.0",
        "restart-strategy.exponential-delay.reset-backoff-threshold": f"{job.restart_calm_ms} ms",
        "table.exec.uid.generation": "ALWAYS",
    }
    if job.checkpoint_dir:
        settings["execution.checkpointing.dir"] = job.checkpoint_dir
    flink = Configuration()
    for key, value in settings.items():
        flink.set_string(key, value)
    return flink


def local_configuration(flink: Configuration, jars: list[str]) -> Configuration:
    """The same for a cluster inside this process."""
    flink.set_string("python.executable", sys.executable)
    flink.set_string("python.client.executable", sys.executable)
    flink.set_string("pipeline.jars", ";".join(jars))
    flink.set_string("metrics.fetcher.update-interval", "500")  # whoever looks at a job of this size looks at it now
    return flink
