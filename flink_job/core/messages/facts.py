"""What a template may say about an item: the fields, and how each is put into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, nan
from typing import Final

from flink_job.core.messages.money import money, percent
from flink_job.core.messages.text import clean

_KEPT = 2048
"""Items' words that are kept: some are pushed to many users."""

FIELDS: Final = {
    "title": "the item's title",
    "summary": "its summary",
    "price": "its price with the currency, if it has both",
    "list_price": "its former price, if it was higher",
    "saving": "what it costs less than before",
    "discount": "the same in per cent, rounded down",
    "currency": "ISO 4217 code of the currency",
    "creator": "author, brand or seller",
    "category": "its most specific category",
    "top_category": "its most general category",
    "stock": "pieces left, if that is limited",
    "more": "how many more items the push is about, if it is a digest",
}
"""Every field, and what it says. An item that does not have it cannot be spoken of in a template that uses it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an item, in the language that fits the reader best; empty, NaN, None and 0 (`more`) where it is not."""

    title: str
    summary: str = ""
    price: float = nan
    list_price: float = nan
    currency: str = ""
    creator: str = ""
    category: str = ""
    top_category: str = ""
    stock: int | None = None
    more: int = 0


@lru_cache(maxsize=_KEPT)
def in_words(facts: Facts, locale: str) -> Mapping[str, str]:
    """The fields that the item has, for readers of `locale` (BCP 47). The answer is shared: not to be changed.

    >>> in_words(Facts("Red mug", price=7.5, list_price=10, currency="GBP"), "en")
    {'title': 'Red mug', 'currency': 'GBP', 'price': '£7.50', 'list_price': '£10.00', 'saving': '£2.50', 'discount': '25%'}
    """
    words = {
        name: text
        for name in ("title", "summary", "currency", "creator", "category", "top_category")
        if (text := clean(getattr(facts, name)))
    }
    currency = words.get("currency")
    if currency and isfinite(facts.price) and facts.price >= 0:
        words["price"] = money(facts.price, currency, locale)
        if isfinite(facts.list_price) and facts.list_price > facts.price:
            words["list_price"] = money(facts.list_price, currency, locale)
            words["saving"] = money(facts.list_price - facts.price, currency, locale)
            whole = int(100 * (1 - facts.price / facts.list_price) + 1e-6)  # 0.7 of a price is 30 % off, not 29.99…
            if whole:
                words["discount"] = percent(whole, locale)
    if facts.stock is not None and facts.stock > 0:
        words["stock"] = str(facts.stock)
    if facts.more > 0:
        words["more"] = str(facts.more)
    return words
