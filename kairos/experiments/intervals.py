"""Half-widths of intervals, in units of the standard deviation of one observation.

*Contract*: pure.
"""

from math import exp, gamma, log, sqrt
from statistics import NormalDist


def sequence_radius(observations: int, alpha: float, tightest_at: int) -> float:
    """Of an asymptotic confidence sequence: the true mean is within it at **all** times at once with probability 1 − alpha.

    `r(t) = sqrt(2(tρ² + 1)/(t²ρ²) · ln(sqrt(tρ² + 1)/α))` (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and
    asymptotic confidence sequences", arXiv 2103.06476, theorem 2.2). Any ρ that is fixed in advance is valid; this one makes the sequence
    tightest after ``tightest_at`` observations: with s = tρ², dr²/ds = 0 where s = ln((1 + s)/α²).

    >>> round(sequence_radius(10_000, 0.05, 10_000) * 100, 2), round(fixed_radius(10_000, 0.05) * 100, 2)
    (3.04, 1.96)
    """
    scaled = observations * _best_rho2(alpha, tightest_at)
    return sqrt(2 * (scaled + 1) / (observations * scaled) * log(sqrt(scaled + 1) / alpha))


def fixed_radius(observations: int, alpha: float) -> float:
    """Of the ordinary normal interval, for one look at a time that was fixed in advance."""
    return NormalDist().inv_cdf(1 - alpha / 2) / sqrt(observations)


def chi_square_survival(statistic: float, degrees: int) -> float:
    """P(χ² with so many degrees of freedom > statistic), by the recurrence `Q(a + 1, x) = Q(a, x) + x^a e^−x / Γ(a + 1)`.

    >>> round(chi_square_survival(3.841, 1), 4), round(chi_square_survival(5.991, 2), 4), round(chi_square_survival(7.815, 3), 4)
    (0.05, 0.05, 0.05)
    """
    half = statistic / 2
    shape, survival = (0.5, 2 * (1 - NormalDist().cdf(sqrt(statistic)))) if degrees % 2 else (1.0, exp(-half))
    while 2 * shape < degrees:
        survival += half**shape * exp(-half) / gamma(shape + 1)
        shape += 1
    return survival


def _best_rho2(alpha: float, tightest_at: int) -> float:
    scaled = -2 * log(alpha)
    for _ in range(50):
        scaled = log((1 + scaled) / alpha**2)
    return scaled / tightest_at
