"""What a user likes, by kind of item: a profile for each scenario they have dealt with, and one over all of them.

Who makes them: the interest, when candidates are to be found and scored. One vector for goods, news and posts would be that of the kind the user
deals with most: a hundred posts a week drown the three mugs.
"""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.state import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """`I_u` among the items of one scenario, (dim,), and how much of what the user did lately was about these: the shares of all sum to 1."""

    scenario: int
    profile: Floats
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Tastes:
    """`overall`: `I_u` over all scenarios, (dim,), each with its mass. `apart`: of each scenario, ascending; empty if there is but one."""

    overall: Floats
    apart: tuple[Taste, ...] = ()

    def of(self, scenario: int) -> Floats:
        """The profile that scores items of this scenario: its own, or else the one over all."""
        for taste in self.apart:
            if taste.scenario == scenario:
                return taste.profile
        return self.overall
