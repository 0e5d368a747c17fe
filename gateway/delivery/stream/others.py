"""What other gateways put into the streams of users who are connected to this one.

Whatever goes to a device goes in the order of all ids: a device that acknowledges an id, or resumes from it, says that it has all before
it. So nothing that this gateway adds is published before what the others had added until then for the same user.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from gateway.delivery.store.store import Store
from gateway.delivery.store.values import StreamEntry


@dataclass(frozen=True, slots=True)
class Before:
    """What goes to connections before additions of this gateway do. ``take`` is for the store's thread, after these, in their transaction."""

    user_ids: frozenset[str]
    """Of connected users that something is added for: all the ids that they may have."""
    after_id: int
    """Up to here all is published."""

    def take(self, store: Store) -> Sequence[StreamEntry]:
        """The oldest first; they count as sent."""
        if not self.user_ids:
            return ()
        entries = store.written_to(self.user_ids, self.after_id)
        store.mark_sent([entry.stream_id for entry in entries])
        return entries


@dataclass(frozen=True, slots=True)
class News:
    """What other gateways did since this was asked last. ``acknowledged``: ids out of those that were asked about."""

    entries: Sequence[StreamEntry]
    acknowledged: Sequence[int]
    newest_id: int


def news(store: Store, after_id: int, here: Container[str], waiting: Sequence[int]) -> News | None:
    """In the store's thread. ``here``: ids of users who are connected, as they are at this moment; what goes to them counts as sent."""
    if not store.changed():
        return None
    newest_id = store.newest_id()  # before anything is written: what comes meanwhile is looked for the next time
    entries = store.written_by_others(after_id)
    store.mark_sent([entry.stream_id for entry in entries if entry.user_id in here])
    return News(entries, store.acknowledged(waiting), newest_id)
