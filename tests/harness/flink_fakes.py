"""What Flink gives an operator, as dictionaries: as strict as Flink about bytes, keys and who may write.

Subclasses of PyFlink's own interfaces, so that a method PyFlink has and these lack fails here first. No JVM.
"""

from collections.abc import Iterable
from typing import NoReturn

from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import (
    BroadcastState,
    MapStateDescriptor,
    ReadOnlyBroadcastState,
    StateDescriptor,
    ValueState,
    ValueStateDescriptor,
)
from pyflink.datastream.timerservice import TimerService
from pyflink.metrics import Counter, MetricGroup


def _not_used(*_: object, **__: object) -> NoReturn:
    raise NotImplementedError("the user operator has no business here")


class FakeTask:
    """Everything of one operator instance that outlives a call. `key` is None outside of keyed calls, as in Flink."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.now_ms = 0
        self.states: dict[str, dict[str, bytes]] = {}
        self.broadcast: dict[str, dict[str, bytes]] = {}
        self.timers: set[tuple[int, str]] = set()
        self.counters: dict[str, FakeCounter] = {}
        self.descriptors: dict[str, StateDescriptor] = {}
        self.reads = 0

    def current_key(self) -> str:
        """The key at hand. Raises where Flink would: there is none while a broadcast element is processed."""
        assert self.key is not None, "keyed state and timers cannot be used without a key"
        return self.key


class FakeValueState(ValueState):  # type: ignore[misc]  # PyFlink has no types
    """Bytes by key."""

    def __init__(self, task: FakeTask, name: str) -> None:
        self._task = task
        self._values = task.states.setdefault(name, {})

    def value(self) -> bytes | None:
        self._task.reads += 1
        return self._values.get(self._task.current_key())

    def update(self, value: bytes) -> None:
        assert type(value) is bytes, f"declared as bytes, given {type(value).__name__}"
        self._values[self._task.current_key()] = value

    def clear(self) -> None:
        self._values.pop(self._task.current_key(), None)


class FakeReadOnlyBroadcastState(ReadOnlyBroadcastState):  # type: ignore[misc]
    """What keyed calls may see of broadcast state."""

    def __init__(self, stored: dict[str, bytes]) -> None:
        self._stored = stored

    def get(self, key: str) -> bytes | None:
        return self._stored.get(key)

    def contains(self, key: str) -> bool:
        return key in self._stored

    def items(self) -> Iterable[tuple[str, bytes]]:
        return iter(list(self._stored.items()))

    def keys(self) -> Iterable[str]:
        return iter(list(self._stored))

    def values(self) -> Iterable[bytes]:
        return iter(list(self._stored.values()))

    def is_empty(self) -> bool:
        return not self._stored

    clear = _not_used


class FakeBroadcastState(FakeReadOnlyBroadcastState, BroadcastState):  # type: ignore[misc]
    """What broadcast calls may change."""

    def put(self, key: str, value: bytes) -> None:
        assert type(key) is str, f"a key is text, given {type(key).__name__}"
        assert type(value) is bytes, f"declared as bytes, given {type(value).__name__}"
        self._stored[key] = value

    def put_all(self, dict_value: dict[str, bytes]) -> None:
        for key, value in dict_value.items():
            self.put(key, value)

    def remove(self, key: str) -> None:
        self._stored.pop(key, None)


class FakeTimers(TimerService):  # type: ignore[misc]
    """Processing-time timers: one per key and moment, however often it is set."""

    def __init__(self, task: FakeTask) -> None:
        self._task = task

    def current_processing_time(self) -> int:
        return self._task.now_ms

    def register_processing_time_timer(self, timestamp: int) -> None:
        assert type(timestamp) is int, f"a timer is set for a long, given {type(timestamp).__name__}"
        assert -(2**63) <= timestamp < 2**63
        self._task.timers.add((timestamp, self._task.current_key()))

    def delete_processing_time_timer(self, timestamp: int) -> None:
        self._task.timers.discard((timestamp, self._task.current_key()))

    current_watermark = register_event_time_timer = delete_event_time_timer = _not_used


class FakeKeyedContext(KeyedBroadcastProcessFunction.OnTimerContext):  # type: ignore[misc]
    """The context of `process_element` and of `on_timer`."""

    def __init__(self, task: FakeTask) -> None:
        self._task = task

    def timer_service(self) -> FakeTimers:
        return FakeTimers(self._task)

    def get_current_key(self) -> str:
        return self._task.current_key()

    def get_broadcast_state(self, state_descriptor: MapStateDescriptor) -> FakeReadOnlyBroadcastState:
        return FakeReadOnlyBroadcastState(self._task.broadcast.setdefault(state_descriptor.get_name(), {}))

    def current_processing_time(self) -> int:
        return self._task.now_ms

    timestamp = current_watermark = time_domain = _not_used


class FakeBroadcastContext(KeyedBroadcastProcessFunction.Context):  # type: ignore[misc]
    """The context of `process_broadcast_element`."""

    def __init__(self, task: FakeTask) -> None:
        self._task = task

    def get_broadcast_state(self, state_descriptor: MapStateDescriptor) -> FakeBroadcastState:
        return FakeBroadcastState(self._task.broadcast.setdefault(state_descriptor.get_name(), {}))

    def current_processing_time(self) -> int:
        return self._task.now_ms

    timestamp = current_watermark = _not_used


class FakeCounter(Counter):  # type: ignore[misc]
    """Flink's counters go up and down."""

    def __init__(self) -> None:
        self._count = 0

    def inc(self, n: int = 1) -> None:
        assert n > 0
        self._count += n

    def dec(self, n: int = 1) -> None:
        assert n > 0
        self._count -= n

    def get_count(self) -> int:
        return self._count


class FakeMetricGroup(MetricGroup):  # type: ignore[misc]
    """Metrics by their full name."""

    def __init__(self, task: FakeTask, prefix: str = "") -> None:
        self._task = task
        self._prefix = prefix

    def add_group(self, name: str, extra: str | None = None) -> "FakeMetricGroup":
        return FakeMetricGroup(self._task, f"{self._prefix}{name}.")

    def counter(self, name: str) -> FakeCounter:
        assert f"{self._prefix}{name}" not in self._task.counters, "Flink ignores a second metric of the same name"
        return self._task.counters.setdefault(f"{self._prefix}{name}", FakeCounter())

    gauge = meter = distribution = _not_used


class FakeRuntimeContext(RuntimeContext):  # type: ignore[misc]
    """What `open()` is given."""

    def __init__(self, task: FakeTask) -> None:
        self._task = task

    def get_state(self, state_descriptor: ValueStateDescriptor) -> FakeValueState:
        name = state_descriptor.get_name()
        assert name not in self._task.descriptors, f"the state {name!r} was asked for twice"
        self._task.descriptors[name] = state_descriptor
        return FakeValueState(self._task, name)

    def get_metrics_group(self) -> FakeMetricGroup:
        return FakeMetricGroup(self._task)

    get_list_state = get_map_state = get_reducing_state = get_aggregating_state = _not_used
    get_task_name = get_task_name_with_subtasks = get_attempt_number = get_job_parameter = _not_used
    get_number_of_parallel_subtasks = get_max_number_of_parallel_subtasks = get_index_of_this_subtask = _not_used
