"""What the front end asks its server for. Everything is JSON; times are milliseconds since the epoch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flink_job.config import Config
from gateway.page.answers import refused
from gateway.page.belief import belief
from gateway.page.catalogue import SCENARIOS
from gateway.page.counts import JobCounts
from gateway.page.knowledge import Knowledge
from gateway.page.people import NotTold, People
from gateway.page.settings import PageSection, PersonSettings
from kairos.decisions.held import held
from kairos.explain.clock import clock_of, given_clock

_DECISIONS = 12
_OTHERS = 12
_MOST_BODY_BYTES = 1_000


class Endpoints:
    """`obstacle`: why nothing is read from Kafka; empty: it is."""

    def __init__(self, settings: PageSection, job: Config, people: People, knowledge: Knowledge, counts: JobCounts) -> None:
        self._settings = settings
        self._job = job
        self._people = people
        self._knowledge = knowledge
        self._counts = counts
        self.obstacle: Callable[[], str] = lambda: "starting"

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/healthz", self.health),
            Route("/readyz", self.ready),
            Route("/api/where", self.where),
            Route("/api/items", self.items),
            Route("/api/items/{item_id}", self.item),
            Route("/api/users", self.users),
            Route("/api/users/{user_id}/belief", self.belief),
            Route("/api/people/{user_id}/session", self.session, methods=["POST"]),
            Route("/api/people/{user_id}/clock", self.clock, methods=["POST"]),
            Route("/api/operators", self.operators),
        ]

    async def health(self, _request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Kafka is read, and there is something to show."""
        reason = self.obstacle() or ("" if len(self._knowledge.catalogue) else "the catalogue is empty")
        return JSONResponse({"ready": not reason, "reason": reason}, 503 if reason else 200)

    async def where(self, _request: Request) -> Response:
        """Whom one can be, and where collector and delivery are."""
        settings = self._settings
        return JSONResponse(
            {
                "collector": settings.collector_url,
                "gateway": settings.gateway_url,
                "furthestMs": settings.furthest_ms,
                "people": self._people.all(),
            }
        )

    async def items(self, request: Request) -> Response:
        """Of one scenario, and of one category of it if one is named."""
        scenario = request.query_params.get("scenario", "shop")
        if scenario not in SCENARIOS:
            return refused(400, f"scenario: one of {', '.join(SCENARIOS)}")
        catalogue = self._knowledge.catalogue
        now_ms = self._people.now_ms(request.query_params.get("user", ""))
        some = catalogue.some(scenario, now_ms, self._settings.feed_items, request.query_params.get("category", ""))
        return JSONResponse({"items": some, "categories": catalogue.categories(scenario), "known": len(catalogue)})

    async def item(self, request: Request) -> Response:
        """One item; of an unknown one its id alone."""
        return JSONResponse(self._knowledge.catalogue.shown(request.path_params["item_id"]))

    async def users(self, _request: Request) -> Response:
        """Others, about whom something was decided lately."""
        lately = self._knowledge.memory.lately(_OTHERS + len(self._people.all()))
        return JSONResponse({"users": [user for user in lately if self._people.find(user) is None][:_OTHERS]})

    async def belief(self, request: Request) -> Response:
        """What is believed of a user; 204 while there is nothing newer than `after`."""
        user_id = request.path_params["user_id"]
        memory = self._knowledge.memory
        version = f"{memory.version(user_id)}"
        if request.query_params.get("after") == version:
            return Response(status_code=204)
        history = memory.history(user_id)
        person = self._people.find(user_id)
        clock = given_clock(person.time_zone) if person else clock_of(history.decisions, self._job.policy.gates.quiet_hours)
        latest_ms = max((each.decided_at_ms for each in history.decisions), default=0)
        now_ms = max(self._people.now_ms(user_id), latest_ms)
        known = memory.of(user_id)
        told = belief(
            history,
            held(known.decisions, known.feedback, known.hours, self._job) if known is not None else None,
            self._knowledge.catalogue,
            self._job,
            now_ms=now_ms,
            zone=clock.zone,
            zone_name=clock.name,
            most=_DECISIONS,
        )
        return JSONResponse({"version": version, **told})

    async def session(self, request: Request) -> Response:
        """Be one of the people: a token that lasts some minutes."""
        person = self._person(request)
        if person is None:
            return _nobody()
        try:
            return JSONResponse(await self._people.begin(person))
        except NotTold as error:
            return refused(503, str(error))

    async def clock(self, request: Request) -> Response:
        """Put a person's clock ahead by `byMs`."""
        person = self._person(request)
        if person is None:
            return _nobody()
        by_ms = (await _body(request)).get("byMs")
        if not isinstance(by_ms, int) or isinstance(by_ms, bool) or by_ms <= 0:
            return refused(400, "byMs: a whole number of milliseconds above 0; time does not go back")
        try:
            ahead_ms = await self._people.advance(person, by_ms)
        except NotTold as error:
            return refused(503, str(error))
        return JSONResponse({"aheadMs": ahead_ms})

    async def operators(self, _request: Request) -> Response:
        """Rates, latency, reasons, caps, arms, dead letters."""
        policy = self._job.policy
        caps = [{"count": cap.count, "windowMs": cap.window_ms, "per": cap.per} for cap in policy.gates.caps]
        return JSONResponse(
            {
                "topics": self._knowledge.tally.as_json(),
                "job": await self._counts.as_json(),
                "caps": caps,
                "policy": f"{policy.policy_id} {policy.version}",
                "holdoutShare": policy.gates.holdout_share,
                "feed": self.obstacle(),
            }
        )

    def _person(self, request: Request) -> PersonSettings | None:
        return self._people.find(request.path_params["user_id"])


def _nobody() -> Response:
    return refused(404, "the page speaks for its own people only")


async def _body(request: Request) -> dict[str, Any]:
    """What is no JSON object is an empty one. A page of another origin cannot send this type of body unasked."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        return {}
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > _MOST_BODY_BYTES:
            return {}
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}
