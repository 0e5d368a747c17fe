"""What the page's server tells of what it has read: a user's beliefs, the shelf, and the operators' view."""

from typing import Any

import pytest

from gateway.page.knowledge import Knowledge
from kairos.v1.dead_letter_pb2 import DEAD_LETTER_REASON_MALFORMED, DeadLetter
from kairos.v1.decision_pb2 import VERDICT_SENT, VERDICT_SUPPRESSED, Candidate, Decision, Gate, Slot
from kairos.v1.item_pb2 import SCENARIO_SHOP, Item, ItemText
from kairos.v1.push_pb2 import Content, PushCommand
from tests.gateway.page.asking import NOON_MS, Client


def decision(number: int, **fields: Any) -> bytes:
    values = {"decision_id": f"d{number}", "user_id": "demo-ada", "decided_at_ms": NOON_MS - 1000 + number, "decision_number": number}
    return Decision(**(values | fields)).SerializeToString()


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
