"""The page's server before a browser comes: whom it speaks for, what it signs, and what it refuses."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from flink_job.config import load_config
from flink_job.core.ids import share_of
from gateway.common.settings import load_settings
from gateway.common.tokens import TokenRules, TokenVerifier
from gateway.page.answers import SafeHeaders
from gateway.page.counts import JobCounts
from gateway.page.endpoints import Endpoints
from gateway.page.knowledge import Knowledge
from gateway.page.people import People, Signing
from gateway.page.settings import PageSettings
from kairos.errors import KairosError
from kairos.v1.dead_letter_pb2 import DEAD_LETTER_REASON_MALFORMED, DeadLetter
from kairos.v1.decision_pb2 import VERDICT_SENT, VERDICT_SUPPRESSED, Candidate, Decision, Gate, Slot
from kairos.v1.item_pb2 import SCENARIO_SHOP, Item, ItemText
from kairos.v1.push_pb2 import Content, PushCommand

NOON_MS = 1_772_452_800_000
"""2 March 2026, 12:00 UTC."""

SECRET = b"a-secret-for-tokens-in-tests-0000"


class Collector:
    """In the collector's place: notes what it is told, and answers `status`. The real one is in the story."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.told.append((request.url.path, json.loads(request.content)))
        return httpx.Response(self.status, json={"accepted": 1, "rejected": []})


class Client:
    """Asks the application itself, without a network."""

    def __init__(self, app: Starlette, runner: asyncio.Runner) -> None:
        self._app = app
        self._runner = runner

    def get(self, path: str) -> httpx.Response:
        return self._runner.run(self._ask("GET", path))

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._ask("POST", path, **options))

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://page") as client:
            return await client.request(method, path, **options)


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge(load_settings(PageSettings, "page", None, {}).page, lambda: NOON_MS)


@pytest.fixture
def client(collector: Collector, knowledge: Knowledge) -> Iterator[Client]:
    settings = load_settings(PageSettings, "page", None, {}).page
    told = httpx.AsyncClient(base_url="http://collector", transport=httpx.MockTransport(collector))
    people = People(settings.people, Signing("t1", SECRET, "kairos", 900), told, settings.furthest_ms, lambda: NOON_MS)
    endpoints = Endpoints(settings, load_config(None, {}), people, knowledge, JobCounts("", 1000))
    app = Starlette(routes=endpoints.routes(), middleware=[Middleware(SafeHeaders, others=["http://collector:1"])])
    with asyncio.Runner() as runner:
        yield Client(app, runner)


def decision(number: int, **fields: Any) -> bytes:
    values = {"decision_id": f"d{number}", "user_id": "demo-ada", "decided_at_ms": NOON_MS - 1000 + number, "decision_number": number}
    return Decision(**(values | fields)).SerializeToString()


def test_nobody_whom_one_can_be_is_in_the_holdout_of_the_default_policy() -> None:
    gates = load_config(None, {}).policy.gates
    people = load_settings(PageSettings, "page", None, {}).page.people
    assert [person.id for person in people if share_of(person.id, gates.holdout_salt) < gates.holdout_share] == []


def test_a_session_is_a_token_for_this_person_alone_after_the_job_was_told_who_they_are(client: Client, collector: Collector) -> None:
    session = client.post("/api/people/demo-ada/session").json()

    verifier = TokenVerifier({"t1": SECRET}, "", TokenRules("kairos", 86_400, 10))
    assert verifier.verify(session["token"], NOON_MS / 1000).user_id == "demo-ada"
    assert session["expiresAtMs"] == NOON_MS + 900_000
    path, facts = collector.told[0]
    assert path == "/v1/users/demo-ada"
    assert facts | {"pushConsent": True, "reachable": True, "timeZone": "Europe/Lisbon", "occurredAtMs": str(NOON_MS)} == facts


def test_who_has_switched_pushes_off_is_not_switched_on_again_by_coming_back(client: Client, collector: Collector) -> None:
    client.post("/api/people/demo-ada/session")
    client.post("/api/people/demo-ada/session")
    assert ["pushConsent" in facts for _, facts in collector.told] == [True, False]


@pytest.mark.parametrize("path", ["session", "clock"])
def test_the_page_speaks_for_nobody_else(client: Client, collector: Collector, path: str) -> None:
    assert client.post(f"/api/people/user-000001/{path}", json={"byMs": 1}).status_code == 404
    assert collector.told == []


def test_putting_the_clock_ahead_is_a_signal_dated_ahead_and_all_that_follows_is_dated_so(client: Client, collector: Collector) -> None:
    assert client.post("/api/people/demo-ada/clock", json={"byMs": 60_000}).json() == {"aheadMs": 60_000}
    assert client.post("/api/people/demo-ada/clock", json={"byMs": 30_000}).json() == {"aheadMs": 90_000}
    assert client.post("/api/people/demo-ada/session").json()["aheadMs"] == 90_000

    assert [facts["occurredAtMs"] for _, facts in collector.told] == [str(NOON_MS + ahead) for ahead in (60_000, 90_000, 90_000)]
    assert collector.told[0][1] == {"timeZone": "Europe/Lisbon", "occurredAtMs": str(NOON_MS + 60_000)}


def test_the_clock_stops_at_the_furthest(client: Client) -> None:
    week_ms = 7 * 86_400_000
    assert client.post("/api/people/demo-ada/clock", json={"byMs": 10 * week_ms}).json() == {"aheadMs": week_ms}


@pytest.mark.parametrize("body", [{}, {"byMs": 0}, {"byMs": -1}, {"byMs": "1"}, {"byMs": True}, {"byMs": 1.5}, [1]])
def test_time_does_not_go_back(client: Client, collector: Collector, body: Any) -> None:
    assert client.post("/api/people/demo-ada/clock", json=body).status_code == 400
    assert collector.told == []


def test_a_page_of_another_origin_cannot_put_the_clock_ahead_unasked(client: Client, collector: Collector) -> None:
    answer = client.post("/api/people/demo-ada/clock", content=b'{"byMs": 1}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers
    assert collector.told == []


def test_where_the_collector_refuses_the_clock_stays_and_the_reason_is_told(client: Client, collector: Collector) -> None:
    collector.status = 503
    answer = client.post("/api/people/demo-ada/clock", json={"byMs": 60_000})
    assert answer.status_code == 503
    assert "503" in answer.json()["error"]["reason"]
    assert client.get("/api/where").json()["people"][0]["aheadMs"] == 0


def test_what_is_believed_has_verdict_gates_candidates_curve_and_interests_in_words(client: Client, knowledge: Knowledge) -> None:
    mug = Item(item_id="mug", scenario=SCENARIO_SHOP, categories=["kitchen", "tableware"], texts={"": ItemText(title="Blue mug")})
    sent = decision(
        1,
        verdict=VERDICT_SENT,
        command_id="c1",
        item_ids=["mug"],
        gates=[Gate(name="opted_out", passed=True)],
        candidates=[Candidate(item_id="mug", score=0.8, interest=0.7, propensity=0.9)],
        slots=[Slot(at_ms=NOON_MS, ctr=0.1, cvr=0.5, discount=1.0)],
    )
    closed = decision(
        2, verdict=VERDICT_SUPPRESSED, reason="cool_down", gates=[Gate(name="cool_down", passed=False, opens_at_ms=NOON_MS + 5000)]
    )
    push = PushCommand(command_id="c1", user_id="demo-ada", content=Content(title="Picked for you"))
    records = [
        ("items", b"mug", mug.SerializeToString()),
        ("decisions", b"demo-ada", sent),
        ("decisions", b"demo-ada", sent),
        ("pushes", b"demo-ada", push.SerializeToString()),
        ("decisions", b"demo-ada", closed),
        ("decisions", b"demo-ada", b"\xff\xff no decision"),
    ]
    knowledge.take([(topic, key, value, NOON_MS) for topic, key, value in records])

    told = client.get("/api/users/demo-ada/belief").json()

    assert [each["verdict"] for each in told["decisions"]] == ["suppressed", "sent"]
    assert told["decisions"][0]["gates"] == [
        {"name": "cool_down", "passed": False, "says": "the user dismissed a push lately", "opensAtMs": NOON_MS + 5000}
    ]
    assert told["decisions"][1]["title"] == "Picked for you"
    assert [(row["item"]["title"], row["chosen"]) for row in told["candidates"]["rows"]] == [("Blue mug", True)]
    assert told["curve"]["hours"][0]["ctr"] * told["curve"]["hours"][0]["cvr"] == pytest.approx(0.05)
    assert told["interests"] == {
        "from": "log",
        "rows": [{"category": ["kitchen", "tableware"], "interest": pytest.approx(0.7)}],
        "shares": [],
    }
    assert told["week"] is None
    assert {each["question"] for each in told["answers"]} >= {"Why this push"}
    assert client.get(f"/api/users/demo-ada/belief?after={told['version']}").status_code == 204


def test_a_person_in_a_zone_that_does_not_exist_is_named_when_the_page_is_started() -> None:
    people = "[{id: demo-x, name: X, time_zone: Europe/Lisbn, locale: en, country: PT}]"
    with pytest.raises(KairosError, match=r"page\.people\.0\.time_zone.*no such time zone"):
        load_settings(PageSettings, "page", None, {"KAIROS_EDGE__PAGE__PEOPLE": people})


def test_the_shelf_has_what_can_be_had_now_the_categories_in_turn(client: Client, knowledge: Knowledge) -> None:
    def item(name: str, category: str, **fields: Any) -> tuple[str, bytes | None, bytes | None, int]:
        return (
            "items",
            name.encode(),
            Item(item_id=name, scenario=SCENARIO_SHOP, categories=["home", category], **fields).SerializeToString(),
            0,
        )

    knowledge.take(
        [
            item("mug-1", "mugs"),
            item("mug-2", "mugs"),
            item("rug-1", "rugs"),
            item("rug-2", "rugs", stock=0),
            item("rug-3", "rugs"),
            item("old", "mugs", valid_until_ms=NOON_MS),
            ("items", b"rug-1", None, 0),
        ]
    )

    shown = client.get("/api/items?scenario=shop").json()
    assert [each["id"] for each in shown["items"]] == ["rug-3", "mug-2", "mug-1"]
    assert shown["categories"] == ["home"]
    assert client.get("/api/items/mug-2").json()["categories"] == ["home", "mugs"]
    assert client.get("/api/items/rug-1").json()["title"] == "rug-1"
    assert client.get("/api/items?scenario=garden").status_code == 400


def test_operators_are_told_what_the_topics_tell_also_where_the_job_cannot_be_asked(client: Client, knowledge: Knowledge) -> None:
    closed = decision(1, verdict=VERDICT_SUPPRESSED, reason="cap", arms={"timing": "early"})
    letter = DeadLetter(source_topic="kairos.interactions", reason=DEAD_LETTER_REASON_MALFORMED, detail="no message")
    knowledge.take([("decisions", b"demo-ada", closed, NOON_MS), ("dead-letters", b"x", letter.SerializeToString(), NOON_MS - 5000)])

    told = client.get("/api/operators").json()

    assert told["job"] is None
    assert {"count": 3, "windowMs": 86_400_000, "per": "all"} in told["caps"]
    topics = told["topics"]
    assert (topics["rates"]["decisions"][-1], topics["rates"]["dead letters"][-2:]) == (1, [1, 0])
    assert topics["reasons"] == [{"why": "as many pushes as allowed were sent in this window", "count": 1}]
    assert topics["arms"] == {"timing": {"early: no push": 1}}
    assert topics["deadLetters"]["newest"][0]["reason"] == "malformed"


def test_of_somebody_unknown_nothing_is_believed(client: Client) -> None:
    told = client.get("/api/users/nobody/belief").json()
    assert (told["decisions"], told["candidates"], told["inForce"]) == ([], None, None)


def test_pages_may_run_their_own_scripts_alone(client: Client) -> None:
    headers = client.get("/healthz").headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "connect-src 'self' http://collector:1 ws://collector:1" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
