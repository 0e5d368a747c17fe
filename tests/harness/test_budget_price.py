"""What a push costs comes in as knowledge: it is subtracted from what pushes are worth from the next decision on, and ends by itself."""

from collections.abc import Callable
from typing import Any

import pytest

from flink_job.codec.errors import reason_name
from kairos.v1 import knowledge_pb2
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import HOUR, plain_rules
from tests.harness.harness import OperatorHarness, Sent, dead_letters, decisions, pushes

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
KEY = "price/all"
RULES = plain_rules(utility__enabled=True, log__suppressed_share=1.0)


def tell(harness: OperatorHarness, price: float, made_at_ms: int = AT, **fields: Any) -> list[Sent]:
    body = knowledge_pb2.BudgetPrice(**{"budget_id": "all", "price": price, **fields})
    payload = knowledge_pb2.Knowledge(made_at_ms=made_at_ms, price=body).SerializeToString()
    return harness.shared(KEY, payload, f"kairos.knowledge/1/0/{made_at_ms}")


def view(harness: OperatorHarness, user: str = "ann") -> list[Sent]:
    number = harness.metric("signals")
    return harness.signal(user, signal("interaction", event_id=f"event-{number}", user_id=user, occurred_at_ms=harness.task.now_ms))


@pytest.fixture
def weighing(make_harness: MakeHarness) -> OperatorHarness:
    """A policy that weighs what pushes are worth and sends all that are worth anything."""
    harness = make_harness(rules=RULES)
    harness.shared("mug", item_record())
    return harness


def test_without_a_price_pushes_cost_nothing_beside_their_risks(weighing: OperatorHarness) -> None:
    (push,) = pushes(view(weighing))
    assert push.decision.budget_price == 0.0
    assert push.decision.utility > 0.0


def test_the_price_is_subtracted_from_what_a_push_is_worth(weighing: OperatorHarness) -> None:
    (free,) = pushes(view(weighing, "bob"))
    assert tell(weighing, free.decision.utility / 4) == []
    sent = view(weighing)
    (push,) = pushes(sent)
    assert push.decision.budget_price == pytest.approx(free.decision.utility / 4)
    assert push.decision.utility == pytest.approx(free.decision.utility * 3 / 4, rel=1e-4)
    (decision,) = decisions(sent)
    assert decision.utility_terms["price"] == push.decision.budget_price
    assert weighing.metric("knowledge_taken") == 1


def test_what_is_worth_less_than_the_price_is_not_sent_until_the_price_is_over(weighing: OperatorHarness) -> None:
    tell(weighing, 1.0, valid_until_ms=AT + HOUR)
    (decision,) = decisions(view(weighing))
    assert decision.reason == "not_worth_it"
    weighing.advance_to(AT + HOUR - 1)
    assert not pushes(view(weighing))
    weighing.advance_to(AT + HOUR)
    assert pushes(view(weighing))


def test_an_older_price_never_replaces_a_newer_one_and_null_takes_it_back(weighing: OperatorHarness) -> None:
    tell(weighing, 1.0, AT)
    tell(weighing, 0.0, AT - 1)
    assert weighing.metric("knowledge_outdated") == 1
    assert not pushes(view(weighing))
    weighing.shared(KEY, None, f"kairos.knowledge/1/1/{AT + 1}")
    assert pushes(view(weighing))


@pytest.mark.parametrize(
    ("price", "fields", "detail"),
    [
        (-0.5, {}, "price.price: must be a number that is not negative, not -0.5"),
        (float("nan"), {}, "price.price: must be a number that is not negative, not nan"),
        (0.5, {"valid_until_ms": AT}, f"price.valid_until_ms: {AT} is no moment after made_at_ms"),
        (0.5, {"budget_id": "email"}, "body: makes the key price/email, which differs from the record's"),
    ],
)
def test_a_price_that_cannot_be_is_a_dead_letter_and_the_one_before_stays(
    weighing: OperatorHarness, price: float, fields: dict[str, Any], detail: str
) -> None:
    tell(weighing, 1.0)
    (letter,) = dead_letters(tell(weighing, price, AT + 1, **fields))
    assert letter.detail == detail
    assert reason_name(letter.reason) in ("invalid_field", "key_mismatch")
    assert not pushes(view(weighing))


def test_a_restored_operator_knows_the_price_before_anything_is_read(weighing: OperatorHarness, make_harness: MakeHarness) -> None:
    tell(weighing, 1.0)
    assert not pushes(view(make_harness(weighing.snapshot(), rules=RULES)))


def test_a_policy_that_does_not_weigh_worth_does_not_look_at_the_price(make_harness: MakeHarness) -> None:
    harness = make_harness()
    harness.shared("mug", item_record())
    tell(harness, 1.0)
    assert pushes(view(harness))
