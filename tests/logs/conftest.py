"""Small logs made here, with the columns of the public ones; and where the real ones are, if they are."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.logs.fakes import FakeClock, ListSink

MakeFile = Callable[..., Path]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sink(clock: FakeClock) -> ListSink:
    return ListSink(clock)


@pytest.fixture
def globo_file(tmp_path: Path) -> MakeFile:
    """(user, session, article, time in UTC, and any other column by name) rows as the Globo.com log has them."""

    def make(rows: list[tuple[int, int, int, str]], **others: list[int]) -> Path:
        n = len(rows)
        columns: dict[str, Any] = {
            "user_id": pa.array([row[0] for row in rows], pa.int32()),
            "session_id": pa.array([row[1] for row in rows], pa.int64()),
            "click_article_id": pa.array([row[2] for row in rows], pa.int32()),
            "click_timestamp": pa.array([datetime.fromisoformat(row[3]) for row in rows], pa.timestamp("ns")),
        }
        defaults = {"environment": 4, "deviceGroup": 1, "os": 17, "country": 1, "region": 25, "referrer_type": 2}
        for name, value in defaults.items():
            columns[f"click_{name}"] = pa.array(others.get(name, [value] * n), pa.int8())
        path = tmp_path / "globo.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return make


@pytest.fixture
def retail_file(tmp_path: Path) -> MakeFile:
    """(invoice, product, description, quantity, local time, price, customer, country) rows as the Online Retail log has them."""

    def make(rows: list[tuple[str, str, str | None, int, str, float, int | None, str]]) -> Path:
        names = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
        kinds = (pa.string(), pa.string(), pa.string(), pa.int64(), pa.timestamp("ns"), pa.float64(), pa.int32(), pa.string())
        columns = [[datetime.fromisoformat(row[4]) if name == "InvoiceDate" else row[at] for row in rows] for at, name in enumerate(names)]
        path = tmp_path / "retail.parquet"
        pq.write_table(pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], names=list(names)), path)
        return path

    return make


@pytest.fixture
def real_data() -> Path:
    """Folder of the public logs, which may not be passed on with this project."""
    folder = Path(os.environ.get("KAIROS_DATA") or Path(__file__).parents[3] / "shared" / "data")
    if not (folder / "online_retail.parquet").is_file():
        pytest.skip(f"the public logs are not in {folder}; set KAIROS_DATA to the folder that has them (docs/replay.md)")
    return folder
