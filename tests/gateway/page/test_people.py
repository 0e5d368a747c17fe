"""The page's server and its people: whom it speaks for, what it signs, and what it refuses."""

from typing import Any

import pytest

from flink_job.config import load_config
from flink_job.core.ids import share_of
from gateway.common.settings import load_settings
from gateway.common.tokens import TokenRules, TokenVerifier
from gateway.page.settings import PageSettings
from kairos.errors import KairosError
from tests.gateway.page.asking import NOON_MS, SECRET, Client, Collector


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


def test_a_person_in_a_zone_that_does_not_exist_is_named_when_the_page_is_started() -> None:
    people = "[{id: demo-x, name: X, time_zone: Europe/Lisbn, locale: en, country: PT}]"
    with pytest.raises(KairosError, match=r"page\.people\.0\.time_zone.*no such time zone"):
        load_settings(PageSettings, "page", None, {"KAIROS_EDGE__PAGE__PEOPLE": people})


def test_pages_may_run_their_own_scripts_alone(client: Client) -> None:
    headers = client.get("/healthz").headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "connect-src 'self' http://collector:1 ws://collector:1" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
