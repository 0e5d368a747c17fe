"""The catalogue side of a mapping file: what a row tells about its item, and who visited what together."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from kairos.logs.columns import LIST_SEPARATOR, as_integer, as_number, as_text, is_blank, null_where, replace
from kairos.logs.mapping import ItemMapping, Mapping, Number, Text, Time, Words
from kairos.logs.order import AT_MS
from kairos.logs.timestamps import TimeReader

_NOT_COLUMNS = {"path", "file"}
_WHOLE_NUMBERS = {"stock"}


def item_columns(items: ItemMapping) -> list[str]:
    """Columns of the file that the mapping of items reads."""
    return [column for _name, source in _sources(items) for column in _columns(source)]


def item_reader(items: ItemMapping) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    """Makes batches with a column for each mapped field of an item; rows without an item id are left out."""
    sources = _sources(items)

    def read(batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = {_target(name): _read(batch, name, source) for name, source in sources}
        if AT_MS in batch.schema.names:
            arrays[AT_MS] = batch.column(AT_MS)
        known = pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))
        return known.filter(pc.invert(is_blank(known.column("item_id"))))

    return read


def visit_reader(mapping: Mapping) -> Callable[[pa.RecordBatch], tuple[pa.Array, pa.Array]]:
    """Group and thing of every row, as text."""
    covisits, item_id, items = mapping.covisits, mapping.events.item_id, mapping.items

    def read(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        if covisits is None or item_id is None:
            raise ValueError("the mapping says nothing about co-visits")
        by_category = covisits.things == "categories" and items is not None and items.categories is not None
        things = _paths(_words(batch, items.categories)) if by_category else _text(batch, item_id)  # type: ignore[union-attr, arg-type]
        return as_text(batch.column(covisits.group)), null_where(things, is_blank(things))

    return read


def _sources(items: ItemMapping) -> list[tuple[str, Text | Number | Time | Words]]:
    named = [(name, getattr(items, name)) for name in ItemMapping.model_fields if name not in _NOT_COLUMNS]
    return [(name, source) for name, source in named if source is not None]


def _columns(source: Text | Number | Time | Words) -> tuple[str, ...]:
    if isinstance(source, Words):
        return source.columns
    return (source.column,) if source.column is not None else ()


def _target(name: str) -> str:
    return "published_at_ms" if name == "published_at" else name


def _read(batch: pa.RecordBatch, name: str, source: Text | Number | Time | Words) -> pa.Array:
    match source:
        case Text():
            return _text(batch, source)
        case Words():
            return _words(batch, source)
        case Time():
            return TimeReader(source.unit, source.format, source.zone).read(batch.column(source.column))
        case Number():
            if source.column is None:
                return pa.repeat(source.constant, batch.num_rows)
            column = batch.column(source.column)
            return as_integer(column) if name in _WHOLE_NUMBERS else as_number(column)


def _text(batch: pa.RecordBatch, source: Text) -> pa.Array:
    if source.column is None:
        return pa.repeat(source.constant, batch.num_rows)
    column = batch.column(source.column)
    return as_text(column) if source.table is None else replace(column, source.table, source.otherwise)


def _paths(joined: pa.Array) -> pa.Array:
    """As ``ItemRecord.category_path`` has them."""
    encoded = joined.dictionary_encode()
    paths = [
        "/".join(word.strip() for word in (each or "").split(LIST_SEPARATOR) if word.strip()) for each in encoded.dictionary.to_pylist()
    ]
    return pc.take(pa.array(paths, pa.string()), encoded.indices)


def _words(batch: pa.RecordBatch, words: Words) -> pa.Array:
    """Joined by ``LIST_SEPARATOR``; what is not there is left out."""
    columns = [as_text(batch.column(name)) for name in words.columns]
    joined = pc.binary_join_element_wise(*columns, LIST_SEPARATOR, null_handling="skip")
    return joined if words.split is None else pc.replace_substring(joined, words.split, LIST_SEPARATOR)
