"""Turns rows of interactions into values that can be told: numbers become ids and texts."""

from flink_job.core.signals import InteractionType
from kairos.world.catalogue import Catalogue
from kairos.world.columns import NOBODY, Events
from kairos.world.latent import creator_name
from kairos.world.memory import Ints
from kairos.world.pace import Pace
from kairos.world.people import People
from kairos.world.texts import query_for
from kairos.world.values import Interaction, Scenario

_TYPES = {int(kind): kind for kind in InteractionType}
_SCENARIOS = {int(scenario): scenario for scenario in Scenario}


class Narrator:
    """``run`` begins every id, so that two worlds never make the same one."""

    def __init__(self, run: str, people: People, catalogue: Catalogue, pace: Pace, commands: dict[int, str]) -> None:
        self._run, self._people, self._catalogue, self._pace, self._commands = run, people, catalogue, pace, commands

    def tell(self, events: Events) -> list[Interaction]:
        """One value for each row, in the same order."""
        at: Ints = self._pace.civil_all(events["at_ms"])
        run, ids, profile, commands = self._run, self._catalogue.ids, self._people.profile, self._commands
        told = []
        for at_ms, row in zip(at.tolist(), events.tolist(), strict=True):
            (
                _,
                number,
                user,
                kind,
                scenario,
                item,
                query,
                creator,
                quantity,
                value,
                dwell,
                completion,
                session,
                ordered,
                command,
            ) = row
            session_id = f"{run}-s{session:x}" if session else ""
            told.append(
                Interaction(
                    f"{run}-{number:x}",
                    profile(user),
                    _TYPES[kind],
                    at_ms,
                    _SCENARIOS[scenario],
                    ids[item] if item != NOBODY else "",
                    quantity,
                    value,
                    query_for(self._catalogue.titles[query]) if query != NOBODY else "",
                    creator_name(creator) if creator != NOBODY else "",
                    int(dwell / self._pace.factor),
                    completion,
                    session_id,
                    session_id and f"{session_id}-order" if ordered else "",
                    commands.get(command, "") if command != NOBODY else "",
                )
            )
        return told
