"""A mapping file as a ``LogFormat``: rows of a user's own log become events, and what is wrong with a row is said and counted."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kairos.logs.columns import as_number, as_text, floats, is_blank, replace, text_list
from kairos.logs.events import EVENT_FIELDS, EventColumns, Values
from kairos.logs.files import FileLayout, format_of
from kairos.logs.log import Covisits, ItemFile, LogFormat
from kairos.logs.mapped_items import item_columns, item_reader, visit_reader
from kairos.logs.mapping import PLATFORMS, SCENARIOS, TYPES, EventMapping, ItemMapping, LogFile, Mapping, Number, Text, Time
from kairos.logs.order import AT_MS
from kairos.logs.skipped import ROW, SkippedRows
from kairos.logs.timestamps import TimeReader

MAX_ID_BYTES = 128  # of the contract: Interaction.user_id, item_id, event_id
_WITHOUT_ITEM = {"search", "follow", "unfollow", "session_start", "session_end", "sign_up"}
_SHARES = ("completion", "rating")


def mapped_format(mapping: Mapping, log: Path, base: Path) -> LogFormat:
    """``log``: the file to replay, whose name tells its format if the mapping does not; ``base``: folder of the mapping file."""
    reader = _EventReader(mapping.events)
    items, covisits = mapping.items or _items_by_id(mapping.events), mapping.covisits
    own_file = items is not None and items.path is not None
    columns = dict.fromkeys(reader.columns)
    if items is not None and not own_file:
        columns |= dict.fromkeys(item_columns(items))
    if covisits is not None:
        columns |= dict.fromkeys([covisits.group])
    return LogFormat(
        name=mapping.name,
        title=mapping.name,
        scenario=SCENARIOS[mapping.scenario],
        layout=_layout(mapping.file, log),
        columns=tuple(columns),
        time_column=mapping.events.occurred_at.column,
        time=_time_reader(mapping.events.occurred_at),
        in_order=mapping.file.sorted,
        events=reader.events,
        items=item_reader(items) if items is not None and not own_file else None,
        item_file=_item_file(mapping, base) if own_file else None,
        covisits=Covisits(visit_reader(mapping), covisits.things, covisits.warm_up, covisits.refresh) if covisits else None,
    )


def _items_by_id(events: EventMapping) -> ItemMapping | None:
    """Without a word about items, their ids are what there is to know."""
    return ItemMapping(item_id=events.item_id) if events.item_id is not None else None


class _EventReader:
    """Reads events as one mapping says."""

    def __init__(self, mapping: EventMapping) -> None:
        self._mapping = mapping
        self._texts: dict[str, Text] = {}
        self._numbers: dict[str, Number] = {}
        context = {f"context.{name}": getattr(mapping.context, name) for name in type(mapping.context).model_fields}
        for name, source in {**{name: getattr(mapping, name) for name in type(mapping).model_fields}, **context}.items():
            if isinstance(source, Number):
                self._numbers[name] = source
            elif isinstance(source, Text) and name not in ("user_id", "type", "context.platform"):
                self._texts[name] = source

    @property
    def columns(self) -> list[str]:
        mapping = self._mapping
        sources = [mapping.user_id, mapping.type, *self._texts.values(), *self._numbers.values(), mapping.context.platform]
        named = [source.column for source in sources if source is not None and source.column is not None]
        return [*named, mapping.occurred_at.column, *mapping.attributes.values()]

    def events(self, batch: pa.RecordBatch, skipped: SkippedRows) -> EventColumns:
        mapping = self._mapping
        batch = _require_id(batch, mapping.user_id, "user_id", skipped)
        types = _read(batch, mapping.type)
        batch = skipped.drop(
            batch, pc.invert(pc.is_in(types, pa.array(list(TYPES)))), f"type is not in events.type.table ({_from(mapping.type)})"
        )
        batch = self._with_item(batch, skipped)
        batch = self._with_numbers(batch, skipped)
        numbers = {name: _numbers(batch, source) for name, source in self._numbers.items()}
        words = text_list(_read(batch, mapping.type))
        if mapping.negative_quantity == "return" and "quantity" in numbers:
            returned = numbers["quantity"] < 0
            words = ["return" if back else word for back, word in zip(returned.tolist(), words, strict=True)]
            numbers |= {name: np.abs(numbers[name]) for name in ("quantity", "value") if name in numbers}
        if "price" in numbers:
            numbers["value"] = numbers.pop("price") * numbers.get("quantity", np.float64(1))
        fields: dict[str, Values] = {"type": [TYPES[word] for word in words]}
        fields |= {name: text_list(_read(batch, source)) for name, source in self._texts.items()}
        fields |= {name: values.astype(np.int64 if EVENT_FIELDS[name] is int else np.float64).tolist() for name, values in numbers.items()}
        if mapping.context.platform is not None:
            fields["context.platform"] = [PLATFORMS.get(word, 0) for word in text_list(_read(batch, mapping.context.platform))]
        return EventColumns(
            rows=batch.column(ROW).to_numpy(),
            at_ms=batch.column(AT_MS).to_numpy(),
            user_id=text_list(_read(batch, mapping.user_id)),
            fields=fields,
            attributes={key: text_list(batch.column(column)) for key, column in mapping.attributes.items()} or None,
        )

    def _with_item(self, batch: pa.RecordBatch, skipped: SkippedRows) -> pa.RecordBatch:
        """Rows that name an item, or need none; ids that fit the contract."""
        mapping = self._mapping
        needed = pc.invert(pc.is_in(_read(batch, mapping.type), pa.array(list(_WITHOUT_ITEM))))
        item = _read(batch, mapping.item_id) if mapping.item_id else pa.nulls(batch.num_rows, pa.string())
        batch = skipped.drop(batch, pc.and_(needed, is_blank(item)), "no item_id")
        for name in ("item_id", "event_id"):
            if name in self._texts:
                long = pc.greater(pc.binary_length(_read(batch, self._texts[name])), MAX_ID_BYTES)
                batch = skipped.drop(
                    batch, pc.fill_null(long, name == "event_id"), f"{name} is missing or longer than {MAX_ID_BYTES} bytes"
                )
        return batch

    def _with_numbers(self, batch: pa.RecordBatch, skipped: SkippedRows) -> pa.RecordBatch:
        """Rows whose numbers are numbers and in range; one that is not given is no mistake."""
        for name, source in self._numbers.items():
            if source.column is None:
                continue
            column = batch.column(source.column)
            bad = pc.and_(pc.is_null(as_number(column)), pc.invert(is_blank(column)))
            batch = skipped.drop(batch, bad, f"{name} is no number ({source.column})")
            values = floats(as_number(batch.column(source.column)))
            if name in _SHARES:
                batch = skipped.drop(batch, pa.array((values < 0) | (values > 1)), f"{name} is not within 0..1 ({source.column})")
            elif name != "quantity" or self._mapping.negative_quantity == "skip":
                may_be_negative = name == "value" and self._mapping.negative_quantity == "return"
                if not may_be_negative:
                    batch = skipped.drop(batch, pa.array(values < 0), f"{name} is negative ({source.column})")
        return batch


def _require_id(batch: pa.RecordBatch, source: Text, name: str, skipped: SkippedRows) -> pa.RecordBatch:
    batch = skipped.drop(batch, is_blank(_read(batch, source)), f"no {name}")
    return skipped.drop(
        batch, pc.greater(pc.binary_length(_read(batch, source)), MAX_ID_BYTES), f"{name} is longer than {MAX_ID_BYTES} bytes"
    )


def _read(batch: pa.RecordBatch, source: Text) -> pa.Array:
    if source.column is None:
        return pa.repeat(source.constant, batch.num_rows)
    column = batch.column(source.column)
    return as_text(column) if source.table is None else replace(column, source.table, source.otherwise)


def _numbers(batch: pa.RecordBatch, source: Number) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    if source.column is None:
        return np.full(batch.num_rows, source.constant, np.float64)
    return floats(as_number(batch.column(source.column)))


def _from(source: Text) -> str:
    return source.column or "constant"


def _time_reader(time: Time) -> TimeReader:
    return TimeReader(time.unit, time.format, time.zone)


def _layout(file: LogFile, path: Path) -> FileLayout:
    return FileLayout(file.format or format_of(path), file.delimiter, file.quote, file.names, file.null_values, file.encoding)


def _item_file(mapping: Mapping, base: Path) -> ItemFile:
    items = mapping.items
    if items is None or items.path is None:
        raise ValueError("the mapping names no file of items")
    path = base / items.path
    return ItemFile(path, _layout(items.file, path), tuple(dict.fromkeys(item_columns(items))), item_reader(items))
