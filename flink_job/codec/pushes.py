"""Push commands as bytes, rendered from the catalogue's own record of the item."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from math import nan

import numpy as np
from numpy.typing import NDArray

from flink_job.core.channels import allowed_channels
from flink_job.core.draws import uniform
from flink_job.core.effects import Push
from flink_job.core.ids import key_of
from flink_job.core.index.labels import label_of
from flink_job.core.knowledge import Knowledge
from flink_job.core.messages.facts import Facts
from flink_job.core.messages.writer import Writer
from flink_job.core.purposes import purpose_of
from flink_job.core.rules import MessageRules
from flink_job.core.signals import Channel
from flink_job.core.state import UserState
from flink_job.core.wordings import ItemSignals, Wordings
from kairos.v1 import item_pb2, push_pb2

CREATOR_NAME = "creator_name"
"""Attribute of an item that says who made it, in words; `creator_id` need not be something to read."""

_ITEMS_READ = 2048
"""Items of which the texts are kept as they were read: some are pushed to many users."""

_CLASS_OF = {
    Channel.IN_APP: "in_app",
    Channel.WEB_PUSH: "web",
    Channel.FCM: "mobile",
    Channel.APNS: "mobile",
    Channel.HMS: "mobile",
    Channel.WEBHOOK: "in_app",
}
"""Which limits hold for texts that go over a channel."""
_REASONS = {
    "unfinished": "because it is still in your cart or on your wish list",
    "nudged": "because something you care about changed",
    "urgent": "because it cannot wait",
    "followed": "because you follow who made it",
    "together": "because others looked at it together with what you looked at last",
    "neighbour": "because it goes with what you looked at last",
    "interest": "because it fits what you like",
    "category": "because you looked at things like it",
    "trending": "because many look at it now",
    "fresh": "because it is new",
}


class PushEncoder:
    """Writes the message and puts the command together. One for a policy."""

    __slots__ = ("_arm_of", "_knowledge", "_producer", "_scored", "_scores", "_tell", "_writer")

    def __init__(self, rules: MessageRules, producer: str, knowledge: Knowledge | None = None, tell: Wordings | None = None) -> None:
        """`knowledge`: what pushes taught about wordings; `tell`: tells what each of these teaches. None where there is none."""
        self._writer = Writer(rules)
        self._knowledge = knowledge
        self._scored = 0
        self._tell = tell
        self._producer = producer
        self._arm_of = {label_of(name): arm for arm, name in enumerate(self._writer.arms)}
        self._scores = np.zeros(len(self._writer.arms))

    def encode(self, user_id: str, state: UserState, push: Push, policy: tuple[str, str]) -> tuple[bytes, ItemSignals]:
        """The command for `push`, the last one that `state` remembers, and what is to be told of its wording; notes in `state` which it was."""
        item, language, facts = _read(push.payload, state.locale)
        told_as = push.told_as
        draw = uniform(push.command_id, 0, "message")
        channels = allowed_channels(state)
        classes = tuple({_CLASS_OF[Channel(channel)]: None for channel in channels})
        since_ms = self._since_ms(state)
        scores = self._scores_now()
        message = self._writer.write(
            replace(facts, more=len(push.also)) if push.also else facts,
            told_as,
            item.scenario,
            state.locale,
            scores,
            since_ms,
            draw,
            classes,
        )
        told: ItemSignals = ()
        if message.template:
            state.sent_template[-1] = label_of(message.template)
            if self._tell is not None:
                told = self._tell.of_push(state, push.command_id, message.template, message.propensities, push.decided_at_ms)
        command = push_pb2.PushCommand(
            command_id=push.command_id,
            user_id=user_id,
            decided_at_ms=push.decided_at_ms,
            expires_at_ms=min(push.expires_at_ms, item.valid_until_ms) if item.valid_until_ms else push.expires_at_ms,
            quiet_from_ms=push.quiet_from_ms,
            priority=push_pb2.PRIORITY_HIGH if item.urgency >= item_pb2.URGENCY_HIGH else push_pb2.PRIORITY_NORMAL,
            purpose=f"PURPOSE_{purpose_of(item.scenario).upper()}",
            collapse_key=f"item-{key_of(item.item_id):016x}",
            thread_id=item.categories[0] if item.categories else "",
            relevance=min(1.0, max(0.0, push.item.score)),
            item_ids=[item.item_id, *(also.item_id for also in push.also)],
            scenario=item.scenario,
            trigger=push.record.trigger,  # type: ignore[arg-type]  # the numbers are the contract's
            reason=reason_in_words(push.item.sources),
            cause_id=push.record.cause_id,
            caused_at_ms=push.record.caused_at_ms,
            producer=self._producer,
        )
        command.channels.extend(channels)  # type: ignore[arg-type]  # the numbers are the contract's
        content = command.content
        content.title = message.title
        content.body = message.body
        content.template_id = message.template
        content.image_url = item.image_url
        content.deep_link = item.deep_link
        content.locale = message.locale or language
        command.decision.decision_id = push.command_id
        command.decision.policy_id, command.decision.policy_version = policy
        command.decision.score = push.item.score
        if push.item.p_open:
            command.decision.p_open, command.decision.p_convert = push.item.p_open, push.item.p_convert
            command.decision.utility = push.item.utility
            command.decision.budget_price = dict(push.record.terms).get("price", 0.0)
        command.decision.propensity = push.propensity
        return command.SerializeToString(), told

    def _scores_now(self) -> NDArray[np.float64]:
        """The score of each wording, (arms,); made anew when more is known of one."""
        knowledge = self._knowledge
        if knowledge is not None and knowledge.wordings.version != self._scored:
            self._scored = knowledge.wordings.version
            self._scores = self._writer.scores(knowledge.wordings.sums(self._writer.arms))
        return self._scores

    def _since_ms(self, state: UserState) -> NDArray[np.float64]:
        """How long before the push this user got each wording last, (arms,)."""
        since_ms = np.full(len(self._scores), np.inf)
        for at_ms, template in zip(state.sent_at_ms, state.sent_template, strict=True):
            if template and (arm := self._arm_of.get(template)) is not None:
                since_ms[arm] = state.sent_at_ms[-1] - at_ms
        return since_ms


def reason_in_words(sources: tuple[str, ...]) -> str:
    """Why this item, for the user, by the most telling source."""
    return next((words for name, words in _REASONS.items() if name in sources), "")


@lru_cache(maxsize=_ITEMS_READ)
def _read(payload: bytes, locale: str) -> tuple[item_pb2.Item, str, Facts]:
    """The item, not to be changed, with the language of the texts that fit `locale` best, and what can be said of it in them."""
    item = item_pb2.Item.FromString(payload)
    language, text = _text(item, locale)
    return item, language, _facts(item, text)


def _text(item: item_pb2.Item, locale: str) -> tuple[str, item_pb2.ItemText]:
    """The text that fits `locale` best, and its language."""
    texts = item.texts
    for language in (locale, locale.split("-", 1)[0], ""):
        if language in texts:
            return language, texts[language]
    first = min(texts, default="")
    return first, texts[first]


def _facts(item: item_pb2.Item, text: item_pb2.ItemText) -> Facts:
    categories = item.categories
    return Facts(
        title=text.title or item.item_id,
        summary=text.summary,
        price=item.price if item.HasField("price") else nan,
        list_price=item.list_price if item.HasField("list_price") else nan,
        currency=item.currency,
        creator=item.attributes.get(CREATOR_NAME, ""),
        category=categories[-1] if categories else "",
        top_category=categories[0] if categories else "",
        stock=item.stock if item.HasField("stock") else None,
    )
