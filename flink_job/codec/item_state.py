"""States of the item operator as versioned bytes: one version byte, then kairos.v1.ItemState."""

from __future__ import annotations

import math
from array import array

from flink_job.codec.item_versions import LONGEST_CATEGORY
from flink_job.codec.slots import decode_slots, encode_slots
from flink_job.codec.state import UnknownStateVersion
from flink_job.core.learning.signals import group_of_segment
from flink_job.core.learning.state import SLOT_COLUMNS, ItemState
from flink_job.core.learning.wordings import SUMS
from flink_job.core.local_time import SLOTS
from flink_job.core.rules.learning import LearningRules
from flink_job.core.signals import LONGEST_WORD
from kairos.v1 import state_pb2

ITEM_STATE_VERSION = 1
_PREFIX = bytes([ITEM_STATE_VERSION])


def encode_item_state(state: ItemState) -> bytes:
    """`state` as bytes."""
    outcomes_by_slot, visits_by_slot = (b"", b"") if state.slots is None else encode_slots(state.slots)
    message = state_pb2.ItemState(
        popularity=state.popularity,
        as_of_ms=state.popularity_at_ms,
        popularity_by_country=state.by_group,
        sent=state.outcomes[0],
        opened=state.outcomes[1],
        converted=state.outcomes[2],
        dismissed=state.outcomes[3],
        opted_out=state.outcomes[4],
        outcomes_by_slot=outcomes_by_slot,
        visits_by_slot=visits_by_slot,
        outcomes_at_ms=state.outcomes_at_ms,
        rating_sum=state.rating_sum,
        covisits_at_ms=state.covisits_at_ms,
        neighbour_ids=state.neighbour_ids,
        neighbour_item=state.neighbour_key.tobytes(),
        neighbour_weight=state.neighbour_weight.tobytes(),
        neighbour_rating_sum=state.neighbour_rating_sum.tobytes(),
        watchers=state.watchers,
        watched_at_ms=state.watched_at_ms.tobytes(),
        watch_reasons=state.watch_reasons.tobytes(),
        updated_at_ms=state.updated_at_ms,
        creator_id=state.creator_id,
        category=state.category,
        deleted=state.deleted,
        posted=state.posted,
        seen_events=state.seen,
        released_at_ms=state.released_at_ms,
        unreleased_ratings=state.unreleased_ratings,
        unreleased_outcomes=state.unreleased_outcomes,
        unreleased_visits=state.unreleased_visits,
        release_due_ms=state.release_due_ms,
        wording_sums=state.wording,
    )
    if not math.isnan(state.price):
        message.price = state.price
    if state.stock is not None:
        message.stock = state.stock
    return _PREFIX + message.SerializeToString()


def decode_item_state(blob: bytes) -> ItemState:
    """The state in `blob`. Raises UnknownStateVersion."""
    if blob[0] != ITEM_STATE_VERSION:
        raise UnknownStateVersion(f"item state has version {blob[0]}, this release reads up to {ITEM_STATE_VERSION}")
    message = state_pb2.ItemState.FromString(blob[1:])
    return ItemState(
        popularity=message.popularity,
        popularity_at_ms=message.as_of_ms,
        by_group=dict(message.popularity_by_country),
        outcomes=[message.sent, message.opened, message.converted, message.dismissed, message.opted_out],
        slots=decode_slots(message.outcomes_by_slot, message.visits_by_slot) if message.outcomes_by_slot else None,
        outcomes_at_ms=message.outcomes_at_ms,
        rating_sum=message.rating_sum,
        covisits_at_ms=message.covisits_at_ms,
        neighbour_ids=list(message.neighbour_ids),
        neighbour_key=array("Q", message.neighbour_item),
        neighbour_weight=array("f", message.neighbour_weight),
        neighbour_rating_sum=array("f", message.neighbour_rating_sum),
        watchers=list(message.watchers),
        watched_at_ms=array("q", message.watched_at_ms),
        watch_reasons=array("B", message.watch_reasons),
        updated_at_ms=message.updated_at_ms,
        price=message.price if message.HasField("price") else math.nan,
        stock=message.stock if message.HasField("stock") else None,
        creator_id=message.creator_id,
        category=message.category,
        deleted=message.deleted,
        posted=message.posted,
        seen=message.seen_events,
        released_at_ms=message.released_at_ms,
        unreleased_ratings=message.unreleased_ratings,
        unreleased_outcomes=message.unreleased_outcomes,
        unreleased_visits=message.unreleased_visits,
        release_due_ms=message.release_due_ms,
        wording=list(message.wording_sums),
    )


def most_item_bytes(rules: LearningRules, max_id_bytes: int) -> int:
    """Upper bound of an encoded state under these rules, whatever happens."""
    per_id = max_id_bytes + 3
    neighbours = rules.covisits.kept * (per_id + 8 + 4 + 4)
    watchers = rules.watchers.kept * (per_id + 8 + 1)
    countries = rules.popularity.countries * (4 * 2 + 8 + 8)
    segments = rules.popularity.segments * (len(group_of_segment("")) + 4 * LONGEST_WORD + 8 + 8)
    texts_and_scalars = max_id_bytes + 4 * LONGEST_CATEGORY + 33 * 12 + 8 * SUMS + 3
    return 1 + neighbours + watchers + countries + segments + SLOTS * SLOT_COLUMNS * 4 + 8 * rules.seen_signals + texts_and_scalars
