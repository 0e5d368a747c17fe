"""A square sparse matrix, just enough of one: made from pairs, multiplied with a thin dense matrix.

NumPy alone is fast enough here (1.6 million entries times 80 columns: 0.3 s) and saves the job's users a dependency on SciPy.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_ENTRIES_AT_A_TIME = 400_000  # times 80 columns of float32: 128 MB of scratch


@dataclass(frozen=True, slots=True)
class SparseMatrix:
    """(size, size); entry k is ``values[k]`` at (``rows[k]``, ``columns[k]``), in order of rows, then columns, none twice."""

    size: int
    rows: Ints
    columns: Ints
    values: NDArray[np.float64]

    @classmethod
    def counting(cls, size: int, rows: Ints, columns: Ints) -> Self:
        """How often each pair (row, column) is given."""
        keys, counts = np.unique(rows * size + columns, return_counts=True)
        return cls(size, keys // size, keys % size, counts.astype(np.float64))

    def row_sums(self) -> NDArray[np.float64]:
        """(size,)."""
        sums: NDArray[np.float64] = np.bincount(self.rows, self.values, self.size).astype(np.float64)
        return sums

    def times(self, dense: NDArray[np.float32]) -> NDArray[np.float32]:
        """The product of this matrix and ``dense`` (size, k): (size, k)."""
        product = np.zeros((self.size, dense.shape[1]), np.float32)
        for start in range(0, len(self.rows), _ENTRIES_AT_A_TIME):
            part = slice(start, start + _ENTRIES_AT_A_TIME)
            rows = self.rows[part]
            scaled = dense[self.columns[part]] * self.values[part, None].astype(np.float32)
            first_of_row = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
            product[rows[first_of_row]] += np.add.reduceat(scaled, first_of_row, axis=0)
        return product
