"""A user whose life a test tells line by line: what they did, what became of their pushes, and what was decided each time."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from flink_job.core.catalogue import Catalogue
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.effects import Effects, Push, Suppressed, Wake
from flink_job.core.policy import PushPolicy
from flink_job.core.reasons import Reason
from flink_job.core.rules import Rules
from flink_job.core.signals import Feedback, Interaction, InteractionType, Nudge, Outcome, Signal, Trigger, UserUpdate
from flink_job.core.state import UserState, new_user
from flink_job.engine import zone_of
from tests.core.policies import plain_rules


def moment(text: str, zone: str = "UTC", fold: int = 0) -> int:
    """`moment("2026-03-02 09:30")` in milliseconds since the epoch."""
    wall = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(wall.timestamp() * 1000)


MONDAY_0930 = moment("2026-03-02 09:30")


def shelf(items: Iterable[CatalogueItem], feature_dim: int = 2) -> Catalogue:
    """A catalogue with these items."""
    catalogue = Catalogue(feature_dim)
    for item in items:
        catalogue.upsert(item)
    return catalogue


class Person:
    """One user under a policy. The clock of the machine shows the time of the signal unless `wall_ms` says otherwise."""

    def __init__(self, catalogue: Catalogue, rules: Rules | None = None, *, user_id: str = "ann", since_ms: int = MONDAY_0930) -> None:
        self.user_id = user_id
        self.catalogue = catalogue
        self.policy = PushPolicy(rules or plain_rules(), catalogue, zone_of)
        self.state: UserState = new_user(catalogue.features.shape[1] - 1, since_ms)
        self.pushes: list[Push] = []
        self._numbers = count(1)

    def does(
        self,
        kind: str,
        item_id: str = "",
        at_ms: int = MONDAY_0930,
        *,
        event_id: str = "",
        zone: str = "",
        country: str = "",
        locale: str = "",
        creator: str = "",
        wall_ms: int | None = None,
        hold_until_ms: int = 0,
    ) -> Effects:
        """The user does something: `does("view", "mug", at_ms)`."""
        event = Interaction(self._id(event_id), InteractionType[kind.upper()], at_ms, item_id, zone, country, locale, creator)
        return self._kept(self.policy.on_signal(self.user_id, self.state, event, at_ms if wall_ms is None else wall_ms, hold_until_ms))

    def reports(self, outcome: str, command_id: str, at_ms: int, *, event_id: str = "", channel: int = 0) -> Effects:
        """Something became of a push."""
        feedback = Feedback(self._id(event_id), command_id, Outcome[outcome.upper()], at_ms, channel)
        return self._kept(self.policy.on_signal(self.user_id, self.state, feedback, at_ms))

    def is_nudged(
        self,
        item_id: str,
        at_ms: int,
        *,
        boost: float = 0.0,
        expires_at_ms: int = 0,
        trigger: Trigger = Trigger.PRICE_DROP,
        event_id: str = "",
        wall_ms: int | None = None,
    ) -> Effects:
        """Another part of the system asks for a decision about an item."""
        nudge = Nudge(self._id(event_id), trigger, item_id, at_ms, expires_at_ms, boost)
        return self._kept(self.policy.on_signal(self.user_id, self.state, nudge, at_ms if wall_ms is None else wall_ms))

    def changes(
        self,
        at_ms: int,
        *,
        consent: bool | None = None,
        reachable: bool | None = None,
        zone: str | None = None,
        country: str | None = None,
        locale: str | None = None,
        purposes: tuple[str, ...] | None = None,
        birth_year: int | None = None,
        segments: tuple[str, ...] | None = None,
        channels: tuple[int, ...] | None = None,
        erase: bool = False,
        event_id: str = "",
    ) -> Effects:
        """A fact about the user changes."""
        facts = (purposes, birth_year, segments, channels)
        update = UserUpdate(self._id(event_id), at_ms, consent, reachable, zone, country, locale, erase, *facts)
        return self._kept(self.policy.on_signal(self.user_id, self.state, update, at_ms))

    def takes(self, signal: Signal, at_ms: int, wall_ms: int) -> Effects:
        """Any signal, moved to `at_ms`."""
        return self._kept(self.policy.on_signal(self.user_id, self.state, replace(signal, at_ms=at_ms), wall_ms))

    def wakes(self, at_ms: int, *, wall_ms: int | None = None, hold_until_ms: int = 0) -> Effects:
        """The timer for `at_ms` fires."""
        wall = at_ms if wall_ms is None else wall_ms
        return self._kept(self.policy.on_wake(self.user_id, self.state, at_ms, wall, hold_until_ms))

    def _id(self, event_id: str) -> str:
        return event_id or f"{self.user_id}-{next(self._numbers)}"

    def _kept(self, effects: Effects) -> Effects:
        self.pushes += [effect for effect in effects if isinstance(effect, Push)]
        return effects


def pushed(effects: Effects) -> str:
    """The item that is sent; empty if none is."""
    return next((effect.item.item_id for effect in effects if isinstance(effect, Push)), "")


def reasons(effects: Effects) -> list[Reason]:
    """Why nothing is sent, for each decision in `effects`."""
    return [effect.reason for effect in effects if isinstance(effect, Suppressed)]


def wake_ups(effects: Effects) -> list[int]:
    """The wake-ups that are set."""
    return [effect.at_ms for effect in effects if isinstance(effect, Wake)]
