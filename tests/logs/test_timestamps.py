# ruff: noqa: DTZ001 - times without a zone are what is tested
"""Times of any kind, as milliseconds since the epoch."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kairos.logs.timestamps import TimeReader

JULY_NOON_UTC = int(datetime(2011, 7, 1, 12, 0, tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("reader", "column"),
    [
        (TimeReader(), pa.array(["2011-07-01T12:00:00Z"])),
        (TimeReader(), pa.array(["2011-07-01T14:00:00+02:00"])),
        (TimeReader(), pa.array(["2011-07-01 12:00"])),
        (TimeReader(zone="Europe/London"), pa.array(["2011-07-01 13:00:00"])),
        (TimeReader(zone="Europe/London"), pa.array([datetime(2011, 7, 1, 13)], pa.timestamp("ns"))),
        (TimeReader(zone="Asia/Tokyo"), pa.array([datetime(2011, 7, 1, 12, tzinfo=UTC)], pa.timestamp("us", "UTC"))),
        (TimeReader(unit="s"), pa.array([JULY_NOON_UTC // 1000])),
        (TimeReader(unit="s"), pa.array([JULY_NOON_UTC / 1000])),
        (TimeReader(unit="us"), pa.array([str(JULY_NOON_UTC * 1000)])),
        (TimeReader(format="%d.%m.%Y %H:%M", zone="Europe/Berlin"), pa.array(["01.07.2011 14:00"])),
        (TimeReader(format="%b %d %Y %I:%M %p"), pa.array(["Jul 01 2011 12:00 PM"])),
        (TimeReader(format="%Y-%m-%d %H:%M:%S.%f %z"), pa.array(["2011-07-01 14:00:00.000 +0200"])),
    ],
)
def test_the_same_moment_written_in_many_ways(reader: TimeReader, column: pa.Array) -> None:
    assert reader.read(column).to_pylist() == [JULY_NOON_UTC]


def test_what_is_no_time_is_null_and_harms_nothing_else() -> None:
    column = pa.array(["yesterday", "2011-07-01T12:00:00", None, "", "2011-13-45", "1815-06-18T12:00:00"])
    assert TimeReader().read(column).to_pylist() == [None, JULY_NOON_UTC, None, None, None, None]


def test_numbers_out_of_all_reason_are_null() -> None:
    assert TimeReader(unit="s").read(pa.array(["1e30", "-5", "nan", "abc"])).to_pylist() == [None] * 4


def test_milliseconds_survive() -> None:
    assert TimeReader().read(pa.array([datetime(1970, 1, 1, 0, 0, 1, 234_567)], pa.timestamp("ns"))).to_pylist() == [1234]


def test_an_hour_that_comes_twice_is_the_first_one() -> None:
    # Clocks in London went back from 02:00 to 01:00 on 30 October 2011: 01:30 was 00:30 UTC and 01:30 UTC.
    read = TimeReader(zone="Europe/London").read(pa.array(["2011-10-30 01:30:00"]))
    assert read.to_pylist() == [int(datetime(2011, 10, 30, 0, 30, tzinfo=UTC).timestamp()) * 1000]


@given(
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)),
    st.sampled_from(["Europe/London", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe"]),
)
def test_local_times_agree_with_the_standard_library(moment: datetime, zone: str) -> None:
    from zoneinfo import ZoneInfo

    whole = moment.replace(microsecond=0)
    read = TimeReader(zone=zone).read(pa.array([whole], pa.timestamp("ms")))
    assert read.to_pylist() == [round(whole.replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000]
