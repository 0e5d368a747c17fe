"""A sorted list of integers that stays cheap to change when it is long.

Short sorted lists in a row: a change moves a few hundred pointers, and finding the block is a binary search over the blocks' greatest members.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from itertools import chain

_LENGTH = 256
_LONGEST = 2 * _LENGTH


class SortedBlocks:
    """Distinct integers in ascending order.

    >>> blocks = SortedBlocks([5, 3, 9])
    >>> blocks.add(4)
    >>> blocks.discard(9)
    True
    >>> list(blocks)
    [3, 4, 5]
    """

    __slots__ = ("_blocks", "_greatest")

    def __init__(self, members: Iterable[int] = ()) -> None:
        ordered = sorted(members)
        self._blocks = [ordered[at : at + _LENGTH] for at in range(0, len(ordered), _LENGTH)]
        self._greatest = [block[-1] for block in self._blocks]

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._blocks)

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def add(self, member: int) -> None:
        """Put in `member`, which must not be there yet."""
        blocks, greatest = self._blocks, self._greatest
        at = bisect_left(greatest, member)
        if at < len(blocks):
            insort(blocks[at], member)
        elif blocks:
            at -= 1
            blocks[at].append(member)
            greatest[at] = member
        else:
            blocks.append([member])
            greatest.append(member)
        block = blocks[at]
        if len(block) > _LONGEST:
            blocks[at : at + 1] = [block[:_LENGTH], block[_LENGTH:]]
            greatest[at : at + 1] = [block[_LENGTH - 1], block[-1]]

    def discard(self, member: int) -> bool:
        """Take out `member`; False if it is not there."""
        at = bisect_left(self._greatest, member)
        if at == len(self._blocks):
            return False
        block = self._blocks[at]
        place = bisect_left(block, member)
        if block[place] != member:
            return False
        del block[place]
        if block:
            self._greatest[at] = block[-1]
        else:
            del self._blocks[at], self._greatest[at]
        return True
