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
        "restart-strategy.type": "failure-rate",
        "restart-strategy.failure-rate.max-failures-per-interval": str(job.restart_attempts),
        "restart-strategy.failure-rate.failure-rate-interval": f"{job.restart_window_ms} ms",
        "restart-strategy.failure-rate.delay": f"{job.restart_delay_ms} ms",
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
    return flink
