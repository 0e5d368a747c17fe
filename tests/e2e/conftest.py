"""One standalone cluster for all tests of a session; jobs come and go on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kairos.local.cluster import FlinkCluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """A JobManager and two TaskManagers of one slot each. Whoever kills one starts another."""
    folder: Path = tmp_path_factory.mktemp("flink")
    with FlinkCluster(folder, settings={"metrics.fetcher.update-interval": "500"}) as running:
        yield running
