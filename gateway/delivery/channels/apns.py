"""Apple Push Notification service: HTTP/2, authorised by a token (JWT, ES256) that is signed with the team's key.

| status, reason | means |
|---|---|
| 200 | accepted |
| 400 BadDeviceToken, DeviceTokenNotForTopic; 410 Unregistered, ExpiredToken | retire the token |
| 403 ExpiredProviderToken, InvalidProviderToken, MissingProviderToken | sign anew, once |
| 429 TooManyRequests (to this device), TooManyProviderTokenUpdates; 500, 503 | again, after `Retry-After` |
| 413 PayloadTooLarge, other 400, 403, 404, 405 | refused |

The `apns-id` is a function of the command, and its `apns-collapse-id` the command's collapse key or else the command: a push that is sent
a second time takes the place of the first on the screen.
"""

import re
import uuid
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.delivery.channels.channel import Answer, Push, Verdict
from gateway.delivery.channels.http_answers import MAY_COME_AGAIN, json_object, post, retry_after_ms
from gateway.delivery.channels.payload import LONGEST_COLLAPSE_BYTES, fields, header_key, shortened, to_json
from gateway.delivery.settings import ApnsSettings
from kairos.errors import USAGE_ERROR, KairosError
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PURPOSE_TRANSACTIONAL, Target

_NAMESPACE = uuid.UUID("5d0f6c1e-6f0b-5c8e-9a0e-6b61697a6f73")
"""Of command ids among UUIDs of version 5."""
_DEAD = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken"})
_OURS = frozenset({"ExpiredProviderToken", "InvalidProviderToken", "MissingProviderToken"})


class ApnsChannel:
    """See ``Channel``. Raises KairosError for a key that is none. ``client`` speaks HTTP/2."""

    number = feedback_pb2.CHANNEL_APNS

    def __init__(self, settings: ApnsSettings, key: str, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._token = ("", 0.0)
        self._refused = ""
        try:
            self._key = load_pem_private_key(key.encode(), password=None)
        except (ValueError, TypeError):
            raise KairosError("delivery.apns.key is no PEM of a .p8 key.", exit_code=USAGE_ERROR) from None
        if not isinstance(self._key, EllipticCurvePrivateKey) or not (settings.key_id and settings.team_id):
            raise KairosError("delivery.apns needs a P-256 key, key_id and team_id.", exit_code=USAGE_ERROR)

    def takes(self, target: Target) -> bool:  # noqa: D102 - as Channel
        return _is_word(target.token) and _is_word(target.app_id or self._settings.topic)

    def party(self, target: Target) -> str:  # noqa: ARG002, D102
        return ""

    async def send(self, push: Push, target: Target, now_ms: int) -> Answer:  # noqa: D102
        payload = payload_of(push, self._settings.payload_bytes)
        if payload is None:
            return Answer(Verdict.REFUSED, "PayloadTooLarge", "more than APNs takes")
        command = push.command
        token = self._signed(now_ms / 1000)
        headers = {
            "authorization": f"bearer {token}",
            "apns-id": str(uuid.uuid5(_NAMESPACE, command.command_id)),
            "apns-topic": target.app_id or self._settings.topic,
            "apns-push-type": "background" if command.silent else "alert",
            "apns-priority": "10" if push.urgent and not command.silent else "5",
            "apns-expiration": str(push.ends_at_ms // 1000),
            "apns-collapse-id": header_key(command.collapse_key or command.command_id, LONGEST_COLLAPSE_BYTES),
        }
        url = f"{self._settings.url}/3/device/{target.token}"
        response = await post(self._client, url, payload, headers)
        said = response if isinstance(response, Answer) else answer(response, now_ms)
        if said.verdict is Verdict.CREDENTIALS:
            self._refused = token
        return said

    async def refresh(self) -> None:
        """Forget the token, unless another push that was refused with it has done so: Apple counts new tokens."""
        if self._token[0] == self._refused:
            self._token = ("", 0.0)

    async def close(self) -> None:  # noqa: D102
        await self._client.aclose()

    def _signed(self, now_s: float) -> str:
        """The same for all while it is fresh: Apple refuses tokens that change more often than every 20 minutes."""
        token, until_s = self._token
        if now_s >= until_s:
            claims = {"iss": self._settings.team_id, "iat": int(now_s)}
            token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._settings.key_id})  # type: ignore[arg-type]
            self._token = (token, now_s + self._settings.token_life_ms / 1000)
        return token


def _is_word(text: str) -> bool:
    """Goes into an address or a header as it is."""
    return bool(re.fullmatch(r"[A-Za-z0-9._-]{1,512}", text))


def payload_of(push: Push, most_bytes: int) -> bytes | None:
    """The JSON for the device; None if it cannot be made to fit."""
    command, content = push.command, push.command.content
    alert: dict[str, Any] = {
        "title": content.title,
        "subtitle": content.subtitle,
        "body": content.body,
        "title-loc-key": content.title_loc_key,
        "title-loc-args": list(content.title_loc_args),
        "loc-key": content.body_loc_key,
        "loc-args": list(content.body_loc_args),
    }
    alert = {name: value for name, value in alert.items() if value}
    aps: dict[str, Any] = {"content-available": 1}
    if not command.silent:
        aps = {"alert": alert, "sound": content.sound, "thread-id": command.thread_id}
        aps["interruption-level"] = "time-sensitive" if push.urgent and command.purpose == PURPOSE_TRANSACTIONAL else "active"
        aps["relevance-score"] = round(min(1.0, max(0.0, command.relevance)), 4)
        if content.HasField("badge"):
            aps["badge"] = content.badge
        if content.image_url:
            aps["mutable-content"] = 1
        if content.actions:
            aps["category"] = "kairos." + ".".join(action.action_id for action in content.actions)
        aps = {name: value for name, value in aps.items() if value or name in ("badge", "relevance-score")}
    custom = fields(command, push.ends_at_ms)
    for shown in ("title", "subtitle", "body", "sound", "badge", "title_loc_key", "title_loc_args", "body_loc_key", "body_loc_args"):
        if not command.silent:
            custom.pop(shown, None)
    return _fitted({"aps": aps, "kairos": custom}, alert, most_bytes)


def answer(response: httpx.Response, now_ms: int) -> Answer:
    """What Apple's response means."""
    message_id = response.headers.get("apns-id", "")
    if response.is_success:
        return Answer(Verdict.ACCEPTED, str(response.status_code), message_id=message_id)
    reason = str(json_object(response).get("reason", ""))[:64]
    code = reason or str(response.status_code)
    if reason in _DEAD or response.status_code == 410:
        return Answer(Verdict.DEAD_ADDRESS, code, message_id=message_id)
    if reason in _OURS:
        return Answer(Verdict.CREDENTIALS, code)
    if response.status_code in MAY_COME_AGAIN:
        return Answer(Verdict.AGAIN, code, wait_ms=retry_after_ms(response, now_ms), alone=reason == "TooManyRequests")
    return Answer(Verdict.REFUSED, code, message_id=message_id)


def _fitted(document: dict[str, Any], alert: dict[str, Any], most_bytes: int) -> bytes | None:
    custom: dict[str, Any] = document["kairos"]
    data = to_json(document).encode()
    for name in ("reason", "data", "actions"):
        if len(data) > most_bytes:
            custom.pop(name, None)
            data = to_json(document).encode()
    if len(data) > most_bytes and alert.get("body"):
        alert["body"] = shortened(alert["body"], len(alert["body"].encode()) - (len(data) - most_bytes))
        data = to_json(document).encode()
    return data if len(data) <= most_bytes else None
