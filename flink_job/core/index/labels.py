"""Labels: names of categories and creators as 32-bit numbers, so that many items are compared at once.

A label is a hash of the name and not a running number: it is the same on every machine and after every restart, may be kept in a state, and
nothing has to be remembered of names that are gone. Two given names share one with a probability of 1 in 4 billion; all that follows is that an
item is taken for more alike than it is.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

CATEGORY, TOP_CATEGORY, CREATOR = range(3)
"""Columns of the labels: most specific category, most general one, creator."""
LABELS = 3
UNLABELLED = 0

Labels = NDArray[np.int32]


@lru_cache(maxsize=1 << 14)
def label_of(name: str) -> int:
    """The label of a name, an int32; `UNLABELLED` for the empty name only.

    >>> label_of(""), label_of("mugs") == label_of("mugs")
    (0, True)
    """
    if not name:
        return UNLABELLED
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "little", signed=True) or 1


def label(labels: Labels, row: int, categories: tuple[str, ...], creator_id: str) -> None:
    """Write the labels of the item in a row."""
    labels[row, CATEGORY] = label_of(categories[-1]) if categories else UNLABELLED
    labels[row, TOP_CATEGORY] = label_of(categories[0]) if categories else UNLABELLED
    labels[row, CREATOR] = label_of(creator_id)
