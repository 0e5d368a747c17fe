"""Web Push: a browser's push service, RFC 8030, encrypted for the browser (RFC 8291), signed as us (VAPID, RFC 8292).

| answer | means |
|---|---|
| 201, 202, any 2xx | accepted; the id is the `Location` |
| 404, 410 | the subscription is gone: retire it |
| 413 | too large for this service |
| 429, 5xx | again, after `Retry-After` |
| 401, 403 | our key or its signature: sign anew once |
| other 4xx | refused: 400 is a header or a key that cannot be used |

The endpoint comes from a browser, and whoever holds a user's token could name any address: none but the push services' hosts are called,
by HTTPS, and no redirect is followed.
"""

import base64
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher

from gateway.common.secrets import read_secret
from gateway.delivery.channels.channel import Answer, Push, Verdict
from gateway.delivery.channels.http_answers import MAY_COME_AGAIN, post, retry_after_ms
from gateway.delivery.channels.payload import LONGEST_TOPIC, fields, fitted, header_key
from gateway.delivery.settings import WebPushSettings
from kairos.errors import USAGE_ERROR, KairosError
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

LONGEST_TTL_S = 28 * 86_400
_FRESH_SHARE = 0.9
"""A token is signed anew when so much of its life is over."""
_MOST_SIGNED = 1000
_POINT_BYTES, _AUTH_BYTES = 65, 16
_HOST = re.compile(r"[a-z0-9.-]+")
"""No sign that one reader of addresses takes for the end of a host and another does not."""


class WebPushChannel:
    """See ``Channel``. ``public_key``: what browsers subscribe with, base64url. Raises KairosError for a key that is none."""

    number = feedback_pb2.CHANNEL_WEB_PUSH

    def __init__(self, settings: WebPushSettings, private_key: str, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._vapid = _vapid(private_key)
        public = self._vapid.public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        self.public_key = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        self._signed: dict[str, tuple[str, float]] = {}
        if not settings.subject.startswith(("mailto:", "https://")):
            raise KairosError(
                "delivery.web_push.subject must be a mailto: or https: address, for push services to write to.", exit_code=USAGE_ERROR
            )

    def takes(self, target: Target) -> bool:  # noqa: D102 - as Channel
        return self._may_call(target.endpoint) and _are_keys(target)

    def party(self, target: Target) -> str:  # noqa: D102
        return _origin(target.endpoint)

    async def send(self, push: Push, target: Target, now_ms: int) -> Answer:  # noqa: D102
        payload = fitted(fields(push.command, push.ends_at_ms), self._settings.payload_bytes)
        if payload is None:
            return Answer(Verdict.REFUSED, "TOO_LARGE", "more than a push service takes")
        if not _are_keys(target):
            return Answer(Verdict.DEAD_ADDRESS, "BAD_KEYS", "the browser's keys are none")
        body = _encrypted(target, payload)
        headers = {
            "TTL": str(push.ttl_s(now_ms, LONGEST_TTL_S)),
            "Urgency": "high" if push.urgent else "normal",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": await self._authorization(target.endpoint, now_ms / 1000),
        }
        if push.command.collapse_key:
            headers["Topic"] = header_key(push.command.collapse_key, LONGEST_TOPIC)
        response = await post(self._client, target.endpoint, body, headers)
        return response if isinstance(response, Answer) else answer(response, now_ms)

    async def refresh(self) -> None:  # noqa: D102
        self._signed.clear()

    async def close(self) -> None:  # noqa: D102
        await self._client.aclose()

    async def _authorization(self, endpoint: str, now_s: float) -> str:
        """A token is for one push service, so one is made for each, and used again while it is fresh."""
        audience = _origin(endpoint)
        header, until_s = self._signed.get(audience, ("", 0.0))
        if now_s >= until_s:
            life_s = self._settings.token_life_ms / 1000
            claims = {"aud": audience, "sub": self._settings.subject, "exp": int(now_s + life_s)}
            header = self._vapid.sign(claims)["Authorization"]
            if len(self._signed) >= _MOST_SIGNED:  # whoever has a token may name any host below an allowed domain
                self._signed.clear()
            self._signed[audience] = (header, now_s + life_s * _FRESH_SHARE)
        return header

    def _may_call(self, endpoint: str) -> bool:
        try:
            parts = urlsplit(endpoint)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.username or parts.password or not _HOST.fullmatch(host):
            return False
        with_port = f"{host}:{port}" if port else host
        return parts.scheme == "https" and any(_matches(allowed, with_port) for allowed in self._settings.allowed_hosts)


def answer(response: httpx.Response, now_ms: int) -> Answer:
    """What a push service's response means."""
    code = str(response.status_code)
    if response.is_success:
        return Answer(Verdict.ACCEPTED, code, message_id=response.headers.get("location", "")[:256])
    if response.status_code in (404, 410):
        return Answer(Verdict.DEAD_ADDRESS, code, "the subscription is gone")
    if response.status_code in (401, 403):
        return Answer(Verdict.CREDENTIALS, code, response.text[:200])
    if response.status_code in MAY_COME_AGAIN:
        return Answer(Verdict.AGAIN, code, wait_ms=retry_after_ms(response, now_ms))
    return Answer(Verdict.REFUSED, code, response.text[:200])


def private_key(settings: WebPushSettings, environment: Mapping[str, str] | None = None) -> str:
    """Empty: the channel is off."""
    return read_secret(settings.private_key, environment).strip()


def _are_keys(target: Target) -> bool:
    """A point on P-256, uncompressed, and 16 bytes, as RFC 8291 has them."""
    try:
        point = _decoded(target.p256dh)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        return len(point) == _POINT_BYTES and len(_decoded(target.auth)) == _AUTH_BYTES
    except ValueError:
        return False


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _encrypted(target: Target, payload: bytes) -> bytes:
    pusher = WebPusher({"endpoint": target.endpoint, "keys": {"p256dh": target.p256dh, "auth": target.auth}})
    encoded = pusher.encode(payload, content_encoding="aes128gcm")
    return bytes(encoded["body"]) if encoded else b""


def _vapid(key: str) -> Vapid02:
    try:
        return Vapid02.from_pem(key.encode()) if "BEGIN" in key else Vapid02.from_string(key)
    except (VapidException, ValueError, TypeError) as error:
        raise KairosError("delivery.web_push.private_key is no P-256 key, as PEM or as base64url.", exit_code=USAGE_ERROR) from error


def _origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _matches(allowed: str, host: str) -> bool:
    """A host, or with an asterisk all below a domain."""
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
