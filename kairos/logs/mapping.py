"""The mapping file: what the columns of a user's own log mean. docs/replay.md shows every key; examples/ has one that runs.

*Contract*: values only; ``mapping_file`` reads and checks one, ``mapped`` makes a ``LogFormat`` of it.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from kairos.logs.durations import duration_ms
from kairos.logs.files import Format
from kairos.logs.timestamps import Unit
from kairos.v1.interaction_pb2 import InteractionType, Platform
from kairos.v1.item_pb2 import Scenario


def _short_names(enum: Any, prefix: str) -> dict[str, int]:
    """Such as purchase for INTERACTION_TYPE_PURCHASE, in the contract's order; without UNSPECIFIED."""
    return {name.removeprefix(prefix).lower(): number for name, number in enum.items() if number}


TYPES = _short_names(InteractionType, "INTERACTION_TYPE_")
PLATFORMS = _short_names(Platform, "PLATFORM_")
SCENARIOS = _short_names(Scenario, "SCENARIO_")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone such as Europe/Berlin") from None
    return name


def _column_in_short(value: Any) -> Any:
    """``user_id: customer`` is short for ``user_id: {column: customer}``."""
    return {"column": value} if isinstance(value, str) else value


Zone = Annotated[str, AfterValidator(_known_zone)]
Duration = Annotated[int, PlainValidator(lambda text: duration_ms(str(text)))]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Strict):
    """Where a text comes from: a column, perhaps translated by a table, or the same for every row."""

    column: str | None = None
    constant: str | None = None
    table: dict[str, str] | None = None
    otherwise: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either column or constant")
        if self.otherwise is not None and self.table is None:
            raise ValueError("otherwise needs a table: it says what stands for values that are not in it")
        return self


class Number(_Strict):
    """Where a number comes from."""

    column: str | None = None
    constant: float | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either column or constant")
        return self


class Time(_Strict):
    """A moment. ``unit``: the column holds numbers since the epoch; else ``format`` ("iso", or strptime's directives) in ``zone``."""

    column: str
    unit: Unit | None = None
    format: str = "iso"
    zone: Zone = "UTC"


class Words(_Strict):
    """Several texts: from several columns, or one column cut at ``split``. Lists in JSON Lines and Parquet need no split."""

    columns: tuple[str, ...] = Field(min_length=1)
    split: str | None = Field(default=None, min_length=1)


def _words_in_short(value: Any) -> Any:
    if isinstance(value, str):
        return {"columns": [value]}
    if isinstance(value, list):
        return {"columns": value}
    if isinstance(value, dict) and "column" in value:
        return {key: each for key, each in value.items() if key != "column"} | {"columns": [value["column"]]}
    return value


TextSource = Annotated[Text, BeforeValidator(_column_in_short)]
NumberSource = Annotated[Number, BeforeValidator(_column_in_short)]
TimeSource = Annotated[Time, BeforeValidator(_column_in_short)]
WordsSource = Annotated[Words, BeforeValidator(_words_in_short)]


class LogFile(_Strict):
    """How a file is written. ``format`` is told by its name if it is not given."""

    format: Format | None = None
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    names: tuple[str, ...] = ()
    null_values: tuple[str, ...] = ("",)
    encoding: str = "utf-8"


class EventsFile(LogFile):
    """``sorted``: the rows are in order of time already; saves sorting them."""

    sorted: bool = False


class ContextMapping(_Strict):
    """Fields of kairos.v1.Context."""

    device_id: TextSource | None = None
    platform: TextSource | None = None
    app_version: TextSource | None = None
    locale: TextSource | None = None
    time_zone: TextSource | None = None
    country: TextSource | None = None
    region: TextSource | None = None
    referrer: TextSource | None = None
    session_id: TextSource | None = None
    page: TextSource | None = None
    tenant: TextSource | None = None


class EventMapping(_Strict):
    """Fields of kairos.v1.Interaction. ``price`` is a unit price: ``value`` becomes price times quantity."""

    user_id: TextSource
    occurred_at: TimeSource
    type: TextSource
    item_id: TextSource | None = None
    event_id: TextSource | None = None
    quantity: NumberSource | None = None
    negative_quantity: Literal["skip", "return"] = "skip"
    value: NumberSource | None = None
    price: NumberSource | None = None
    currency: TextSource | None = None
    query: TextSource | None = None
    creator_id: TextSource | None = None
    order_id: TextSource | None = None
    command_id: TextSource | None = None
    dwell_ms: NumberSource | None = None
    completion: NumberSource | None = None
    rating: NumberSource | None = None
    context: ContextMapping = ContextMapping()
    attributes: dict[str, str] = Field(default_factory=dict, max_length=32)

    @model_validator(mode="after")
    def _value_once(self) -> Self:
        if self.value is not None and self.price is not None:
            raise ValueError("give either value or price, not both: value is price times quantity")
        return self


class ItemMapping(_Strict):
    """Fields of kairos.v1.Item. Without ``path`` the items are read from the log itself; ``path`` is relative to the mapping."""

    path: Path | None = None
    file: LogFile = LogFile()
    item_id: TextSource
    title: TextSource | None = None
    summary: TextSource | None = None
    categories: WordsSource | None = None
    tags: WordsSource | None = None
    price: NumberSource | None = None
    list_price: NumberSource | None = None
    currency: TextSource | None = None
    stock: NumberSource | None = None
    creator_id: TextSource | None = None
    image_url: TextSource | None = None
    deep_link: TextSource | None = None
    published_at: TimeSource | None = None


class CovisitMapping(_Strict):
    """What counts as visited together, for items that say little about themselves."""

    group: str
    things: Literal["items", "categories"] = "items"
    warm_up: Duration
    refresh: Duration = duration_ms("1h")


class Mapping(_Strict):
    """The whole file."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")
    scenario: Literal["shop", "news", "social"]
    file: EventsFile = EventsFile()
    events: EventMapping
    items: ItemMapping | None = None
    covisits: CovisitMapping | None = None

    @model_validator(mode="after")
    def _things_exist(self) -> Self:
        if self.covisits and not self.events.item_id:
            raise ValueError("covisits needs events.item_id")
        if self.covisits and self.covisits.things == "categories" and not (self.items and self.items.categories and not self.items.path):
            raise ValueError("covisits.things: categories needs items.categories, read from the log itself (no items.path)")
        return self
