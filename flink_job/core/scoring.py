"""The score everything starts from: `s_ui = I_u · F_i + α · r_ui`, and the list `argmax_i s_ui`.

Worked example: I = (1, 0, 1), F = (1, 1, 0), r = 0 gives 1.0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flink_job.core.state import Floats


def scores(interest: Floats, alpha: float, affinity: Floats) -> Floats:
    """`s_ui` of each candidate from I_u · F_i, (n,), and r_ui, (n,).

    >>> f = np.array([[1, 1, 0]], np.float32) @ np.array([1, 0, 1], np.float32)
    >>> scores(f, 0.5, np.zeros(1, np.float32)).tolist()
    [1.0]
    """
    return interest + np.float32(alpha) * affinity


def best_first(scored: Floats) -> NDArray[np.intp]:
    """Positions by falling score; equal scores keep their order, so callers hand candidates over in order of their keys."""
    return np.argsort(-scored, kind="stable")
