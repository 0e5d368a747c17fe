"""What pushes teach about their wordings: which templates could have been chosen, with which probability, which one was, and whether it was opened.

The round of a push is told when it is sent, and again when it is opened, to every template that could have been chosen. For that the user's state
keeps the newest `MOST_ROUNDS` rounds that were not opened yet: an open that comes later teaches nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from flink_job.core.history import command_key
from flink_job.core.ids import place_of_key
from flink_job.core.index.labels import label_of
from flink_job.core.learning.signals import MOST_WORDINGS, ItemSignal, PushStage, WordingRound, wording_key
from flink_job.core.rules import MessageRules
from flink_job.core.signals import Feedback, Outcome
from flink_job.core.state import UserState

MOST_ROUNDS = 8
"""Kept per user; pushes that were sent before so many others are hardly opened any more."""
_ROUND = struct.Struct(f"<Q{MOST_WORDINGS}i{MOST_WORDINGS}B")
"""Key of the command, labels of the templates, the chosen one first, and their probabilities in steps of 1/255; unused places are 0."""
ROUND_BYTES = _ROUND.size
_STEPS = 255
_OPENS = frozenset({Outcome.OPENED, Outcome.ACTION_CLICKED, Outcome.CONVERTED})  # who converts has opened

ItemSignals = tuple[ItemSignal, ...]


class Wordings:
    """Tells of the rounds of one policy's templates."""

    __slots__ = ("_id_of",)

    def __init__(self, template_ids: Iterable[str]) -> None:
        self._id_of = {label_of(template_id): template_id for template_id in template_ids}

    def of_push(self, state: UserState, command: str, chosen: str, propensities: tuple[tuple[str, float], ...], at_ms: int) -> ItemSignals:
        """To be called for every push, sent at `at_ms` with the template `chosen`; `propensities`: of each that could have been.

        Nothing is told where there was no choice. Of more than `MOST_WORDINGS` the least probable ones hear nothing of the round, whatever comes
        of it. Changes `state`.
        """
        if len(propensities) < 2:
            return ()
        others = sorted((each for each in propensities if each[0] != chosen), key=lambda each: -each[1])[: MOST_WORDINGS - 1]
        labels = [label_of(template_id) for template_id in (chosen, *(template_id for template_id, _ in others))]
        shares = [_in_steps(share) for share in (dict(propensities)[chosen], *(share for _, share in others))]
        unused = [0] * (MOST_WORDINGS - len(labels))
        entry = _ROUND.pack(command_key(command), *labels, *unused, *shares, *unused)
        state.open_rounds = (state.open_rounds + entry)[-MOST_ROUNDS * ROUND_BYTES :]
        return self._told(state, command, PushStage.SENT, at_ms, at_ms, entry)

    def before_feedback(self, state: UserState, signal: Feedback) -> ItemSignals:
        """To be called for all feedback: an open of a push whose round is still kept is told, once. Changes `state`."""
        rounds = state.open_rounds
        if not rounds or signal.outcome not in _OPENS:
            return ()
        key = command_key(signal.command_id)
        for at in range(0, len(rounds), ROUND_BYTES):
            if int.from_bytes(rounds[at : at + 8], "little") == key:
                state.open_rounds = rounds[:at] + rounds[at + ROUND_BYTES :]
                row = place_of_key(key, state.sent_command)
                sent_at_ms = state.sent_at_ms[row] if row >= 0 else signal.at_ms
                return self._told(state, signal.command_id, PushStage.OPENED, signal.at_ms, sent_at_ms, rounds[at : at + ROUND_BYTES])
        return ()

    def _told(self, state: UserState, command: str, stage: PushStage, at_ms: int, sent_at_ms: int, entry: bytes) -> ItemSignals:
        values = _ROUND.unpack(entry)
        labels, steps = values[1 : 1 + MOST_WORDINGS], values[1 + MOST_WORDINGS :]
        # A policy that came meanwhile may lack some; without the chosen one nobody could tell what the round says.
        known = [(self._id_of[label], step / _STEPS) for label, step in zip(labels, steps, strict=True) if label in self._id_of]
        if labels[0] not in self._id_of:
            return ()
        template_ids = [template_id for template_id, _ in known]
        body = WordingRound(template_ids, [share for _, share in known], int(stage), sent_at_ms)
        keys = tuple([wording_key(template_id) for template_id in template_ids])
        return (ItemSignal(f"{command}/wording/{stage.name.lower()}", keys, at_ms, state.country, body),)


def wordings_of(rules: MessageRules) -> Wordings:
    """For the templates of a policy."""
    return Wordings(template.id for template in rules.templates)


def _in_steps(share: float) -> int:
    return min(max(round(share * _STEPS), 1), _STEPS)
