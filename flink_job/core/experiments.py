"""Who is in which arm of which experiment: a hash of the user says so, and nobody has to remember it.

Layers draw independently of each other (Tang et al., "Overlapping Experiment Infrastructure", KDD 2010), so that each can be read as if
it were alone. Users of the holdout are in no arm at all: they get no pushes, whatever an arm would do.
"""

from __future__ import annotations

from collections.abc import Mapping

from flink_job.core.ids import share_of
from flink_job.core.rules.experiments import Layer

NO_ARM = ""

_ROUNDING = 1e-9


class Experiments:
    """These layers, ready to draw from."""

    __slots__ = ("_holdout_salt", "_holdout_share", "_layers")

    def __init__(self, layers: Mapping[str, Layer], holdout_share: float, holdout_salt: str) -> None:
        self._layers = [(layer.salt, _bounds(layer)) for layer in layers.values()]
        self._holdout_share = holdout_share
        self._holdout_salt = holdout_salt

    def arms_of(self, user_id: str) -> tuple[str, ...]:
        """The user's arm in each layer, in their order; NO_ARM where there is none.

        >>> layer = Layer("salt", {"control": 0.5, "early": 0.5})
        >>> [Experiments({"timing": layer}, 0.0, "").arms_of(user)[0] for user in ("ann", "bob", "cleo", "dan")]
        ['control', 'control', 'early', 'control']
        """
        if self._holdout_share and share_of(user_id, self._holdout_salt) < self._holdout_share:
            return (NO_ARM,) * len(self._layers)
        return tuple(_arm_at(share_of(user_id, salt), bounds) for salt, bounds in self._layers)


def _bounds(layer: Layer) -> tuple[tuple[float, str], ...]:
    """Upper end of each arm's part of [0, 1)."""
    bounds = []
    end = 0.0
    for arm, part in layer.arms.items():
        end += part
        bounds.append((1.0 if end > 1.0 - _ROUNDING else end, arm))
    return tuple(bounds)


def _arm_at(place: float, bounds: tuple[tuple[float, str], ...]) -> str:
    for end, arm in bounds:
        if place < end:
            return arm
    return NO_ARM
