"""One replay: the catalogue first, then the events, each when it is due.

The features of items come from the part of the log before the first event that is sent, and later from events that were sent:
never from anything ahead.

*Contract*: ``Replay.run`` may be interrupted anywhere; ``report`` then tells what was done until then.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import pyarrow as pa

from kairos.feed.catalogue import Catalogue
from kairos.feed.features import ItemFeaturiser
from kairos.logs.encode import Record, SignalEncoder
from kairos.logs.events import EventColumns
from kairos.logs.item_feed import ItemFeed, MomentMs
from kairos.logs.log import Log
from kairos.logs.pacing import Clock, Schedule, due_slices
from kairos.logs.report import Report
from kairos.logs.survey import Stretch, survey
from kairos.logs.window import Window, pieces

# Rows that become events at once: some milliseconds of work, so that none that is due has to wait for it noticeably.
_ROWS_AT_A_TIME = 8_192
# Head start of the catalogue on the first event.
_LEAD_MS = 500
_LEAD_MS_PER_ITEM = 0.1

MakeSchedule = Callable[[int, int], Schedule]  # (start_ms in real time, first_ms in the log's)


class Sink(Protocol):
    """Where records go: a ``RecordProducer``, or a list in a test."""

    def send(self, topic: str, records: Iterable[Record]) -> None:
        """Takes over key and value pairs, in order."""

    def flush(self) -> None:
        """Returns when everything that was sent is safe."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to send and where to. Times are the log's, milliseconds since the epoch.

    ``shift``: event times become sending times. ``warm_up_ms`` and ``refresh_ms``: None for what suits the log.
    ``run``: sets the event ids of this replay apart from those of others of the same log.
    """

    items_topic: str
    interactions_topic: str
    catalogue: Literal["first", "only", "none"] = "first"
    shift: bool = True
    limit: int | None = None
    start_ms: int | None = None
    until_ms: int | None = None
    warm_up_ms: int | None = None
    refresh_ms: int | None = None
    run: str = ""


class Replay:
    """Sends one log once. ``watch`` is called with the report after every batch of records."""

    def __init__(
        self,
        log: Log,
        options: Options,
        make_schedule: MakeSchedule,
        sink: Sink,
        featuriser: ItemFeaturiser,
        clock: Clock,
        watch: Callable[[Report], None] = lambda _report: None,
    ) -> None:
        self.report = Report(log.format.name)
        self._log = log
        self._options = options
        self._make_schedule = make_schedule
        self._sink = sink
        self._clock = clock
        self._watch = watch
        self._catalogue = Catalogue(log.format, featuriser)
        self._encoder = SignalEncoder(f"{log.format.name}-{options.run}-" if options.run else f"{log.format.name}-")
        covisits = log.format.covisits
        self._warm_up_ms = (covisits.warm_up_ms if options.warm_up_ms is None else options.warm_up_ms) if covisits else 0
        self._refresh_ms = (covisits.refresh_ms if options.refresh_ms is None else options.refresh_ms) if covisits else 0

    def run(self) -> None:
        """From looking over the log to the last record being safe."""
        options, report = self._options, self.report
        stretch = Stretch(options.start_ms, options.until_ms, self._warm_up_ms)
        plan = survey(self._log, stretch, None if options.catalogue == "none" else self._catalogue, report.skipped)
        report.unreadable = self._log.unreadable
        report.expect(plan.rows, options.limit)
        if self._catalogue.learned_visits:
            report.learned_visits, report.learned_until_ms = self._catalogue.learned_visits, plan.window.begin_ms
        items = self._catalogue.items
        lead_ms = _LEAD_MS + round(len(items) * _LEAD_MS_PER_ITEM) if items else 0
        schedule = self._make_schedule(self._clock.now_ms() + lead_ms, plan.first_ms)
        feed = ItemFeed(self._catalogue, self._log.format.scenario, plan.window.begin_ms, self._moments(schedule), self._clock)
        for records in feed.batches(items):
            self._sink.send(options.items_topic, records)
            report.items += len(records)
            self._watch(report)
        self._sink.flush()
        if options.catalogue != "only":
            self._send_events(schedule, plan.window, feed)
            self._sink.flush()
            report.ended_wall_ms = self._clock.now_ms()
            report.unreadable = self._log.unreadable

    def _moments(self, schedule: Schedule) -> MomentMs:
        """A moment of the log on the clock of this replay; a catalogue without events has no such clock."""
        if not self._options.shift:
            return lambda at_ms: at_ms
        return (lambda _at_ms: 0) if self._options.catalogue == "only" else schedule.moment_ms

    def _send_events(self, schedule: Schedule, window: Window, feed: ItemFeed) -> None:
        report, limit = self.report, self._options.limit
        refresh_ms = self._refresh_ms if self._options.catalogue == "first" and self._warm_up_ms else 0
        since_refresh: list[pa.RecordBatch] = []
        current_step: int | None = None
        for rows, step in pieces(self._rows_in(window), refresh_ms, _ROWS_AT_A_TIME):
            if refresh_ms and current_step not in (None, step):
                self._refresh(since_refresh, feed)
                since_refresh = []
            current_step = step
            events = self._log.format.events(rows, report.skipped)
            self._send(events if limit is None else events.part(0, limit - report.events), schedule)
            if limit is not None and report.events >= limit:
                break
            if refresh_ms:
                since_refresh.append(rows)

    def _rows_in(self, window: Window) -> Iterator[pa.RecordBatch]:
        for rows in self._log.rows():
            if window.is_over(rows):
                break
            yield window.inside(rows)

    def _send(self, events: EventColumns, schedule: Schedule) -> None:
        report = self.report
        due_ms = schedule.due_ms(events.at_ms, report.events)
        for start, end, now_ms in due_slices(due_ms, len(events), self._clock):
            part = events.part(start, end)
            sending_times = [now_ms] * len(part) if due_ms is None else due_ms[start:end].tolist()
            times = sending_times if self._options.shift else part.at_ms.tolist()
            self._sink.send(self._options.interactions_topic, self._encoder.encode(part, times))
            report.sent(len(part), int(part.at_ms[0]), int(part.at_ms[-1]), now_ms)
            self._watch(report)

    def _refresh(self, batches: list[pa.RecordBatch], feed: ItemFeed) -> None:
        for records in feed.batches(self._catalogue.refresh(batches)):
            self._sink.send(self._options.items_topic, records)
            self.report.items_refreshed += len(records)
