"""What is known about one item, and how it looks in the contract."""

from dataclasses import dataclass

from kairos.feed.features import Vector, to_bytes
from kairos.v1.item_pb2 import Item, ItemText, Scenario

# Limits of the contract (proto/kairos/v1/item.proto).
_MAX_CATEGORIES = 16
_MAX_TAGS = 32
_MAX_TITLE = 200
_MAX_SUMMARY = 500

# A push needs something to say, also about an item that a log knows by its number only.
_CALLED: dict[int, str] = {Scenario.SCENARIO_NEWS: "Article", Scenario.SCENARIO_SOCIAL: "Post"}


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """One item as a log or a catalogue file tells of it. ``first_seen_ms``: log time of its first row, 0 if there is none."""

    item_id: str
    first_seen_ms: int = 0
    title: str = ""
    summary: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    price: float | None = None
    list_price: float | None = None
    currency: str = ""
    stock: int | None = None
    creator_id: str = ""
    image_url: str = ""
    deep_link: str = ""
    published_at_ms: int = 0

    @property
    def category_path(self) -> str:
        """Of the most specific category; "" if it has none."""
        return "/".join(self.categories)


@dataclass(frozen=True, slots=True)
class Dates:
    """When a version of an item was made, and from when it may be pushed; milliseconds since the epoch, 0 as in the contract."""

    updated_at_ms: int
    valid_from_ms: int = 0
    published_at_ms: int = 0


def to_item(record: ItemRecord, features: Vector, scenario: int, dates: Dates) -> Item:
    """The contract's message. ``features``: (dim,); zeros are left out."""
    item = Item(
        item_id=record.item_id,
        updated_at_ms=dates.updated_at_ms,
        scenario=Scenario.Name(scenario),  # protobuf takes the name of an enum, and so do its types
        features=to_bytes(features),
        categories=record.categories[:_MAX_CATEGORIES],
        tags=record.tags[:_MAX_TAGS],
        price=record.price,
        list_price=record.list_price,
        currency=record.currency,
        stock=record.stock,
        valid_from_ms=dates.valid_from_ms,
        published_at_ms=dates.published_at_ms,
        image_url=record.image_url,
        deep_link=record.deep_link,
        creator_id=record.creator_id,
    )
    title = record.title or f"{_CALLED.get(scenario, 'Item')} {record.item_id}"
    item.texts[""].CopyFrom(ItemText(title=title[:_MAX_TITLE], summary=record.summary[:_MAX_SUMMARY]))
    return item
