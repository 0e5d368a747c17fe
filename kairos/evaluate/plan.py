"""How much is simulated: users, items, weeks, seeds, which world and which policies."""

from dataclasses import dataclass

from kairos.errors import USAGE_ERROR, KairosError
from kairos.evaluate.roster import ROSTER, Kind
from kairos.evaluate.worlds import WORLDS
from kairos.world.settings import SCENARIOS

START_MS = 1_772_409_600_000
"""Monday, 2 March 2026, 00:00 UTC: four weeks later Europe's clocks change, as they do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One evaluation. Raises ``KairosError`` for what cannot be evaluated."""

    users: int = 150
    items: int = 400
    weeks: int = 8
    seeds: tuple[int, ...] = (1, 2)
    scenario: str = "mixed"
    world: str = "default"
    policies: tuple[str, ...] = tuple(name for name, entry in ROSTER.items() if entry.kind is not Kind.INFORMED)

    def __post_init__(self) -> None:
        for what, name, among in (("world", self.world, WORLDS), ("scenario", self.scenario, tuple(SCENARIOS))):
            if name not in among:
                raise _wrong(f"There is no {what} {name!r}.", f"Choose one of {', '.join(among)}.")
        for name in self.policies:
            if name not in ROSTER:
                raise _wrong(f"There is no policy {name!r}.", f"Choose among {', '.join(ROSTER)}.")
        if any(ROSTER[name].matched for name in self.policies) and "kairos" not in self.policies:
            raise _wrong("Policies at the pushes of Kairos need Kairos.", "Add kairos to --policies.")
        if not self.seeds or self.weeks < 1:
            raise _wrong("There must be a seed and a week at least.", "Set --seeds and --weeks higher.")

    @property
    def runs(self) -> list[tuple[str, int]]:
        """(policy, seed), Kairos first: others wait for how many pushes it sent."""
        ordered = sorted(self.policies, key=lambda name: (name != "kairos", ROSTER[name].matched, list(ROSTER).index(name)))
        return [(name, seed) for name in ordered for seed in self.seeds]


QUICK = Plan(
    users=100,
    items=300,
    weeks=1,
    seeds=(1,),
    policies=("oracle", "oracle=", "kairos", "send-at-once", "send-at-once=", "fixed-hour=", "popular="),
)
"""A look, in less than a minute: everything runs, and nothing is significant."""


def _wrong(message: str, hint: str) -> KairosError:
    return KairosError(message, hint, exit_code=USAGE_ERROR)
