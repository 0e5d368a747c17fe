"""Push commands as bytes, rendered from the catalogue's own record of the item."""

from __future__ import annotations

from flink_job.core.effects import Push
from flink_job.core.ids import key_of
from kairos.v1 import item_pb2, push_pb2

_PURPOSES = {
    item_pb2.SCENARIO_NEWS: push_pb2.PURPOSE_EDITORIAL,
    item_pb2.SCENARIO_SOCIAL: push_pb2.PURPOSE_SOCIAL,
}
_REASONS = {
    "unfinished": "because it is still in your cart or on your wish list",
    "nudged": "because something you care about changed",
    "neighbour": "because it goes with what you looked at last",
    "interest": "because it fits what you like",
    "category": "because you looked at things like it",
    "fresh": "because it is new",
}


def encode_push(user_id: str, locale: str, push: Push, policy: tuple[str, str], producer: str) -> bytes:
    """The command for `push`; texts in the language that fits `locale` best."""
    item = item_pb2.Item.FromString(push.payload)
    language, text = _text(item, locale)
    command = push_pb2.PushCommand(
        command_id=push.command_id,
        user_id=user_id,
        decided_at_ms=push.decided_at_ms,
        expires_at_ms=min(push.expires_at_ms, item.valid_until_ms) if item.valid_until_ms else push.expires_at_ms,
        quiet_from_ms=push.quiet_from_ms,
        priority=push_pb2.PRIORITY_HIGH if item.urgency >= item_pb2.URGENCY_HIGH else push_pb2.PRIORITY_NORMAL,
        purpose=_PURPOSES.get(item.scenario, push_pb2.PURPOSE_MARKETING),
        collapse_key=f"item-{key_of(item.item_id):016x}",
        thread_id=item.categories[0] if item.categories else "",
        relevance=min(1.0, max(0.0, push.item.score)),
        item_ids=[item.item_id],
        scenario=item.scenario,
        trigger=push.record.trigger,  # type: ignore[arg-type]  # the numbers are the contract's
        reason=reason_in_words(push.item.sources),
        cause_id=push.record.cause_id,
        caused_at_ms=push.record.caused_at_ms,
        producer=producer,
    )
    content = command.content
    content.title = text.title or item.item_id
    content.body = text.summary
    content.image_url = item.image_url
    content.deep_link = item.deep_link
    content.locale = language
    command.decision.decision_id = push.command_id
    command.decision.policy_id, command.decision.policy_version = policy
    command.decision.score = push.item.score
    command.decision.propensity = push.propensity
    return command.SerializeToString()


def reason_in_words(sources: tuple[str, ...]) -> str:
    """Why this item, for the user, by the most telling source."""
    return next((words for name, words in _REASONS.items() if name in sources), "")


def _text(item: item_pb2.Item, locale: str) -> tuple[str, item_pb2.ItemText]:
    """The text that fits `locale` best, and its language."""
    texts = item.texts
    for language in (locale, locale.split("-", 1)[0], ""):
        if language in texts:
            return language, texts[language]
    first = min(texts, default="")
    return first, texts[first]
