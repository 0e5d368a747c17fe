"""Committed is only what is done, in whatever order it was done."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.offsets import OffsetTracker


@given(st.sets(st.integers(0, 200), min_size=1).map(sorted), st.randoms(use_true_random=False))
def test_the_position_is_the_first_record_that_is_not_done(offsets: list[int], order: "st.DataObject") -> None:
    tracker = OffsetTracker()
    for offset in offsets:
        tracker.begin(offset)
    finishing = list(offsets)
    order.shuffle(finishing)  # type: ignore[attr-defined]
    finished: set[int] = set()

    for offset in finishing:
        tracker.finish(offset)
        finished.add(offset)
        not_done = [each for each in offsets if each not in finished]
        assert tracker.position == (not_done[0] if not_done else offsets[-1] + 1)
        assert tracker.under_way == len(not_done)


def test_nothing_has_begun_nothing_is_to_commit() -> None:
    assert OffsetTracker().position is None
