"""One standalone cluster for all tests of a session; jobs come and go on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kairos.local.cluster import FlinkCluster
from tests.e2e.support.job import METRICS_EVERY_S


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """A JobManager and two TaskManagers of one slot each. Whoever kills one starts another."""
    folder: Path = tmp_path_factory.mktemp("flink")
    with FlinkCluster(folder, settings={"metrics.fetcher.update-interval": f"{METRICS_EVERY_S * 1000:.0f}"}) as running:
        yield running
