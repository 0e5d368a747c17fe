"""What becomes of a user's stream when pushes are added, worked out for many at once: a store then does it in few statements.

A push that is there already stays as it is. A new one takes the place of those with its collapse key that nobody has acknowledged; of the
others that wait for the user, the oldest go if there are too many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.delivery.store.values import Addition, Appended, StreamEntry


@dataclass(slots=True)
class Added:
    """``answers``: of each addition. ``inserted``: what is new in the end, with whether it is sent; ``removed``: ids of what is no more."""

    newest_id: int
    answers: list[Appended] = field(default_factory=list)
    inserted: dict[int, tuple[StreamEntry, bool]] = field(default_factory=dict)
    removed: list[int] = field(default_factory=list)


def add(
    additions: Sequence[Addition], there: Mapping[str, StreamEntry], waiting: Mapping[str, Sequence[StreamEntry]], newest_id: int
) -> Added:
    """As if one were added after the other.

    ``there``: by command id, the entries that the stream has of these commands; ``waiting``: by user id, those that no device has
    acknowledged, the oldest first.
    """
    added = Added(newest_id)
    known = dict(there)
    of_user = dict(waiting)
    for wanted, _, keep, sent in additions:
        if (found := known.get(wanted.command_id)) is not None:
            added.answers.append(Appended(found, is_new=False))
            continue
        mine = of_user.get(wanted.user_id, ())
        replaced = [old for old in mine if wanted.collapse_key and old.collapse_key == wanted.collapse_key]
        others = [old for old in mine if not wanted.collapse_key or old.collapse_key != wanted.collapse_key]
        overflowed = others[: max(0, len(others) + 1 - keep)]
        for old in (*replaced, *overflowed):
            known.pop(old.command_id, None)
            if added.inserted.pop(old.stream_id, None) is None:
                added.removed.append(old.stream_id)
        added.newest_id += 1
        entry = StreamEntry(added.newest_id, wanted.user_id, wanted.command_id, wanted.payload, wanted.collapse_key, wanted.expires_at_ms)
        added.inserted[entry.stream_id] = (entry, sent)
        known[entry.command_id] = entry
        of_user[wanted.user_id] = [*others[len(overflowed) :], entry]
        added.answers.append(Appended(entry, replaced=tuple(replaced), overflowed=tuple(overflowed)))
    return added
