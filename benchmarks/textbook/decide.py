"""The decision with Flink's state primitives: a value, list or map state per fact about the user, and a scan of the broadcast state per decision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor, ReadOnlyBroadcastState, ValueStateDescriptor

from benchmarks.textbook.records import dead_letter, logged, push_command, sent_decision, suppressed_decision
from benchmarks.textbook.values import Item, Signal
from flink_job.config import Config
from flink_job.core.ids import share_of

ITEMS = MapStateDescriptor("items", Types.STRING(), Types.PICKLED_BYTE_ARRAY())

Out = tuple[str, bytes]


class Decide(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Keyed by user; items are broadcast. Emits (topic, record)."""

    def __init__(self, config: Config) -> None:
        self._rules = config.policy

    def open(self, runtime_context: RuntimeContext) -> None:
        """Called once, before any element."""
        self._seen = runtime_context.get_state(ValueStateDescriptor("seen", Types.PICKLED_BYTE_ARRAY()))
        self._short = runtime_context.get_state(
            ValueStateDescriptor("short", Types.PICKLED_BYTE_ARRAY())
        )  # (mass, decayed sum of features)
        self._long = runtime_context.get_state(ValueStateDescriptor("long", Types.PICKLED_BYTE_ARRAY()))
        self._interest_at_ms = runtime_context.get_state(ValueStateDescriptor("interest_at_ms", Types.LONG()))
        self._pending = runtime_context.get_state(ValueStateDescriptor("pending", Types.PICKLED_BYTE_ARRAY()))  # (due, signal)
        self._scored_at_ms = runtime_context.get_state(ValueStateDescriptor("scored_at_ms", Types.LONG()))
        self._recent = runtime_context.get_map_state(MapStateDescriptor("recent", Types.STRING(), Types.PICKLED_BYTE_ARRAY()))
        self._bought = runtime_context.get_map_state(MapStateDescriptor("bought", Types.STRING(), Types.LONG()))
        self._sent = runtime_context.get_list_state(ListStateDescriptor("sent", Types.PICKLED_BYTE_ARRAY()))  # (time, item)

    def process_broadcast_element(self, item: Item, ctx: KeyedBroadcastProcessFunction.Context) -> None:
        """A new version of an item."""
        ctx.get_broadcast_state(ITEMS).put(item.item_id, item)

    def process_element(self, signal: Signal, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterator[Out]:
        """One interaction."""
        if not signal.kind:
            yield "dead-letters", dead_letter(signal.payload)
            return
        seen = self._seen.value() or []
        if signal.event_id in seen:
            return
        self._seen.update([*seen, signal.event_id][-self._rules.memory.seen_events :])
        items = ctx.get_broadcast_state(ITEMS)
        pending = self._pending.value()
        if pending is not None and pending[0] <= signal.at_ms:
            self._pending.clear()
            yield from self._decide(pending[1], pending[0], items, ctx)
            pending = self._pending.value()
        if signal.item_id:
            self._observe(signal, items.get(signal.item_id))
        if signal.kind not in self._rules.triggers:
            yield from logged(signal, "not_a_trigger", self._rules)
        elif pending is not None:
            yield from logged(signal, "pending", self._rules)
        else:
            yield from self._decide(signal, signal.at_ms, items, ctx)

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterator[Out]:
        """A decision was put off until now."""
        pending = self._pending.value()
        if pending is not None and pending[0] == timestamp:
            self._pending.clear()
            yield from self._decide(pending[1], timestamp, ctx.get_broadcast_state(ITEMS), ctx)

    def _observe(self, signal: Signal, item: Item | None) -> None:
        rules = self._rules
        weight = rules.interest.weights.get(signal.kind, 0.0)
        if weight and item is not None:
            at_ms = self._interest_at_ms.value() or signal.at_ms
            for state, half_life_ms in ((self._short, rules.interest.short_half_life_ms), (self._long, rules.interest.long_half_life_ms)):
                mass, vector = state.value() or (0.0, np.zeros(len(item.features), np.float32))
                fade = 0.5 ** (max(0, signal.at_ms - at_ms) / half_life_ms)
                late = 0.5 ** (max(0, at_ms - signal.at_ms) / half_life_ms)
                state.update((mass * fade + abs(weight) * late, vector * np.float32(fade) + item.features * np.float32(weight * late)))
            self._interest_at_ms.update(max(at_ms, signal.at_ms))
        before_ms, before = self._recent.get(signal.item_id) or (signal.at_ms, 0.0)
        fade = 0.5 ** (max(0, signal.at_ms - before_ms) / rules.affinity.half_life_ms)
        self._recent.put(signal.item_id, (signal.at_ms, before * fade + weight))
        recent = sorted((at_ms, item_id) for item_id, (at_ms, _) in self._recent.items())
        for _, item_id in recent[: -rules.memory.recent_items]:
            self._recent.remove(item_id)
        if signal.kind == "purchase":
            self._bought.put(signal.item_id, signal.at_ms)

    def _decide(
        self, signal: Signal, now_ms: int, items: ReadOnlyBroadcastState, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext
    ) -> Iterator[Out]:
        rules, gates = self._rules, self._rules.gates
        sent = list(self._sent.get() or ())
        opens_at_ms = sent[-1][0] + gates.min_gap_ms if sent else 0
        for cap in gates.caps:
            if len(sent) >= cap.count:
                opens_at_ms = max(opens_at_ms, sent[-cap.count][0] + cap.window_ms)
        if opens_at_ms > now_ms:
            if opens_at_ms - now_ms <= gates.longest_deferral_ms:
                self._pending.update((opens_at_ms, signal))
                ctx.timer_service().register_processing_time_timer(opens_at_ms)
            yield from logged(signal, "gap_or_cap", rules)
            return
        if share_of(signal.user_id, gates.holdout_salt) < gates.holdout_share:
            yield from logged(signal, "holdout", rules)
            return
        if now_ms - (self._scored_at_ms.value() or 0) < gates.rescore_after_ms:
            yield from logged(signal, "scored_lately", rules)
            return
        best = self._best(now_ms, items, sent)
        if best is None or best[0] < rules.send.min_score:
            self._scored_at_ms.update(now_ms)
            yield from suppressed_decision(signal, "below_threshold", now_ms, rules)
            return
        score, item = best
        self._sent.update([*sent, (now_ms, item.item_id)][-rules.memory.sent_pushes :])
        yield "pushes", push_command(signal, item, score, now_ms, rules)
        yield "decisions", sent_decision(signal, item, score, now_ms, rules)

    def _best(self, now_ms: int, items: ReadOnlyBroadcastState, sent: list[tuple[int, str]]) -> tuple[float, Item] | None:
        """The argmax over all items, `I_u · F_i + α · r_ui`."""
        rules = self._rules
        recent = dict(self._recent.items())
        excluded = {item_id for at_ms, item_id in sent if at_ms > now_ms - rules.items.repeat_after_ms}
        excluded |= {item_id for item_id, at_ms in self._bought.items() if at_ms > now_ms - rules.items.bought_for_ms}
        excluded |= {item_id for item_id, (at_ms, _) in recent.items() if at_ms > now_ms - rules.items.seen_for_ms}
        profile = None
        for state, share in ((self._short, rules.interest.short_share), (self._long, 1 - rules.interest.short_share)):
            mass, vector = state.value() or (0.0, None)
            if vector is not None and mass:
                part = vector * np.float32(share / mass)
                profile = part if profile is None else profile + part
        best: tuple[float, Item] | None = None
        for item_id, item in items.items():
            if item_id in excluded or not item.in_stock or not item.valid_from_ms <= now_ms < (item.valid_until_ms or now_ms + 1):
                continue
            score = float(profile @ item.features) if profile is not None else 0.0
            if item_id in recent:
                at_ms, weight = recent[item_id]
                value = weight * 0.5 ** ((now_ms - at_ms) / rules.affinity.half_life_ms)
                score += rules.affinity.alpha * max(0.0, value) / (max(0.0, value) + rules.affinity.saturation)
            if best is None or score > best[0]:
                best = score, item
        return best
