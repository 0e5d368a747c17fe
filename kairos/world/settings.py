"""How large a world is, where it starts, and how fast it goes."""

from dataclasses import dataclass, field

from kairos.errors import USAGE_ERROR, KairosError
from kairos.world.behaviour import Behaviour
from kairos.world.curves import PERSONAS, Persona
from kairos.world.values import Scenario

_SHARES = {Scenario.SHOP: 0.5, Scenario.NEWS: 0.2, Scenario.SOCIAL: 0.3}
SCENARIOS: dict[str, tuple[Scenario, ...]] = {
    "shop": (Scenario.SHOP,),
    "news": (Scenario.NEWS,),
    "social": (Scenario.SOCIAL,),
    "mixed": tuple(_SHARES),
}


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Two worlds with equal settings that are asked the same are the same, event for event.

    ``rate`` keeps that many interactions a second on average, whatever the hour; ``floor`` keeps at least so many; without
    either the users' own hours decide. Raises ``KairosError`` for what makes no world.
    """

    seed: int
    start_ms: int
    users: int = 5_000
    items: int = 2_000
    scenario: str = "mixed"
    pace: float = 1.0
    rate: float | None = None
    floor: float | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)
    personas: tuple[Persona, ...] = PERSONAS

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise _wrong(f"There is no scenario {self.scenario!r}.", f"Choose one of {', '.join(SCENARIOS)}.")
        for name, least in (("users", 1), ("items", 10)):
            if getattr(self, name) < least:
                raise _wrong(f"A world needs {name} of at least {least}, not {getattr(self, name)}.", f"Set {name} higher.")
        for name in ("pace", "rate", "floor"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise _wrong(f"{name} must be more than 0 and finite, not {value}.", "Leave it out, or set it higher.")
        if self.rate is not None and self.floor is not None:
            raise _wrong("rate and floor exclude each other.", "rate fixes the number of events a second, floor only lifts it.")

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The kinds of application that its users use."""
        return SCENARIOS[self.scenario]

    def sizes(self) -> dict[Scenario, int]:
        """Live items of each scenario."""
        whole = sum(_SHARES[scenario] for scenario in self.scenarios)
        return {scenario: max(1, round(self.items * _SHARES[scenario] / whole)) for scenario in self.scenarios}


def _wrong(message: str, hint: str) -> KairosError:
    return KairosError(message, hint, exit_code=USAGE_ERROR)
