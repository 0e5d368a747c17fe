"""The item operator: one Flink state and one timer service around its engine. Nothing is learned here."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import StateTtlConfig, ValueStateDescriptor

from flink_job.engine import Answer
from flink_job.garbage import collect_rarely
from flink_job.item_engine import ItemEngine
from flink_job.settings import EngineSettings

_SHOW_METRICS_EVERY_MS = 20


class ItemOperator(KeyedProcessFunction):  # type: ignore[misc]
    """Keyed by who learns (`item/…`, `creator/…`, `segment/…`, `wording/…`). Elements: ROW(key, payload, origin). Out: ROW(topic, key, value)."""

    def __init__(self, settings: EngineSettings, *, native_ttl: bool) -> None:
        self._settings = settings
        self._native_ttl = native_ttl

    def open(self, runtime_context: RuntimeContext) -> None:
        """Called once per instance, before any element."""
        collect_rarely()
        item = ValueStateDescriptor("item-v1", Types.PICKLED_BYTE_ARRAY())
        if self._native_ttl:  # process mode would commit every update at once and wait for it
            item.enable_time_to_live(StateTtlConfig.new_builder(Time.days(self._settings.item_ttl_days)).build())
        self._item = runtime_context.get_state(item)
        self._engine = ItemEngine(self._settings)
        self._show_at_ms = 0
        self._engine.metrics.register(runtime_context.get_metrics_group().add_group("kairos"))

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterable[Row]:
        """One record, for one of the keys it concerns."""
        key, payload, origin = value
        wall_ms = _wall_ms()
        blob = None if self._engine.holds(key) else self._item.value()
        return self._carry_out(self._engine.on_record(key, payload, origin, blob, wall_ms), ctx, wall_ms)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterable[Row]:
        """A release is due."""
        wall_ms = _wall_ms()
        return self._carry_out(self._engine.on_release(ctx.get_current_key(), timestamp, self._item.value(), wall_ms), ctx, wall_ms)

    def _carry_out(self, answer: Answer, ctx: Any, wall_ms: int) -> Iterable[Row]:
        if wall_ms >= self._show_at_ms:
            self._engine.metrics.show()
            self._show_at_ms = wall_ms + _SHOW_METRICS_EVERY_MS
        if answer.state is not None:
            self._item.update(answer.state)
        for at_ms in answer.wakes:
            ctx.timer_service().register_processing_time_timer(at_ms)
        return [Row(*record) for record in answer.records]


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
