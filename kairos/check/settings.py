"""What the configuration says about itself, once it is valid."""

from collections.abc import Iterator
from urllib.parse import urlparse

from flink_job.config import Config
from kairos.check.finding import Finding, fail, ok, skip, warn

_RESTART_ALLOWANCE_MS = 120_000


def check_settings(config: Config) -> Iterator[Finding]:
    """What the settings say to each other."""
    job = config.job
    yield _parallelism(job.parallelism, job.max_parallelism)
    yield _checkpoints(job.checkpoint_dir)
    if job.delivery == "exactly-once":
        yield _transaction_timeout(job.transaction_timeout_ms, job.checkpoint_interval_ms)
    else:
        yield skip("transactions", "job.delivery is at-least-once: duplicates are dropped downstream, by command id")


def _parallelism(parallelism: int, most: int) -> Finding:
    if parallelism <= most:
        return ok("job.parallelism", f"{parallelism} of at most {most} (job.max_parallelism)")
    return fail(
        "job.parallelism",
        f"{parallelism} is more than job.max_parallelism, {most}",
        "Lower it. max_parallelism can be raised only for a job that starts without a savepoint.",
    )


def _checkpoints(folder: str) -> Finding:
    if not folder:
        return ok("job.checkpoint_dir", "as the cluster is configured")
    if urlparse(folder).scheme:
        return ok("job.checkpoint_dir", folder)
    return warn(
        "job.checkpoint_dir",
        f"{folder} has no scheme, so Flink takes the cluster's default file system",
        f"Write file://{folder} or s3://…; every TaskManager must reach it.",
    )


def _transaction_timeout(timeout_ms: int, checkpoint_ms: int) -> Finding:
    least = checkpoint_ms + _RESTART_ALLOWANCE_MS
    if timeout_ms >= least:
        return ok(
            "job.transaction_timeout_ms",
            f"{timeout_ms}; pushes are seen up to {checkpoint_ms} ms after their decision, by consumers that read_committed",
        )
    return warn(
        "job.transaction_timeout_ms",
        f"{timeout_ms} leaves a restart less than two minutes before the broker aborts what a checkpoint promised: pushes are lost",
        f"Set it to {least} or more.",
    )
