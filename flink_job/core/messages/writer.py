"""Writes the message of a push, and says with which probability it was this wording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from flink_job.core.draws import drawn
from flink_job.core.messages.arms import Arms, PerArm, Sums
from flink_job.core.messages.facts import Facts, in_words
from flink_job.core.messages.pattern import Pattern, parse
from flink_job.core.messages.text import clean, cut, length
from flink_job.core.rules.messages import MessageRules, TextLimits
from flink_job.core.scenarios import SCENARIOS
from flink_job.core.signals import Trigger

NO_ARM = -1

_LEAST_VALUE = 12  # characters; a title cut shorter than that to save the words around it says nothing


@dataclass(frozen=True, slots=True)
class Message:
    """What the device shows.

    `template`: id of the template, empty if none fitted and the item's own texts stand alone; `locale`: the template's. `arm` is the place of
    `template` in `Writer.arms`, `NO_ARM` without one. `propensities`: id and probability of each that could have been chosen; they sum to 1.
    """

    title: str
    body: str
    locale: str
    template: str
    arm: int
    propensities: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class _Wording:
    template: str
    arm: int
    weight: float
    locale: str
    title: Pattern
    body: Pattern
    fields: frozenset[str]


class Writer:
    """The rules of messages, ready to use.

    `arms`: the ids of the templates, in the order of the policy. A template in two languages is one arm: what is learned in one counts in the other.
    """

    __slots__ = ("_arms", "_limits", "_wordings", "arms")

    def __init__(self, rules: MessageRules) -> None:
        self.arms = tuple(dict.fromkeys(template.id for template in rules.templates))
        self._arms = Arms(rules.arms)
        self._limits = rules.limits
        self._wordings: dict[tuple[int, int], dict[str, list[_Wording]]] = {}
        for template in rules.templates:
            title, body = parse(template.title), parse(template.body)
            wording = _Wording(
                template.id,
                self.arms.index(template.id),
                template.weight,
                template.locale,
                title,
                body,
                frozenset(title.fields + body.fields),
            )
            scenarios = [SCENARIOS.index(template.scenario)] if template.scenario else range(len(SCENARIOS))
            for name in template.triggers:
                for scenario in scenarios:
                    by_locale = self._wordings.setdefault((Trigger[name.upper()], scenario), {})
                    by_locale.setdefault(template.locale.lower(), []).append(wording)

    def scores(self, sums: Sums) -> PerArm:
        """The score of each of `arms`, (arms,), by what is known of them."""
        return self._arms.scores(sums)

    def write(
        self,
        facts: Facts,
        trigger: int,
        scenario: int,
        locale: str,
        scores: PerArm,
        since_ms: PerArm,
        draw: float,
        channels: tuple[str, ...] = (),
    ) -> Message:
        """The message about an item for a reader of `locale` (BCP 47, empty if unknown).

        `scores`, (arms,): `Arms.scores`, or zeros. `since_ms`, (arms,): how long ago this user got each, infinite for never. `draw` from [0, 1).
        `channels`: classes of channels it may go over ("mobile", "web", "in_app"); it fits all of them, and all that there are if none is named.
        """
        limits = self._limits.tightest(channels)
        words = in_words(facts, locale)
        fitting = self._fitting(trigger, scenario, locale, words)
        if not fitting:
            title, body = _limited(words.get("title", ""), words.get("summary", ""), limits)
            return Message(title, body, "", "", NO_ARM, ())
        arms = np.array([wording.arm for wording in fitting])
        shares = self._arms.shares(scores[arms], since_ms[arms], np.array([wording.weight for wording in fitting]))
        chosen = fitting[drawn(shares, draw)]
        title, body = _limited(
            _fitted(chosen.title, words, limits.title, limits.bytes), _fitted(chosen.body, words, limits.body, limits.bytes), limits
        )
        propensities = tuple((wording.template, share) for wording, share in zip(fitting, shares.tolist(), strict=True))
        return Message(title, body, chosen.locale, chosen.template, chosen.arm, propensities)

    def _fitting(self, trigger: int, scenario: int, locale: str, words: Mapping[str, str]) -> list[_Wording]:
        """The wordings that can be used: of the best matching language in which there is one whose fields the item has.

        For a digest they are those that say how many more there are, if there is one.
        """
        by_locale = self._wordings.get((trigger, scenario), {})
        for tag in _lookup(locale):
            if fitting := [wording for wording in by_locale.get(tag, ()) if wording.fields <= words.keys()]:
                return [wording for wording in fitting if "more" in wording.fields] or fitting if "more" in words else fitting
        return []


def _lookup(locale: str) -> Iterator[str]:
    """de-at, de and the empty tag for `de_AT`: the lookup of RFC 4647."""
    tag = locale.lower().replace("_", "-")
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
    yield ""


def _fitted(pattern: Pattern, words: Mapping[str, str], most: int, most_bytes: int) -> str:
    """The text; if it is too long, its longest field is cut rather than the words after it."""
    text = clean(pattern.filled(words))
    excess = max(length(text) - most, len(text.encode()) - most_bytes)
    if excess > 0 and pattern.fields:
        longest = max(pattern.fields, key=lambda field: len(words[field]))
        room = length(words[longest]) - excess
        if room >= _LEAST_VALUE:
            text = clean(pattern.filled({**words, longest: cut(words[longest], room, most_bytes)}))
    return text


def _limited(title: str, body: str, limits: TextLimits) -> tuple[str, str]:
    title = cut(title, limits.title, limits.bytes)
    return title, cut(body, limits.body, limits.bytes - len(title.encode()))
