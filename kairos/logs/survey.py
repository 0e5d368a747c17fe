"""The look over a log before it is replayed: which stretch of it, and which items; what may be learned is learned."""

from dataclasses import dataclass

from kairos.errors import USAGE_ERROR, KairosError
from kairos.feed.catalogue import Catalogue
from kairos.logs.durations import in_words
from kairos.logs.files import read_batches
from kairos.logs.log import Log
from kairos.logs.order import AT_MS
from kairos.logs.report import iso
from kairos.logs.skipped import SkippedRows
from kairos.logs.window import Window


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is asked for, in the log's time. ``start_ms``: None begins after the warm-up, or with the log if there is none."""

    start_ms: int | None
    until_ms: int | None
    warm_up_ms: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The window to replay, the time of its first row, and how many rows it has (None if that was not counted)."""

    window: Window
    first_ms: int
    rows: int | None


def survey(log: Log, stretch: Stretch, catalogue: Catalogue | None, skipped: SkippedRows) -> Plan:
    """What there is to replay.

    Fills ``catalogue`` with the items of the log up to the window's end, and, if there is a warm-up, with features from the visits
    before its beginning. Without a catalogue it stops reading at the first row of the window. Raises ``KairosError`` if it is empty.
    """
    window: Window | None = None
    first_ms: int | None = None
    count = 0
    for rows in log.rows():
        if not rows.num_rows:
            continue
        if window is None:
            begin_ms = rows.column(AT_MS)[0].as_py() + stretch.warm_up_ms if stretch.start_ms is None else stretch.start_ms
            window = Window(begin_ms, stretch.until_ms)
        if window.is_over(rows):
            break
        inside = window.inside(rows)
        count += inside.num_rows
        if first_ms is None and inside.num_rows:
            first_ms = inside.column(AT_MS)[0].as_py()
        if catalogue is not None:
            before = window.before(rows)
            catalogue.learn(before) if stretch.warm_up_ms else catalogue.note(before)
            catalogue.note(inside)
        elif first_ms is not None:
            break
    if window is None or first_ms is None:
        raise KairosError(f"{log.path}: no row lies in what is to be replayed{_range(window)}.", _hint(stretch), exit_code=USAGE_ERROR)
    if catalogue is not None:
        catalogue.settle()
        read_item_file(log, catalogue, skipped)
    return Plan(window, first_ms, None if catalogue is None else count)


def read_item_file(log: Log, catalogue: Catalogue, skipped: SkippedRows) -> None:
    """Items of a catalogue in a file of its own, if the log has one."""
    item_file = log.format.item_file
    if item_file is None:
        return
    for batch in read_batches(item_file.path, item_file.layout, item_file.columns, skipped):
        catalogue.add(item_file.items(batch))


def _range(window: Window | None) -> str:
    if window is None:
        return ": no row has a readable time"
    until = f" and before {iso(window.until_ms)}" if window.until_ms is not None else ""
    return f" (from {iso(window.begin_ms)} on{until})"


def _hint(stretch: Stretch) -> str:
    if stretch.warm_up_ms and stretch.start_ms is None:
        return f"The first {in_words(stretch.warm_up_ms)} of this log are for learning features; --warm-up shortens that."
    return "Check --start and --until, which are in the log's time (UTC), and how the time column is read."
