"""A shop's day in a few seconds, the same for the same seed: a catalogue in clusters, and what its users do.

The log has what a real one has: users of very different activity, resent and late events, items nobody knows, feedback, withdrawn consent,
erased users, and nudges. And it leaves nothing to chance: nobody does anything between a decision put off and its wake-up, so it does not matter
whether a timer fires early, on time or, after a crash, late. What the job must write is determined, however slow the machine is.
"""

import random
from dataclasses import dataclass

import numpy as np

from flink_job.core.ids import command_id
from kairos.v1 import feedback_pb2, interaction_pb2, item_pb2, signal_pb2

DIM = 64
CART_DELAY_MS = 1500
LONGEST_DEFERRAL_MS = 1000
"""A gap that opens within this time puts the decision off, one that opens later drops it."""

_CLUSTERS = 12
_KINDS = {
    interaction_pb2.INTERACTION_TYPE_VIEW: 50,
    interaction_pb2.INTERACTION_TYPE_CLICK: 20,
    interaction_pb2.INTERACTION_TYPE_DWELL: 12,
    interaction_pb2.INTERACTION_TYPE_SEARCH: 4,
    interaction_pb2.INTERACTION_TYPE_FAVOURITE: 4,
    interaction_pb2.INTERACTION_TYPE_CART: 5,
    interaction_pb2.INTERACTION_TYPE_REMOVE_FROM_CART: 2,
    interaction_pb2.INTERACTION_TYPE_PURCHASE: 4,
    interaction_pb2.INTERACTION_TYPE_RETURN: 1,
    interaction_pb2.INTERACTION_TYPE_LIKE: 2,
    interaction_pb2.INTERACTION_TYPE_DISLIKE: 1,
}
_NO_TRIGGERS = (
    interaction_pb2.INTERACTION_TYPE_DWELL,
    interaction_pb2.INTERACTION_TYPE_PURCHASE,
    interaction_pb2.INTERACTION_TYPE_RETURN,
    interaction_pb2.INTERACTION_TYPE_DISLIKE,
)
_OUTCOMES = {
    feedback_pb2.OUTCOME_DELIVERED: 6,
    feedback_pb2.OUTCOME_OPENED: 3,
    feedback_pb2.OUTCOME_DISMISSED: 3,
    feedback_pb2.OUTCOME_FAILED: 1,
    feedback_pb2.OUTCOME_UNSUBSCRIBED: 1,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of a user topic, named without its prefix."""

    topic: str
    user_id: str
    payload: bytes


def make_items(count: int, now_ms: int, seed: int = 1) -> list[tuple[str, bytes]]:
    """Catalogue records (item id, kairos.v1.Item), in the order they are to be published: later versions and deletions included."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(_CLUSTERS, DIM))
    records = []
    for number in range(count):
        cluster = number % _CLUSTERS
        features = centres[cluster] + 0.6 * draw.normal(size=DIM)
        item = item_pb2.Item(
            item_id=f"item-{number}",
            updated_at_ms=now_ms - 60_000,
            features=(features / np.linalg.norm(features)).astype("<f4").tobytes(),
            categories=[f"department-{cluster % 3}", f"category-{cluster}"],
            price=float(draw.integers(5, 500)),
            published_at_ms=now_ms - 1000 * int(draw.integers(1, 1_000_000)),
            stock=0 if number % 37 == 0 else 5,
            valid_until_ms=1 if number % 41 == 0 else 0,
            scenario=item_pb2.SCENARIO_SHOP,
        )
        item.texts[""].title = f"Item {number}"
        records.append((item.item_id, item.SerializeToString()))
        if number % 29 == 0:  # a price change, and the old version once more: outdated
            outdated = records[-1]
            item.updated_at_ms, item.price = now_ms - 30_000, item.price / 2
            records += [(item.item_id, item.SerializeToString()), outdated]
        elif number % 31 == 0:
            gone = item_pb2.Item(item_id=item.item_id, updated_at_ms=now_ms - 30_000, deleted=True)
            records.append((item.item_id, gone.SerializeToString()))
    return records


def make_log(signals: int, users: int, items: int, start_ms: int, span_ms: int, seed: int = 1) -> list[Sent]:
    """`signals` records in the order they are to be published, event times from `start_ms` over `span_ms`."""
    maker = _LogMaker(random.Random(seed), users, items)
    return [maker.next(f"event-{seed}-{number}", start_ms + number * span_ms // signals) for number in range(signals)]


class _LogMaker:
    """Who is busy with what: a user may act again when nothing that was put off can still be waiting."""

    def __init__(self, draw: random.Random, users: int, items: int) -> None:
        self._draw = draw
        self._items = items
        self._users = range(users)
        self._activity = np.cumsum([draw.paretovariate(1.5) for _ in range(users)]).tolist()
        self._taste = [draw.randrange(_CLUSTERS) for _ in range(users)]
        self._first_event: dict[int, str] = {}
        self._newest_ms: dict[str, int] = {}
        self._free_from_ms: dict[str, int] = {}
        self._asks: dict[str, int] = {}
        self._left: set[int] = set()
        self._recent: list[Sent] = []

    def next(self, event_id: str, now_ms: int) -> Sent:
        draw = self._draw
        chance = draw.random()
        if chance < 0.01 and self._recent:
            return draw.choice(self._recent)  # the same event once more
        if chance < 0.02:
            sent = self._nudge(event_id, now_ms)
        else:
            user = self._somebody(now_ms)
            if chance < 0.05 and user in self._first_event:
                sent = self._feedback(f"user-{user}", event_id, self._first_event[user], now_ms)
            elif chance < 0.06:
                sent = self._update(f"user-{user}", event_id, now_ms)
            else:
                self._first_event.setdefault(user, event_id)
                sent = self._interaction(user, event_id, now_ms)
        self._recent = [*self._recent[-50:], sent]
        return sent

    def _somebody(self, now_ms: int) -> int:
        for _ in range(10_000):
            user = self._draw.choices(self._users, cum_weights=self._activity)[0]
            if user not in self._left and self._free_from_ms.get(f"user-{user}", 0) <= now_ms:
                return user
        raise ValueError("so few users cannot be so busy: nobody acts twice a second")

    def _happened_at_ms(self, user_id: str, now_ms: int) -> int:
        """Mostly now; some events come late, behind later ones."""
        free_from_ms = max(self._free_from_ms.get(user_id, 0), now_ms - 5000)
        at_ms = self._draw.randint(free_from_ms, now_ms) if self._draw.random() < 0.1 else now_ms
        self._newest_ms[user_id] = max(self._newest_ms.get(user_id, 0), at_ms)
        return at_ms

    def _asked(self, user_id: str, delay_ms: int) -> None:
        """A decision was asked for; it may be put off by the delay, and once more by the gap."""
        self._free_from_ms[user_id] = self._newest_ms[user_id] + delay_ms + LONGEST_DEFERRAL_MS
        self._asks[user_id] = self._asks.get(user_id, 0) + (2 if delay_ms else 1)

    def _interaction(self, user: int, event_id: str, now_ms: int) -> Sent:
        draw = self._draw
        signal = signal_pb2.Signal()
        body = signal.interaction
        body.event_id, body.user_id = event_id, f"user-{user}"
        body.occurred_at_ms = self._happened_at_ms(body.user_id, now_ms)
        body.type = draw.choices(list(_KINDS), list(_KINDS.values()))[0]
        if body.type == interaction_pb2.INTERACTION_TYPE_FAVOURITE:
            self._left.add(user)  # its wake-up is a long time ahead
        elif body.type not in _NO_TRIGGERS:
            self._asked(body.user_id, CART_DELAY_MS if body.type == interaction_pb2.INTERACTION_TYPE_CART else 0)
        if body.type == interaction_pb2.INTERACTION_TYPE_SEARCH:
            body.query = "shoes"
        else:
            cluster = self._taste[user] if draw.random() < 0.8 else draw.randrange(_CLUSTERS)
            number = cluster + _CLUSTERS * draw.randrange(self._items // _CLUSTERS)
            body.item_id = f"item-{number}" if draw.random() > 0.01 else f"unknown-{number}"
        if user % 3 == 0:
            body.context.time_zone, body.context.locale, body.context.country = "Europe/Berlin", "de-DE", "DE"
        return Sent("interactions", body.user_id, signal.SerializeToString())

    def _feedback(self, user_id: str, event_id: str, cause_id: str, now_ms: int) -> Sent:
        """Between topics there is no order: what may change a decision comes with the interactions, receipts concern users of their own."""
        topic = "interactions"
        outcome = self._draw.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
        if outcome == feedback_pb2.OUTCOME_DELIVERED:
            topic, user_id = "feedback", f"receipts-{user_id}"
        signal = signal_pb2.Signal()
        body = signal.feedback
        body.feedback_id, body.user_id, body.occurred_at_ms = event_id, user_id, self._happened_at_ms(user_id, now_ms)
        body.command_id, body.outcome = command_id(user_id, cause_id), outcome
        return Sent(topic, user_id, signal.SerializeToString())

    def _update(self, user_id: str, event_id: str, now_ms: int) -> Sent:
        signal = signal_pb2.Signal()
        body = signal.user_update
        body.update_id, body.user_id, body.occurred_at_ms = event_id, user_id, self._happened_at_ms(user_id, now_ms)
        if self._asks.get(user_id, 0) < 2 and self._draw.random() < 0.8:
            # A user whose wake-up is due may be erased before or after it fires: only those are who cannot have one.
            self._asks[user_id] = 0
            body.erase = True
        else:
            body.push_consent = self._draw.random() < 0.5
        return Sent("interactions", user_id, signal.SerializeToString())

    def _nudge(self, event_id: str, now_ms: int) -> Sent:
        """Of users of their own, for the same reason."""
        draw = self._draw
        signal = signal_pb2.Signal()
        body = signal.nudge
        free = [f"nudged-{number}" for number in range(100) if self._free_from_ms.get(f"nudged-{number}", 0) <= now_ms]
        body.nudge_id, body.user_id = event_id, draw.choice(free)
        body.occurred_at_ms = self._happened_at_ms(body.user_id, now_ms)
        body.trigger, body.item_id, body.boost = (
            signal_pb2.TRIGGER_PRICE_DROP,
            f"item-{draw.randrange(self._items)}",
            draw.uniform(0.5, 1.5),
        )
        body.expires_at_ms = 1 if draw.random() < 0.2 else now_ms + 3_600_000
        self._asked(body.user_id, 0)
        return Sent("nudges", body.user_id, signal.SerializeToString())
