"""Sorted blocks and the newest-first lists built on them."""

from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.index.blocks import SortedBlocks
from flink_job.core.index.newest import ALWAYS, NewestFirst, Window, entry_of

MEMBERS = st.integers(0, 5000)


@given(st.sets(MEMBERS), st.lists(MEMBERS))
def test_sorted_blocks_are_a_sorted_list(start: set[int], changes: list[int]) -> None:
    blocks, members = SortedBlocks(start), set(start)
    for change in changes:
        if change in members:
            assert blocks.discard(change)
        else:
            assert not blocks.discard(change)
            blocks.add(change)
        members ^= {change}
    assert list(blocks) == sorted(members)
    assert bool(blocks) == bool(members)


def test_sorted_blocks_split_and_vanish() -> None:
    blocks = SortedBlocks()
    for member in [*range(0, 6000, 2), *range(5999, 0, -2)]:
        blocks.add(member)
    assert list(blocks) == list(range(6000))
    assert max(len(block) for block in blocks._blocks) <= 512
    for member in range(5999):
        assert blocks.discard(member)
    assert list(blocks) == [5999]


def test_entries_sort_by_time_then_key_then_row() -> None:
    entries = [entry_of(9, 5, 0), entry_of(8, 1, 7), entry_of(8, 2, 3), entry_of(8, 2, 4), entry_of(-1, 2**64 - 1, 0)]
    assert entries == sorted(entries)


def test_an_entry_is_visible_from_its_start_until_before_its_end() -> None:
    newest = NewestFirst([(entry_of(1, 1, 1), (10, 20)), (entry_of(0, 0, 2), ALWAYS)])
    assert [newest.first(9, now_ms).tolist() for now_ms in (9, 10, 19, 20, 19, 9, 15)] == [
        [2],
        [1, 2],
        [1, 2],
        [2],
        [1, 2],
        [2],
        [1, 2],
    ]


def test_expired_entries_are_met_once_and_not_at_every_question() -> None:
    newest = NewestFirst((entry_of(at, at, at), (0, 100) if at >= 50 else ALWAYS) for at in range(10_000))
    assert newest.first(3, 100).tolist() == [49, 48, 47]
    assert list(newest._entries) == [entry_of(at, at, at) for at in range(49, -1, -1)]
    assert newest.first(3, 99).tolist() == [9999, 9998, 9997]


def test_what_is_put_aside_and_deleted_leaves_nothing_behind() -> None:
    newest = NewestFirst()
    for at in range(5000):
        newest.add(entry_of(at, at, at), (0, at + 1))
        assert not len(newest.first(3, at + 1))
        newest.discard(entry_of(at, at, at))
    assert not newest
    assert len(newest._ended) < 100
    assert not newest._windows


def test_a_larger_limit_than_before_is_answered_in_full() -> None:
    newest = NewestFirst((entry_of(at, at, at), ALWAYS) for at in range(1000))
    assert [len(newest.first(limit, 5)) for limit in (10, 500, 2000, 10)] == [10, 500, 1000, 10]


def test_every_change_among_the_answered_shows_and_none_behind_is_missed() -> None:
    listed = set(range(1, 400, 2))
    newest = NewestFirst((entry_of(at, at, at), ALWAYS) for at in listed)
    newest.first(64, 5)
    for at in (273, 399, 271, 275, 398, 272, 270, 274, 273):  # 273 is the last of the 64 newest
        if at in listed:
            newest.discard(entry_of(at, at, at))
        else:
            newest.add(entry_of(at, at, at), ALWAYS)
        listed ^= {at}
        assert newest.first(64, 5).tolist() == sorted(listed, reverse=True)[:64]


WINDOWS = st.sampled_from([ALWAYS, (5, 15), (0, 10), (12, 1 << 40), (8, 9)])


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("change"), st.integers(150, 300), WINDOWS),
            st.tuples(st.just("ask"), st.integers(0, 20), st.integers(0, 100)),
        ),
        max_size=120,
    )
)
def test_newest_first_is_a_filtered_sorted_list(steps: list[tuple[str, int, Window | int]]) -> None:
    listed = {entry_of(number // 3, number, number): ALWAYS for number in range(0, 300, 2)}
    newest = NewestFirst(listed.items())
    for kind, number, argument in steps:
        if kind == "change":
            entry = entry_of(number // 3, number, number)
            if entry in listed:
                newest.discard(entry)
                del listed[entry]
            else:
                assert isinstance(argument, tuple)
                newest.add(entry, argument)
                listed[entry] = argument
        else:
            assert isinstance(argument, int)
            visible = [entry & 0xFFFFFFFF for entry in sorted(listed) if listed[entry][0] <= number < listed[entry][1]]
            assert newest.first(argument, number).tolist() == visible[:argument]
        assert bool(newest) == bool(listed)
