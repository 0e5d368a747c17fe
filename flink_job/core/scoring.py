"""The score everything starts from: `s_ui = I_u · F_i + α · r_ui`, and the list `argmax_i s_ui`.

Worked example: I = (1, 0, 1), F = (1, 1, 0), r = 0 gives 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flink_job.core.state import Floats

_HEAD = 32


def scores(interest: Floats, alpha: float, affinity: Floats) -> Floats:
    """`s_ui` of each candidate from I_u · F_i, (n,), and r_ui, (n,).

    >>> f = np.array([[1, 1, 0]], np.float32) @ np.array([1, 0, 1], np.float32)
    >>> scores(f, 0.5, np.zeros(1, np.float32)).tolist()
    [1.0]
    """
    return interest + np.float32(alpha) * affinity


def best_first(scored: Floats, keys: NDArray[np.uint64], rows: NDArray[np.intp]) -> Iterator[int]:
    """Positions by falling score, equal ones by rising key; `rows`: where in `keys` each one's key is.

    Callers take the first few, so only these are looked at for ties unless there is one.
    """
    farness = -scored
    order = farness.argsort()
    head = farness.take(order[: _HEAD + 1])
    if np.count_nonzero(head[1:] == head[:-1]):
        yield from np.lexsort((keys.take(rows), farness)).tolist()
        return
    yield from order[:_HEAD].tolist()
    if len(order) > _HEAD:
        yield from np.lexsort((keys.take(rows), farness))[_HEAD:].tolist()
