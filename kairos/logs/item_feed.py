"""Writes a log's catalogue to the items topic: all of it before the events, newcomers again when their features are known."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from kairos.feed.catalogue import Catalogue
from kairos.feed.items import Dates, ItemRecord, to_item
from kairos.logs.encode import Record
from kairos.logs.pacing import Clock

_ITEMS_AT_A_TIME = 1_000

MomentMs = Callable[[int], int]  # of the log, on the clock of the replay; 0 if that is not known


class ItemFeed:
    """Items that turn up after ``begin_ms`` are valid from the moment they do, so that no push names an article before its time."""

    def __init__(self, catalogue: Catalogue, scenario: int, begin_ms: int, moment_ms: MomentMs, clock: Clock) -> None:
        self._catalogue = catalogue
        self._scenario = scenario
        self._begin_ms = begin_ms
        self._moment_ms = moment_ms
        self._clock = clock

    def batches(self, items: Sequence[ItemRecord]) -> Iterator[list[Record]]:
        """Records by the thousand, with the features of now."""
        for start in range(0, len(items), _ITEMS_AT_A_TIME):
            yield list(self._records(items[start : start + _ITEMS_AT_A_TIME]))

    def _records(self, items: Iterable[ItemRecord]) -> Iterator[Record]:
        now_ms = self._clock.now_ms()
        for record in items:
            item = to_item(record, self._catalogue.features(record), self._scenario, self._dates(record, now_ms))
            yield record.item_id.encode(), item.SerializeToString(deterministic=True)

    def _dates(self, record: ItemRecord, now_ms: int) -> Dates:
        published_ms = record.published_at_ms or record.first_seen_ms
        return Dates(
            updated_at_ms=now_ms,
            valid_from_ms=self._moment_ms(record.first_seen_ms) if record.first_seen_ms > self._begin_ms else 0,
            published_at_ms=self._moment_ms(published_ms) if published_ms else 0,
        )
