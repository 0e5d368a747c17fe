"""The push services themselves, as far as a client can tell: a browser's, Google's, Apple's. Each refuses what the real one would."""

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import http_ece
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target
from tests.gateway.delivery.provider import Reply, Request

_PEM = serialization.Encoding.PEM
_PKCS8 = serialization.PrivateFormat.PKCS8
_X962 = serialization.Encoding.X962
_POINT = serialization.PublicFormat.UncompressedPoint


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(_PEM, _PKCS8, serialization.NoEncryption()).decode()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class BrowserService:
    """A browser with its push service (RFC 8030, 8291, 8292). `shown`: what the browser decrypted; `paths`: where each was sent to."""

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = b"sixteen secrets!"
        self.vapid_key = ec.generate_private_key(ec.SECP256R1())
        self.shown: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self.replies: list[Reply] = []

    def subscription(self, path: str = "/push/1") -> Target:
        public = self._key.public_key().public_bytes(_X962, _POINT)
        channel = feedback_pb2.CHANNEL_WEB_PUSH
        return Target(channel=channel, endpoint=self.url + path, p256dh=base64url(public), auth=base64url(self._auth), device_id="browser")

    def __call__(self, request: Request) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        if not self._signed(request):
            return Reply(403, b"VAPID")
        if not request.headers.get("ttl", "").isdigit():
            return Reply(400, b"TTL")
        if request.headers.get("content-encoding") != "aes128gcm" or len(request.body) > 4096:
            return Reply(413)
        self.shown.append(json.loads(http_ece.decrypt(request.body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")))
        self.paths.append(request.path)
        self.headers.append(request.headers)
        return Reply(201, headers={"location": f"{self.url}/m/{len(self.shown)}"})

    def _signed(self, request: Request) -> bool:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        own = self.vapid_key.public_key().public_bytes(_X962, _POINT)
        if scheme.lower() != "vapid" or parts.get("k") != base64url(own):
            return False
        claims = jwt.decode(parts["t"], self.vapid_key.public_key(), algorithms=["ES256"], audience=self.url, options={"verify_exp": False})
        return str(claims["sub"]).startswith("mailto:") and self._now_s() < claims["exp"] <= self._now_s() + 86_400


class Google:
    """FCM's HTTP v1 API and the OAuth server before it. `sent`: the requests that were accepted."""

    project = "shop-1"

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self.url = ""
        self.sent: list[dict[str, Any]] = []
        self.tokens_given = 0
        self.replies: list[Reply] = []

    def service_account(self) -> str:
        info = {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": "key-1",
            "private_key": pem(self._key),
            "client_email": "push@shop-1.example.com",
            "token_uri": f"{self.url}/token",
        }
        return json.dumps(info)

    def __call__(self, request: Request) -> Reply:
        if request.path == "/token":
            return self._token(request)
        if request.path != f"/v1/projects/{self.project}/messages:send":
            return Reply(404)
        if request.headers.get("authorization") != f"Bearer access-{self.tokens_given}" or not self.tokens_given:
            return fcm_error(401, "UNAUTHENTICATED")
        if self.replies:
            return self.replies.pop(0)
        body = json.loads(request.body)
        message = body["message"]
        if set(body) - {"message", "validateOnly"} or not all(isinstance(text, str) for text in message["data"].values()):
            return fcm_error(400, "INVALID_ARGUMENT")
        self.sent.append(body)
        return Reply(200, json.dumps({"name": f"projects/{self.project}/messages/{len(self.sent)}"}).encode())

    def _token(self, request: Request) -> Reply:
        form = parse_qs(request.body.decode())
        claims = jwt.decode(
            form["assertion"][0], self._key.public_key(), algorithms=["RS256"], audience="https://oauth2.googleapis.com/token"
        )
        assert "firebase.messaging" in claims["scope"]
        self.tokens_given += 1
        return Reply(200, json.dumps({"access_token": f"access-{self.tokens_given}", "expires_in": 3600, "token_type": "Bearer"}).encode())


def fcm_error(status: int, code: str, *, headers: dict[str, str] | None = None, field: str = "") -> Reply:
    """An error as FCM writes it."""
    details: list[dict[str, Any]] = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    if field:
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field}]})
    body = {"error": {"code": status, "message": f"about {code}", "status": "SOME_STATUS", "details": details}}
    return Reply(status, json.dumps(body).encode(), headers or {})


class Apple:
    """APNs. `sent`: headers and payloads that were accepted."""

    team_id, key_id, topic = "TEAM123456", "KEY1234567", "com.example.shop"

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.sent: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.replies: list[Reply] = []
        self.signatures: set[str] = set()

    def __call__(self, request: Request) -> Reply:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = jwt.decode(token, self.key.public_key(), algorithms=["ES256"])
        if scheme != "bearer" or claims["iss"] != self.team_id or jwt.get_unverified_header(token)["kid"] != self.key_id:
            return apns_error(403, "InvalidProviderToken")
        self.signatures.add(token)
        if self.replies:
            return self.replies.pop(0)
        headers = request.headers
        uuid.UUID(headers["apns-id"])
        if headers["apns-topic"] != self.topic:
            return apns_error(400, "DeviceTokenNotForTopic")
        if len(headers.get("apns-collapse-id", "").encode()) > 64:
            return apns_error(400, "BadCollapseId")
        if len(request.body) > 4096:
            return apns_error(413, "PayloadTooLarge")
        if headers["apns-push-type"] == "background" and headers["apns-priority"] != "5":
            return apns_error(400, "BadPriority")
        self.sent.append((headers | {"path": urlsplit(request.path).path}, json.loads(request.body)))
        return Reply(200, headers={"apns-id": headers["apns-id"]})


def apns_error(status: int, reason: str, **headers: str) -> Reply:
    """An error as Apple writes it."""
    return Reply(status, json.dumps({"reason": reason}).encode(), headers)
