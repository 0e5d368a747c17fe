"""What pushes taught about wordings, in the decider's memory. Part of the knowledge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flink_job.core.learning.facts import WordingFacts
from flink_job.core.learning.fading import fading
from flink_job.core.learning.wordings import SUMS


class KnownWordings:
    """The newest facts of each template. An older record never replaces a newer one. `version`: changes whenever more is known."""

    __slots__ = ("_half_life_ms", "_of_template", "version")

    def __init__(self, half_life_ms: int) -> None:
        self._half_life_ms = half_life_ms
        self._of_template: dict[str, WordingFacts] = {}
        self.version = 0

    def put(self, facts: WordingFacts) -> bool:
        """Take in facts; False if newer ones are held."""
        held = self._of_template.get(facts.template_id)
        if held is not None and held.made_at_ms >= facts.made_at_ms:
            return False
        self._of_template[facts.template_id] = facts
        self.version += 1
        return True

    def sums(self, template_ids: tuple[str, ...]) -> NDArray[np.float64]:
        """`flink_job.core.messages.arms.Sums` of these templates, (6, n), as of the newest word on any of them; zeros where nothing is known."""
        known = [self._of_template.get(template_id) for template_id in template_ids]
        as_of_ms = max((facts.as_of_ms for facts in known if facts is not None), default=0)
        sums = np.zeros((SUMS, len(template_ids)))
        for at, facts in enumerate(known):
            if facts is not None:
                sums[:, at] = np.array(facts.sums) * fading(as_of_ms - facts.as_of_ms, self._half_life_ms)
        return sums
