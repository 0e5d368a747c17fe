"""The user operator: one Flink state and one timer service around the engine. No decision is taken here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import BroadcastState, MapStateDescriptor, StateTtlConfig, ValueStateDescriptor

from flink_job.engine import Answer, Engine, OutRecord
from flink_job.garbage import collect_rarely
from flink_job.lean_calls import call_directly
from flink_job.lean_rows import use_lean_rows
from flink_job.settings import EngineSettings

_READY = "\0ready"
"""Key in the stored catalogue that says it had been read to its end; no item id can be that."""

_SHOW_METRICS_EVERY_MS = 20


def catalogue_descriptor() -> MapStateDescriptor:
    """Broadcast state: item id → the item's record as it came; knowledge under keys that no item id can be."""
    return MapStateDescriptor("catalogue-v1", Types.STRING(), Types.PICKLED_BYTE_ARRAY())


class UserOperator(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Keyed by user id. Elements: ROW(user_id, payload, origin). Broadcast: ROW(key, payload, origin). Out: ROW(topic, key, value)."""

    def __init__(self, settings: EngineSettings, *, native_ttl: bool) -> None:
        self._settings = settings
        self._native_ttl = native_ttl

    def open(self, runtime_context: RuntimeContext) -> None:
        """Called once per instance, before any element."""
        collect_rarely()
        user = ValueStateDescriptor("user-v1", Types.PICKLED_BYTE_ARRAY())
        if self._native_ttl:  # process mode would commit every update at once and wait for it
            user.enable_time_to_live(StateTtlConfig.new_builder(Time.days(self._settings.user_ttl_days)).build())
        self._user = runtime_context.get_state(user)
        # A descriptor that has been used holds a lock and cannot travel, so it is made here.
        self._stored_items = catalogue_descriptor()
        self._engine = Engine(self._settings)
        self._operation = use_lean_rows()
        lean = self._operation is not None
        self._row: Callable[[OutRecord], Any] = _as_it_is if lean else _as_row
        self._engine.metrics.levels["lean_rows"] = lambda: int(lean)
        self._restored = False
        self._marked_ready = False
        self._show_at_ms = 0
        self._engine.metrics.register(runtime_context.get_metrics_group().add_group("kairos"))

    def process_element(self, value: Row, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterable[Row]:
        """One signal."""
        if self._operation is not None:
            call_directly(self._operation, partial(self._on_signal, ctx))  # the context is the same for all elements
            self._operation = None
        return self._on_signal(ctx, value)

    def _on_signal(self, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext, value: Row) -> Iterable[Row]:
        wall_ms = _wall_ms()
        if not self._restored:
            self._restore(ctx.get_broadcast_state(self._stored_items), wall_ms)
        user_id, payload, origin = value
        blob = None if self._engine.holds(user_id) else self._user.value()
        answer = self._engine.on_signal(user_id, payload, origin, blob, wall_ms)
        return self._carry_out(answer, ctx, wall_ms)

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterable[Row]:
        """One wake-up."""
        wall_ms = _wall_ms()
        if not self._restored:
            self._restore(ctx.get_broadcast_state(self._stored_items), wall_ms)
        answer = self._engine.on_wake(ctx.get_current_key(), timestamp, self._user.value(), wall_ms)
        return self._carry_out(answer, ctx, wall_ms)

    def process_broadcast_element(self, value: Row, ctx: KeyedBroadcastProcessFunction.Context) -> Iterator[Row]:
        """One record of the catalogue or the knowledge."""
        stored = ctx.get_broadcast_state(self._stored_items)
        wall_ms = _wall_ms()
        if not self._restored:
            self._restore(stored, wall_ms)
        key, payload, origin = value
        changes, dead_letter = self._engine.on_shared(key, payload, origin, wall_ms)
        for stored_key, record in changes:
            if record is None:
                stored.remove(stored_key)
            else:
                stored.put(stored_key, record)
        if self._engine.warm_up.finished and not self._marked_ready:
            stored.put(_READY, b"1")
            self._marked_ready = True
        self._show_metrics(wall_ms)
        if dead_letter is not None:
            yield self._row(dead_letter)

    def _carry_out(self, answer: Answer, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext, wall_ms: int) -> Iterable[Row]:
        self._show_metrics(wall_ms)
        if answer.state is not None:
            self._user.update(answer.state)
        elif answer.erased:
            self._user.clear()
        if answer.wakes:
            timers = ctx.timer_service()
            for at_ms in answer.wakes:
                timers.register_processing_time_timer(at_ms)
        return [self._row(record) for record in answer.records] if answer.records else ()

    def _show_metrics(self, wall_ms: int) -> None:
        if wall_ms >= self._show_at_ms:
            self._engine.metrics.show()
            self._show_at_ms = wall_ms + _SHOW_METRICS_EVERY_MS

    def _restore(self, stored: BroadcastState, wall_ms: int) -> None:
        """After a restart the stored catalogue and knowledge are there before any element of their topics is, and memory is empty."""
        self._restored = True
        items = dict(stored.items())
        if items.pop(_READY, None) is not None:
            self._engine.warm_up.finish()
            self._marked_ready = True
        self._engine.restore(items, wall_ms)


def _as_it_is(record: OutRecord) -> OutRecord:
    return record


def _as_row(record: OutRecord) -> Row:
    return Row(*record)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
