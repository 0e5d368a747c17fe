"""The pushes a user got and the things they bought: what caps, gaps and "never twice" are counted from."""

from __future__ import annotations

from array import array

from flink_job.core.ids import place_of_key
from flink_job.core.rules import Cap
from flink_job.core.state import DECIDED, FAILED, UserState

_COLUMNS = ("sent_at_ms", "sent_item", "sent_command", "sent_status", "sent_trigger", "sent_category", "sent_creator", "sent_template")


def remember_push(
    state: UserState, item_key: int, command_id: str, at_ms: int, kept: int, *, trigger: int = 0, category: int = 0, creator: int = 0
) -> None:
    """Keep that a push was sent; when more than `kept` are held the oldest that failed goes, else the oldest.

    It takes its place under every cap at once (reserves it); what becomes of it confirms the place or gives it back. A digest has a row for each of
    its items, one after the other; together they are one push.
    """
    if len(state.sent_at_ms) >= kept:
        # Pushes that fail one after the other must not push out of memory those that were seen: caps count the latter.
        row = state.sent_status.index(FAILED) if FAILED in state.sent_status else 0
        for column in _COLUMNS:
            del getattr(state, column)[row]
    state.sent_at_ms.append(at_ms)
    state.sent_item.append(item_key)
    state.sent_command.append(command_key(command_id))
    state.sent_status.append(DECIDED)
    state.sent_trigger.append(trigger)
    state.sent_category.append(category)
    state.sent_creator.append(creator)
    state.sent_template.append(0)


def mark_push(state: UserState, command_id: str, status: int) -> tuple[int, int]:
    """Note how far a push got; it never goes back. Its row, -1 if the push is not (or no longer) known, and how far it had got before.

    It failed only if it reached none of the user's devices: one report that it was seen outweighs any that it was not.
    """
    key = command_key(command_id)
    row = place_of_key(key, state.sent_command)
    if row < 0:
        return -1, -1
    held = state.sent_status[row]
    if held == DECIDED or (status != FAILED and (held == FAILED or status > held)):
        state.sent_status[row] = status
        for also in range(row + 1, len(state.sent_command)):
            if state.sent_command[also] != key:
                break
            state.sent_status[also] = status
    return row, held


def command_key(command_id: str) -> int:
    """64 bits of a command id; 0 for what is none of ours."""
    try:
        return max(int(command_id[:16], 16), 0)
    except ValueError:
        return 0


def remember_purchase(state: UserState, item_key: int, at_ms: int, kept: int) -> None:
    """Keep when an item was bought last; the one bought longest ago goes when more than `kept` are held."""
    items, times = state.bought_item, state.bought_at_ms
    row = place_of_key(item_key, items)
    if row >= 0:
        at_ms = max(at_ms, times[row])
        del items[row], times[row]
    row = len(items)
    while row and times[row - 1] > at_ms:
        row -= 1
    items.insert(row, item_key)
    times.insert(row, at_ms)
    if len(items) > kept:
        del items[0], times[0]


def forget_purchase(state: UserState, item_key: int) -> None:
    """An item was sent back: it may be recommended again."""
    row = place_of_key(item_key, state.bought_item)
    if row >= 0:
        del state.bought_item[row], state.bought_at_ms[row]


def cap_opens_at_ms(
    state: UserState, cap: Cap, now_ms: int = 0, release_after_ms: int = 0, column: array[int] | None = None, value: int = 0
) -> int:
    """From when on this cap allows another push, if nothing more is heard of those that were sent; in the past if it does now.

    Exact for every window: so many of the pushes in it must have left that less than `count` are there. Pushes are held in order of time. With a
    `column` of `state` only those whose entry in it is `value` are counted. `release_after_ms`: see `counts_until_ms`.
    """
    ends: list[int] = []
    times, commands = state.sent_at_ms, state.sent_command
    for row in range(len(times) - 1, -1, -1):
        if times[row] + cap.window_ms <= now_ms:
            break
        if row and commands[row] == commands[row - 1]:
            continue  # a further item of the same push
        if column is None or column[row] == value:
            until_ms = counts_until_ms(state, row, cap.window_ms, release_after_ms)
            if until_ms > now_ms:
                ends.append(until_ms)
    if len(ends) < cap.count:
        return 0
    ends.sort(reverse=True)
    return ends[cap.count - 1]


def counts_until_ms(state: UserState, row: int, window_ms: int, release_after_ms: int) -> int:
    """When a push gives its place in a window back, 0 if it has none.

    It takes it with its decision and keeps it for the window, unless it failed on every device, or nothing was heard of it for
    `release_after_ms` (0: never mind). A receipt that comes after that makes it count again, as of when it was sent: nothing is counted twice.
    """
    status = state.sent_status[row]
    if status == FAILED:
        return 0
    if status == DECIDED and release_after_ms:
        window_ms = min(window_ms, release_after_ms)
    return state.sent_at_ms[row] + window_ms


def keys_since(keys: array[int], times: array[int], since_ms: int) -> set[int]:
    """Keys whose time is after `since_ms`."""
    return {key for key, at_ms in zip(keys, times, strict=True) if at_ms > since_ms}
