"""A push as FCM's message: for Android, and by way of FCM for iPhones and browsers."""

import re
from collections.abc import Mapping
from typing import Any

from gateway.delivery.channels.channel import Push
from gateway.delivery.channels.payload import LONGEST_COLLAPSE_BYTES, LONGEST_TOPIC, fields, header_key, shortened, to_json
from kairos.v1 import push_pb2
from kairos.v1.push_pb2 import Target

LONGEST_TTL_S = 28 * 86_400
_LONGEST_LABEL = 50
_NO_LABEL = re.compile(r"[^A-Za-z0-9\-_.~%]")
"""Google refuses a whole message for one such letter in its label."""


def message_of(push: Push, target: Target, now_ms: int, most_bytes: int) -> dict[str, Any] | None:
    """The FCM message; None if it cannot be made to fit. A device shows a push of the same collapse key in place of the former one."""
    command, content = push.command, push.command.content
    data = _data(push)
    android: dict[str, Any] = {"priority": "HIGH" if push.urgent else "NORMAL", "ttl": f"{push.ttl_s(now_ms, LONGEST_TTL_S)}s"}
    if command.collapse_key:
        android["collapseKey"] = command.collapse_key
    if label := _NO_LABEL.sub("_", command.campaign_id)[:_LONGEST_LABEL]:
        android["fcmOptions"] = {"analyticsLabel": label}
    message: dict[str, Any] = {"token": target.token, "data": data, "android": android, **_for_others(push, now_ms)}
    if not command.silent:
        shown = {"title": content.title, "body": content.body, "image": content.image_url}
        message["notification"] = {name: text for name, text in shown.items() if text}
        android["notification"] = {
            name: text
            for name, text in {
                "tag": command.collapse_key or command.thread_id,
                "channelId": _channel_of(command.purpose),
                "icon": content.icon,
                "sound": content.sound,
                "color": content.colour,
                "titleLocKey": content.title_loc_key,
                "titleLocArgs": list(content.title_loc_args),
                "bodyLocKey": content.body_loc_key,
                "bodyLocArgs": list(content.body_loc_args),
            }.items()
            if text
        }
    return _fitted(message, most_bytes)


def _data(push: Push) -> dict[str, str]:
    """What the app reads itself; FCM knows texts only, and keeps some names for itself."""
    document = fields(push.command, push.ends_at_ms)
    for shown in (
        "title",
        "body",
        "image_url",
        "icon",
        "sound",
        "colour",
        "title_loc_key",
        "title_loc_args",
        "body_loc_key",
        "body_loc_args",
    ):
        if not push.command.silent:
            document.pop(shown, None)
    own = document.pop("data", {})
    texts = {name: value if isinstance(value, str) else to_json(value) for name, value in (own | document).items()}
    return {name: text for name, text in texts.items() if name not in ("from", "message_type") and not name.startswith(("google", "gcm"))}


def _for_others(push: Push, now_ms: int) -> dict[str, Any]:
    """The same for iPhones and browsers that are reached by way of FCM."""
    key = push.command.collapse_key
    apns = {"apns-expiration": str(push.ends_at_ms // 1000), "apns-priority": "10" if push.urgent and not push.command.silent else "5"}
    web = {"TTL": str(push.ttl_s(now_ms, LONGEST_TTL_S)), "Urgency": "high" if push.urgent else "normal"}
    if key:
        apns["apns-collapse-id"] = header_key(key, LONGEST_COLLAPSE_BYTES)
        web["Topic"] = header_key(key, LONGEST_TOPIC)
    return {"apns": {"headers": apns}, "webpush": {"headers": web}}


def _channel_of(purpose: int) -> str:
    """The notification channel on Android; an app that has none of this name shows the push in its default one."""
    return push_pb2.Purpose.Name(purpose or push_pb2.PURPOSE_MARKETING).removeprefix("PURPOSE_").lower()


def _fitted(message: dict[str, Any], most_bytes: int) -> dict[str, Any] | None:
    for name in ("reason", "actions"):
        if _size(message) > most_bytes:
            message["data"].pop(name, None)
    over = _size(message) - most_bytes
    body = message.get("notification", {}).get("body", "")
    if over > 0 and body:
        message["notification"]["body"] = shortened(body, len(body.encode()) - over)
    return message if _size(message) <= most_bytes else None


def _size(message: Mapping[str, Any]) -> int:
    """Of what counts: the notification and the data."""
    return len(to_json({"notification": message.get("notification", {}), "data": message["data"]}).encode())
