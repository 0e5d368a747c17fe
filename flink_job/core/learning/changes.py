"""What a new version of an item's record means to those who wait: cheaper, to be had again, published.

A drop is measured from the highest price since watchers were last told, so that ten small steps are one drop and each is told once. The first
version that is seen tells nothing: it is what a job that starts finds in the catalogue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from flink_job.core.learning.state import ItemState
from flink_job.core.rules.learning import WatchRules


@dataclass(frozen=True, slots=True)
class ItemVersion:
    """What the item operator reads of an item's record. `price` NaN: none; `stock` None: not limited."""

    item_id: str
    updated_at_ms: int
    price: float
    stock: int | None
    creator_id: str
    category: str
    published_at_ms: int
    valid_from_ms: int
    valid_until_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """What is new. `price_before` NaN: no drop."""

    price_before: float = math.nan
    back_in_stock: bool = False
    posted: bool = False


def take_version(rules: WatchRules, state: ItemState, version: ItemVersion, now_ms: int) -> Change | None:
    """Keep a version and say what it changes; None if a newer one is known. Changes `state`."""
    if version.updated_at_ms <= state.updated_at_ms:
        return None
    first = state.updated_at_ms == 0 or state.deleted
    sold_out = state.stock is not None and state.stock <= 0
    available = version.stock is None or version.stock > 0
    cheaper = not first and version.price <= state.price * (1.0 - rules.price_drop_share)
    change = Change(
        price_before=state.price if cheaper and available else math.nan,
        back_in_stock=not first and sold_out and available,
        posted=_is_posted(rules, state, version, now_ms),
    )
    state.updated_at_ms = version.updated_at_ms
    state.stock = version.stock
    state.creator_id = version.creator_id
    state.category = version.category
    state.deleted = False
    if first or (cheaper and available) or not version.price <= state.price:
        state.price = version.price
    if change.posted or now_ms - version.published_at_ms > rules.posted_within_ms:
        state.posted = True
    return change


def take_deletion(state: ItemState, updated_at_ms: int) -> bool:
    """The item is gone as of then; False if a newer version is known. Its watchers are kept, should it come back."""
    if updated_at_ms < state.updated_at_ms or state.deleted:
        return False
    state.updated_at_ms = updated_at_ms
    state.deleted = True
    return True


def _is_posted(rules: WatchRules, state: ItemState, version: ItemVersion, now_ms: int) -> bool:
    """Published lately by somebody who may have followers, visible, and not told yet."""
    return (
        not state.posted
        and bool(version.creator_id)
        and 0 <= now_ms - version.published_at_ms <= rules.posted_within_ms
        and version.valid_from_ms <= now_ms
        and (version.valid_until_ms == 0 or now_ms < version.valid_until_ms)
    )
