"""Writes down what a call of the policy reads, where it is one of those that are to be taken again; a thing of rare calls only.

call = replayables.begin(witness, state, …)   # before: the call changes the state
effects = policy.on_signal(…)
call.end()
… + call.inputs(…)                            # joined to every decision that is logged of it
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from flink_job.codec.inputs import Call, Shared, encode_inputs
from flink_job.codec.state import StateCodec
from flink_job.core.candidates import Found
from flink_job.core.catalogue import Catalogue
from flink_job.core.effects import Record
from flink_job.core.ids import key_of
from flink_job.core.index.columns import Rows
from flink_job.core.knowledge import Knowledge
from flink_job.core.recalled import Noted
from flink_job.core.rules import LogRules
from flink_job.core.signals import Feedback, Signal, UserUpdate
from flink_job.core.state import UserState
from flink_job.core.witness import Finding, Witness
from flink_job.metrics import Metrics


class ReplayableCall:
    """One call, begun. `before`: what it was called with.

    `touched`: keys of items that it may look at in any case; `known`: of those that it looks at when candidates are scored.
    """

    __slots__ = (
        "_before",
        "_catalogue",
        "_cause_id",
        "_feature_dim",
        "_knowledge",
        "_known",
        "_metrics",
        "_touched",
        "_witness",
        "_written",
    )

    def __init__(
        self,
        witness: Witness,
        catalogue: Catalogue,
        knowledge: Knowledge,
        metrics: Metrics,
        feature_dim: int,
        cause_id: str,
        before: Call,
        touched: Iterable[int],
        known: Iterable[int],
    ) -> None:
        self._witness = witness
        self._catalogue = catalogue
        self._knowledge = knowledge
        self._metrics = metrics
        self._feature_dim = feature_dim
        self._cause_id = cause_id
        self._before = before
        self._touched = touched
        self._known = known
        self._written: dict[float, bytes] = {}
        witness.begin()

    def inputs(self, rules: LogRules, record: Record, share: float) -> bytes:
        """The field `inputs` of a decision of this call; empty, and counted, if it would be too large.

        `share`: how many such decisions are logged at all. That is the same draw for what is decided on the call's own cause, and another one for
        what the call found waiting.
        """
        is_own = record.cause_id == self._cause_id
        log_rate = min(share, rules.replayable_share) if is_own else share * rules.replayable_share
        written = self._written.get(log_rate)
        if written is None:
            written = self._written[log_rate] = encode_inputs(self._before, self._shared(), log_rate)
        if len(written) > rules.replayable_bytes:
            self._metrics.add("inputs_too_large")
            return b""
        self._metrics.add("inputs_logged")
        return written

    def end(self) -> None:
        """The call is over."""
        self._witness.end()

    def _shared(self) -> Shared:
        catalogue, witness = self._catalogue, self._witness
        keys = [*self._touched, *(self._known if witness.findings else ())]
        own = [row for key in keys if (row := catalogue.row_of_key(key)) >= 0]
        rows: Rows = np.unique(np.concatenate([np.array(own, np.intp), *(finding.found.rows for finding in witness.findings)]))
        items = [catalogue.item(row) for row in rows.tolist()]
        return Shared(
            feature_dim=self._feature_dim,
            items=[item.payload for item in items],
            noted=[self._noted(finding, rows) for finding in witness.findings],
            hours=list({(asked.country, asked.hour): asked for asked in witness.hours}.values()),
            price=self._knowledge.price_told,
            stopped=[place for place, item in enumerate(items) if self._knowledge.is_stopped(item.key)],
        )

    def _noted(self, finding: Finding, rows: Rows) -> Noted:
        """With rows of the small catalogue, and what was known of the candidates: nothing has changed since the call asked for it."""
        found = finding.found
        known = self._knowledge.rates(found.rows, finding.now_ms) if len(self._knowledge) and len(found.rows) else None
        places = Found(tuple((source, rows.searchsorted(brought)) for source, brought in found.by_source))
        return Noted(Finding(finding.now_ms, finding.about_key, finding.only, places), known)


class Replayables:
    """Begins calls over one catalogue and what is known."""

    __slots__ = ("_catalogue", "_feature_dim", "_knowledge", "_metrics", "_states")

    def __init__(self, catalogue: Catalogue, knowledge: Knowledge, states: StateCodec, metrics: Metrics, feature_dim: int) -> None:
        self._catalogue = catalogue
        self._knowledge = knowledge
        self._states = states
        self._metrics = metrics
        self._feature_dim = feature_dim

    def begin_signal(
        self,
        witness: Witness,
        state: UserState,
        signal: Signal,
        payload: bytes | None,
        origin: str,
        wall_ms: int,
        hold_until_ms: int,
        *,
        is_new: bool,
    ) -> ReplayableCall | None:
        """To be called before a signal is decided on; None if it was not drawn."""
        if not witness.draws(signal.event_id):
            return None
        item_id = "" if isinstance(signal, Feedback | UserUpdate) else signal.item_id
        own = (key_of(item_id),) if item_id else ()
        blob = None if is_new else self._states.encode(state)
        return self._begin(witness, state, signal.event_id, Call(blob, payload, origin, 0, wall_ms, hold_until_ms), own)

    def begin_wake(self, witness: Witness, state: UserState, at_ms: int, wall_ms: int, hold_until_ms: int) -> ReplayableCall | None:
        """To be called before a wake-up is decided on; None if its cause was not drawn, or it is not the one that is waited for."""
        pending = state.pending
        if pending is None or pending.due_ms != at_ms or not witness.draws(pending.cause_id):
            return None
        call = Call(self._states.encode(state), None, "", at_ms, wall_ms, hold_until_ms)
        return self._begin(witness, state, pending.cause_id, call, ())

    def _begin(self, witness: Witness, state: UserState, cause_id: str, call: Call, own: tuple[int, ...]) -> ReplayableCall:
        touched = [*own, *state.bought_item, *state.unfolded_item]
        if state.pending is not None:
            touched += state.pending.item_key, state.pending.planned_key
        known = [*state.recent_item, *state.sent_item]
        return ReplayableCall(witness, self._catalogue, self._knowledge, self._metrics, self._feature_dim, cause_id, call, touched, known)
