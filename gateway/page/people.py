"""The demo's people: who they are, tokens to speak for them, and how far the clock of each has been put ahead.

Kairos decides by the times of signals. So a user's time can be advanced by a signal dated ahead: a repetition of the zone they are in, which asks for
no decision. What waits until then is decided first, as of the moment it waited for (`PushPolicy.on_signal`). From then on all that they
do is dated by their clock, since what came before would be the past.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from gateway.common.tokens import issue_token
from gateway.page.settings import PersonSettings


@dataclass(frozen=True, slots=True)
class Signing:
    """How tokens are signed."""

    key_id: str
    secret: bytes
    audience: str
    lifetime_s: int


class NotTold(Exception):
    """The collector did not take what was told; the text says why."""


class People:
    """`told`: a client of the collector that has an API key. Times are milliseconds since the epoch."""

    def __init__(
        self,
        people: list[PersonSettings],
        signing: Signing,
        told: httpx.AsyncClient,
        furthest_ms: int,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._people = {person.id: person for person in people}
        self._signing = signing
        self._told = told
        self._furthest_ms = furthest_ms
        self._clock_ms = clock_ms
        self._ahead_ms = dict.fromkeys(self._people, 0)
        self._introduced: set[str] = set()

    def all(self) -> list[dict[str, Any]]:
        """For the page: who can be chosen."""
        return [_shown(person, self._ahead_ms[person.id]) for person in self._people.values()]

    def find(self, user_id: str) -> PersonSettings | None:
        """None: nobody that the page speaks for."""
        return self._people.get(user_id)

    def now_ms(self, user_id: str) -> int:
        """What the clock of a user shows; of those that are not the page's, the machine's."""
        return self._clock_ms() + self._ahead_ms.get(user_id, 0)

    async def begin(self, person: PersonSettings) -> dict[str, Any]:
        """A token to speak for them, after the job has been told who they are. Raises NotTold."""
        facts: dict[str, Any] = {"reachable": True, "timeZone": person.time_zone, "locale": person.locale, "country": person.country}
        if person.id not in self._introduced:
            facts |= {"pushConsent": True, "purposes": ["marketing", "editorial", "social"]}
        await self._tell(person.id, facts)
        self._introduced.add(person.id)
        now_s = self._clock_ms() // 1000
        signing = self._signing
        token = issue_token(person.id, signing.key_id, signing.secret, signing.audience, now_s, signing.lifetime_s)
        return {**_shown(person, self._ahead_ms[person.id]), "token": token, "expiresAtMs": (now_s + signing.lifetime_s) * 1000}

    async def advance(self, person: PersonSettings, by_ms: int) -> int:
        """Put their clock ahead, as far as allowed; returns how far ahead it is then. Raises NotTold."""
        before = self._ahead_ms[person.id]
        self._ahead_ms[person.id] = min(before + max(0, by_ms), self._furthest_ms)
        try:
            await self._tell(person.id, {"timeZone": person.time_zone})
        except NotTold:
            self._ahead_ms[person.id] = before
            raise
        return self._ahead_ms[person.id]

    async def _tell(self, user_id: str, facts: dict[str, Any]) -> None:
        try:
            answer = await self._told.put(f"/v1/users/{quote(user_id, safe='')}", json={**facts, "occurredAtMs": str(self.now_ms(user_id))})
        except httpx.TransportError as error:
            raise NotTold(f"the collector does not answer ({type(error).__name__})") from error
        if answer.status_code != 200:
            raise NotTold(f"the collector answers {answer.status_code}: {answer.text[:300]}")


def _shown(person: PersonSettings, ahead_ms: int) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "timeZone": person.time_zone,
        "locale": person.locale,
        "country": person.country,
        "aheadMs": ahead_ms,
    }
