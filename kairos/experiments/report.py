"""A layer's report: are the arms as large as they were drawn, and what did each do, metric by metric.

Users count whose window after their first exposure is over, with all that happened to them in it, those who got no push included; so every user is
one complete observation, in the order in which their windows ended, and the intervals may be looked at as often as one likes.

*Contract*: pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kairos.experiments.columns import Floats, Ints
from kairos.experiments.estimate import Lift, Mask, lift
from kairos.experiments.intervals import chi_square_survival
from kairos.experiments.journal import METRICS, Exposures, Journal

FEWEST_USERS = 50
"""Of each arm: the intervals rest on a central limit."""

SRM_ALPHA = 0.001
"""Below this the arms are not as they were drawn; so small because it is looked at often (Fabijan et al., KDD 2019)."""

_POINTS = 40


@dataclass(frozen=True, slots=True)
class Settings:
    """``window_ms``: how long after a user's first exposure counts, and how long before it is compared with."""

    window_ms: int
    alpha: float = 0.05
    tightest_at: int = 10_000


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Exposed users by arm, as expected from the shares, and the probability of being so far off by chance."""

    observed: Mapping[str, int]
    expected: Mapping[str, float]
    p_value: float

    @property
    def is_off(self) -> bool:
        """Something other than the draw decided who is in which arm: do not read the rest."""
        return self.p_value < SRM_ALPHA


@dataclass(frozen=True, slots=True)
class Comparison:
    """One arm against the control: the lift of a metric now, and as it was when fewer users were through: (users, lift)."""

    arm: str
    metric: str
    now: Lift
    history: tuple[tuple[int, Lift], ...]


@dataclass(frozen=True, slots=True)
class LayerReport:
    """``ratio`` is ``None`` where the shares are not known. ``waiting``: users whose window is not over.

    Left out: ``too_old``, whose first days are no longer known; ``moved``, seen in two arms.
    """

    layer: str
    control: str
    exposed: Mapping[str, int]
    ratio: SampleRatio | None
    waiting: int
    too_old: int
    moved: int
    value_from: str
    comparisons: tuple[Comparison, ...]
    too_few: tuple[str, ...]
    """Arms with too few users to say anything."""


def sample_ratio(observed: Mapping[str, int], shares: Mapping[str, float]) -> SampleRatio:
    """Pearson's χ² of the arms' sizes against their shares."""
    total = sum(observed.get(arm, 0) for arm in shares)
    whole = sum(shares.values())
    expected = {arm: total * share / whole for arm, share in shares.items()}
    statistic = sum((observed.get(arm, 0) - wanted) ** 2 / wanted for arm, wanted in expected.items()) if total else 0.0
    return SampleRatio({arm: observed.get(arm, 0) for arm in shares}, expected, chi_square_survival(statistic, len(shares) - 1))


def layer_report(
    journal: Journal, layer: str, settings: Settings, *, shares: Mapping[str, float] | None, control: str | None, until_ms: int
) -> LayerReport:
    """``shares``: as drawn, by arm. ``control``: else the arm of that name, else the first by name. ``until_ms``: up to when all is known."""
    exposures = journal.layers[layer]
    sample = _Sample(journal, exposures, settings, until_ms)
    exposed = {arm: sum(each == arm for each in exposures.arm.values()) for arm in sorted({*exposures.arm.values(), *(shares or ())})}
    base = control or ("control" if "control" in exposed else min(exposed))
    comparisons: list[Comparison] = []
    too_few = [arm for arm in exposed if sample.size(arm) < FEWEST_USERS]
    if base not in too_few:
        for arm in exposed:
            if arm != base and arm not in too_few:
                comparisons += [sample.compare(arm, base, metric, settings) for metric in METRICS]
    return LayerReport(
        layer=layer,
        control=base,
        exposed=exposed,
        ratio=sample_ratio(exposed, shares) if shares else None,
        waiting=sample.waiting,
        too_old=sample.too_old,
        moved=len(exposures.moved),
        value_from=journal.value_from,
        comparisons=tuple(comparisons),
        too_few=tuple(too_few),
    )


class _Sample:
    """The users whose window is over, in the order in which they ended."""

    def __init__(self, journal: Journal, exposures: Exposures, settings: Settings, until_ms: int) -> None:
        stayed = {user: at_ms for user, at_ms in exposures.first_ms.items() if user not in exposures.moved}
        known = {user: at_ms for user, at_ms in stayed.items() if at_ms >= journal.known_from_ms}
        ended = sorted((at_ms + settings.window_ms, user) for user, at_ms in known.items() if at_ms + settings.window_ms <= until_ms)
        self.too_old, self.waiting = len(stayed) - len(known), len(known) - len(ended)
        users: Ints = np.array([user for _, user in ended], np.int64)
        first_ms: Ints = np.array([end_ms for end_ms, _ in ended], np.int64) - settings.window_ms
        place = np.full(len(journal.users), -1, np.int64)
        place[users] = np.arange(len(users))
        self._arm = np.array([exposures.arm[user] for user in users.tolist()], dtype=object)
        before = {name: columns.total(place, first_ms - settings.window_ms, first_ms) for name, columns in journal.events.items()}
        activity = np.log1p(before["activity"])
        self._before = {metric: np.stack([activity, before[metric]], axis=1) for metric in METRICS}
        self._after = {metric: journal.events[metric].total(place, first_ms, first_ms + settings.window_ms) for metric in METRICS}

    def size(self, arm: str) -> int:
        return int((self._arm == arm).sum())

    def compare(self, arm: str, base: str, metric: str, settings: Settings) -> Comparison:
        chosen = (self._arm == arm) | (self._arm == base)
        treated: Mask = self._arm[chosen] == arm
        outcome, before = self._after[metric][chosen], self._before[metric][chosen]

        def at(count: int) -> Lift:
            return _lift(outcome[:count], before[:count], treated[:count], settings)

        counts = np.unique(np.geomspace(2 * FEWEST_USERS, len(treated), _POINTS).astype(int)).tolist()
        enough = [count for count in counts if min(treated[:count].sum(), (~treated[:count]).sum()) >= FEWEST_USERS]
        return Comparison(arm, metric, at(len(treated)), tuple((count, at(count)) for count in enough))


def _lift(outcome: Floats, before: Floats, treated: Mask, settings: Settings) -> Lift:
    return lift(outcome, before, treated, alpha=settings.alpha, tightest_at=settings.tightest_at)
