"""What a push says: templates, how long it may be, and how one of several wordings is chosen."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from flink_job.core.messages.facts import FIELDS
from flink_job.core.messages.pattern import parse
from flink_job.core.rules.checks import RuleError, not_negative, positive, share
from flink_job.core.scenarios import SCENARIOS
from flink_job.core.signals import Trigger

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOCALE = re.compile(r"(?:[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)?")
_TRIGGERS = tuple(trigger.name.lower() for trigger in Trigger if trigger)


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """One wording in one language. Templates of the same `id` are the same arm in several languages; no `scenario`: it goes with every one.

    `weight`: how likely it is beside the others while nothing is known of them.
    """

    id: str
    triggers: tuple[str, ...]
    locale: str
    title: str
    body: str
    scenario: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise RuleError(f"id: 1 to 64 of A-Z a-z 0-9 . _ -, not {self.id!r}")
        name = f"{self.id}/{self.locale}" if self.locale else self.id
        if not self.triggers:
            raise RuleError(f"{name}.triggers: name at least one of {', '.join(_TRIGGERS)}")
        for trigger in self.triggers:
            _one_of(f"{name}.triggers", "trigger", trigger, _TRIGGERS)
        if self.scenario:
            _one_of(f"{name}.scenario", "scenario", self.scenario, SCENARIOS[1:])
        if not _LOCALE.fullmatch(self.locale):
            raise RuleError(f"{name}.locale: a BCP 47 tag such as de or de-AT, or empty for readers of every language, not {self.locale!r}")
        if not self.title.strip():
            raise RuleError(f"{name}.title: must not be empty")
        for part, text in (("title", self.title), ("body", self.body)):
            try:
                fields = parse(text).fields
            except ValueError as error:
                raise RuleError(f"{name}.{part}: {error}") from error
            for field in fields:
                _one_of(f"{name}.{part}", "field", field, tuple(FIELDS))
        if not 0 < self.weight < float("inf"):
            raise RuleError(f"{name}.weight: must be greater than 0, not {self.weight}")


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How long title and body may be, in characters as a reader counts them, and both together in bytes of UTF-8."""

    title: int
    body: int
    bytes: int

    def __post_init__(self) -> None:
        for name in ("title", "body", "bytes"):
            positive(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """Limits by class of channels: `mobile` FCM, APNs and HMS, `web` Web Push, `in_app` an open page or app, and a customer's server."""

    mobile: TextLimits
    web: TextLimits
    in_app: TextLimits

    def tightest(self, classes: tuple[str, ...] = ()) -> TextLimits:
        """What fits all these classes; all there are if none is named."""
        return _tightest(self, classes)


@lru_cache(maxsize=64)
def _tightest(limits: ChannelLimits, classes: tuple[str, ...]) -> TextLimits:
    each = [getattr(limits, name) for name in classes or ("mobile", "web", "in_app")]
    return TextLimits(*(min(getattr(limit, part) for limit in each) for part in ("title", "body", "bytes")))


@dataclass(frozen=True, slots=True)
class ArmRules:
    """How one of several wordings is chosen; `flink_job.core.messages.arms` has the formula."""

    temperature: float
    uniform_share: float
    repeat_penalty: float
    recovery_half_life_ms: int
    prior_rounds: float

    def __post_init__(self) -> None:
        if not 1e-6 <= self.temperature < float("inf"):
            raise RuleError(f"temperature: must be at least 1e-6, not {self.temperature}")
        share("uniform_share", self.uniform_share)
        not_negative("repeat_penalty", self.repeat_penalty)
        positive("recovery_half_life_ms", self.recovery_half_life_ms)
        positive("prior_rounds", self.prior_rounds)


@dataclass(frozen=True, slots=True)
class MessageRules:
    """Everything about messages. Without a template that fits, an item's own texts are sent."""

    limits: ChannelLimits
    arms: ArmRules
    templates: tuple[MessageTemplate, ...]

    def __post_init__(self) -> None:
        known: set[tuple[str, str]] = set()
        for template in self.templates:
            key = template.id, template.locale.lower()
            if key in known:
                raise RuleError(f"templates: {template.id} is there twice for locale {template.locale!r}")
            known.add(key)


def _one_of(name: str, what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise RuleError(f"{name}: there is no {what} {value!r}; {hint}")
