"""The log of these tests leaves nothing to chance: when its wake-ups fire makes no difference."""

import time
from pathlib import Path

from flink_job.config.load import parse_config
from tests.e2e.support.expected import in_process
from tests.e2e.support.job import settings
from tests.e2e.support.log import make_items, make_log


def test_wake_ups_may_fire_early_in_time_or_late(tmp_path: Path) -> None:
    config = parse_config(settings(tmp_path, "localhost:9092", "kairos."))
    now_ms = time.time_ns() // 1_000_000
    items = make_items(120, now_ms)
    log = make_log(3000, 300, 120, start_ms=now_ms, span_ms=20_000)
    in_time = in_process(config, items, log)
    assert in_time.by_wake_up > 100
    read_before = in_process(config, items, log, read_ms=now_ms - 10_000)
    read_after = in_process(config, items, log, read_ms=now_ms + 60_000)
    assert read_before.pushes == in_time.pushes == read_after.pushes
    assert read_before.decisions == in_time.decisions == read_after.decisions


def test_the_same_seed_gives_the_same_log() -> None:
    assert make_log(500, 50, 120, start_ms=1, span_ms=30_000) == make_log(500, 50, 120, start_ms=1, span_ms=30_000)
    assert make_log(500, 50, 120, start_ms=1, span_ms=30_000, seed=2) != make_log(500, 50, 120, start_ms=1, span_ms=30_000)
