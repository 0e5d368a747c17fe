"""Keyed elements straight to the operator, in thread mode, and for most of them an answer that Flink need not ask Python about.

PyFlink wraps the call in four generators, and Flink asks the outermost for its end, which comes back as an exception with a stack trace. Most signals
lead to no record at all: their answer is a Java iterator that has nothing. It needs rows as tuples (`lean_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flink_job.lean_rows import LeanRow


def call_directly(operation: Any, process: Callable[[Any], Iterable[Any]]) -> None:
    """From now on hand the elements of the first input of `operation` to `process`, and what it answers to Flink."""
    from pemja import findClass

    nothing = findClass("org.apache.flink.util.CloseableIterator").adapterForIterator(findClass("java.util.Collections").emptyIterator())

    def process_element1(value: Any) -> Any:
        _, (_, (_, element)) = value
        records = process(element)
        return _rows(records) if records else nothing

    operation.process_element1 = process_element1


def _rows(records: Iterable[Any]) -> Iterator[Any]:
    for record in records:
        yield LeanRow.to_external(record)
