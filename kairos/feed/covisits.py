"""Features from behaviour, where an item says nothing about itself: items that are visited together lie close together.

1. *Count* the pairs (i, j) that one group (a session, a basket, a user) touched at most ``REACH`` visits apart.
2. *Weigh* them by positive pointwise mutual information, which asks how much more often than by chance:

       PPMI(i, j) = max(0, log( n_ij · n / (n_i · n_j) ))

   where the n_j of the context is smoothed, n_j^0.75 (Levy, Goldberg & Dagan, TACL 2015), because rare pairs look too remarkable
   otherwise; i and j take turns to be the context, and the mean of both makes the matrix symmetric.
3. *Compress* to ``dim`` numbers an item: the strongest ``dim`` eigenpairs (λ, v) of that matrix, F_i = unit( v_i · |λ|^0.5 ), by
   randomised subspace iteration (Halko, Martinsson & Tropp, SIAM Review 2011).

*Contract*: pure; the visits given are all that is looked at, so "no look-ahead" is the caller's choice of visits. The same visits
and seed give the same space on one machine; between machines eigenvectors may differ in the last digits and in sign, hence a space
is computed once and published, not recomputed by every reader.
"""

import numpy as np
from numpy.typing import NDArray

from kairos.feed.features import Matrix, unit
from kairos.feed.sparse import Ints, SparseMatrix

REACH = 10
_CONTEXT_SMOOTHING = 0.75
_EIGENVALUE_POWER = 0.5
_OVERSAMPLING = 16
_ITERATIONS = 4


def covisit_counts(groups: Ints, things: Ints, n_things: int) -> SparseMatrix:
    """n_ij, symmetric, from visits in order of time: ``groups[k]`` visited ``things[k]``, a number below ``n_things``."""
    return SparseMatrix.counting(n_things, *neighbours(groups, things))


def covisit_features(counts: SparseMatrix, dim: int, seed: int = 0) -> Matrix:
    """(n_things, dim); zeros for what was never visited with others."""
    if not len(counts.rows):
        return np.zeros((counts.size, dim), np.float32)
    return _compress(ppmi(counts), dim, seed)


def neighbours(groups: Ints, things: Ints, reach: int = REACH) -> tuple[Ints, Ints]:
    """Every pair of different things at most ``reach`` visits apart in their group, in both directions."""
    by_group = np.argsort(groups, kind="stable")
    group, thing = groups[by_group], things[by_group]
    earlier, later = [], []
    for apart in range(1, min(reach, len(group) - 1) + 1):
        together = (group[apart:] == group[:-apart]) & (thing[apart:] != thing[:-apart])
        earlier.append(thing[:-apart][together])
        later.append(thing[apart:][together])
    if not earlier:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    a, b = np.concatenate(earlier), np.concatenate(later)
    return np.concatenate([a, b]), np.concatenate([b, a])


def ppmi(counts: SparseMatrix) -> SparseMatrix:
    """Positive pointwise mutual information of symmetric ``counts``, as in the module's formula; entries of 0 are left out."""
    seen = counts.row_sums()
    smoothed = seen**_CONTEXT_SMOOTHING
    context = smoothed / smoothed.sum()
    i, j = counts.rows, counts.columns
    one_way = np.log(counts.values / (seen[i] * context[j]))
    other_way = np.log(counts.values / (seen[j] * context[i]))
    information = (one_way + other_way) / 2
    kept = information > 0
    return SparseMatrix(counts.size, i[kept], j[kept], information[kept])


def _compress(matrix: SparseMatrix, dim: int, seed: int) -> Matrix:
    """unit(v_i · |λ|^0.5) of the ``dim`` strongest eigenpairs; fewer than ``dim`` things leave the last columns 0."""
    width = min(dim + _OVERSAMPLING, matrix.size)
    basis: NDArray[np.float32] = np.random.default_rng(seed).standard_normal((matrix.size, width)).astype(np.float32)
    for _ in range(_ITERATIONS):
        basis, _upper = np.linalg.qr(matrix.times(basis))
    small = basis.T @ matrix.times(basis)
    values, vectors = np.linalg.eigh((small + small.T) / 2)
    strongest = np.argsort(-np.abs(values))[:dim]
    scaled = (basis @ vectors[:, strongest]) * np.abs(values[strongest]) ** _EIGENVALUE_POWER
    features = np.zeros((matrix.size, dim), np.float32)
    features[:, : len(strongest)] = unit(scaled)
    # With fewer independent rows than columns, QR fills up with directions of its own making: no thing without pairs may keep one.
    features[np.bincount(matrix.rows, minlength=matrix.size) == 0] = 0
    return features
