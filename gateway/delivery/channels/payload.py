"""A push as JSON, as clients of the stream, service workers and webhooks get it. Whom it is for and how it was decided stay here."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Any

from kairos.v1 import push_pb2, signal_pb2
from kairos.v1.push_pb2 import Action, PushCommand


def fields(command: PushCommand, ends_at_ms: int) -> dict[str, Any]:
    """What is not set is not there."""
    found: dict[str, Any] = {"command_id": command.command_id}
    for field, value in command.content.ListFields():  # knows what is set, which is little of what there is
        if field.name in _OF_CONTENT:
            found[field.name] = _OF_CONTENT[field.name](value)
    others = {
        "item_ids": list(command.item_ids),
        "reason": command.reason,
        "collapse_key": command.collapse_key,
        "thread_id": command.thread_id,
        "silent": command.silent,
        "expires_at_ms": ends_at_ms,
        "caused_at_ms": command.caused_at_ms,
        "priority": command.priority and _word(push_pb2.Priority.Name(command.priority), "PRIORITY_"),
        "trigger": command.trigger and _word(signal_pb2.Trigger.Name(command.trigger), "TRIGGER_"),
    }
    return found | {name: value for name, value in others.items() if value}


def _as_it_is(value: Any) -> Any:
    return value


def _actions(actions: Iterable[Action]) -> list[dict[str, str]]:
    return [{"action_id": action.action_id, "title": action.title, "deep_link": action.deep_link} for action in actions]


_OF_CONTENT: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("title", "subtitle", "body", "image_url", "icon", "badge", "sound", "colour", "deep_link", "locale"), _as_it_is),
    **dict.fromkeys(("title_loc_key", "body_loc_key"), _as_it_is),
    **dict.fromkeys(("title_loc_args", "body_loc_args"), list),
    "actions": _actions,
    "data": dict,
}
"""Fields of the content that clients get, and how they get them."""


def _word(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower()


def header_key(key: str, longest: int) -> str:
    """A collapse key as providers take it in a header; one with other letters, or too long, by its hash.

    >>> header_key("item-mug-7", 32), header_key("Tasse für zwei", 32)
    ('item-mug-7', 'fYpBd3lyVYM3uHZN8BnMxS')
    """
    if len(key) <= longest and re.fullmatch(r"[A-Za-z0-9_-]+", key):
        return key
    return urlsafe_b64encode(hashlib.sha256(key.encode()).digest()).decode()[:22]


def to_json(document: dict[str, Any]) -> str:
    """Compact, and with every letter as itself: it counts against a limit."""
    return _encode(document)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def fitted(document: dict[str, Any], most_bytes: int) -> bytes | None:
    """As JSON of at most ``most_bytes``: what is not needed goes first, then the end of the text; None if that is not enough."""
    document = dict(document)
    data = to_json(document).encode()
    for name in ("reason", "data", "image_url", "actions", "subtitle"):
        if len(data) <= most_bytes:
            return data
        document.pop(name, None)
        data = to_json(document).encode()
    if len(data) > most_bytes and document.get("body"):
        document["body"] = shortened(document["body"], len(document["body"].encode()) - (len(data) - most_bytes))
        data = to_json(document).encode()
    return data if len(data) <= most_bytes else None


def shortened(text: str, most_bytes: int) -> str:
    """The beginning of a text that fits, with an ellipsis for the rest.

    >>> shortened("Tea tins, set of three", 12)
    'Tea tins…'
    """
    if len(text.encode()) <= most_bytes:
        return text
    room = most_bytes - len("…".encode())
    return text.encode()[:room].decode(errors="ignore").rstrip(" ,.;") + "…" if room > 0 else ""
