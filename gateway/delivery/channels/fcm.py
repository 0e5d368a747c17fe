"""Firebase Cloud Messaging, HTTP v1, over HTTP/2; authorised by a service account's OAuth token.

| error code (HTTP) | means |
|---|---|
| UNREGISTERED (404) | the app is gone from the device: retire the token |
| SENDER_ID_MISMATCH (403) | the token is another project's: retire it here |
| INVALID_ARGUMENT (400) | if the token is what is wrong: retire it; else the message is refused |
| QUOTA_EXCEEDED (429) | again, after `Retry-After`, or else a minute, as Google asks |
| UNAVAILABLE (503), INTERNAL (500) | again, after `Retry-After` |
| THIRD_PARTY_AUTH_ERROR (401) | the project's APNs or Web Push credentials: refused, until somebody sets them |
| any other 401, 403 | our own token: a new one, once |
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import google.auth.exceptions
import google.auth.transport
import httpx
from google.oauth2 import service_account

from gateway.delivery.channels.channel import Answer, Push, Verdict
from gateway.delivery.channels.http_answers import MAY_COME_AGAIN, calling, retry_after_ms
from gateway.delivery.channels.payload import fields, shortened, to_json
from gateway.delivery.settings import FcmSettings
from kairos.errors import USAGE_ERROR, KairosError
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

LONGEST_TTL_S = 28 * 86_400
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_QUOTA_WAIT_MS = 60_000
_LONGEST_LABEL = 50


class FcmChannel:
    """See ``Channel``. Raises KairosError for credentials that are none. ``token_client`` fetches OAuth tokens."""

    number = feedback_pb2.CHANNEL_FCM

    def __init__(self, settings: FcmSettings, credentials: str, client: httpx.AsyncClient, token_client: httpx.Client) -> None:
        self._settings = settings
        self._client = client
        self._token_client = token_client
        try:
            info = json.loads(credentials)
            self._credentials = service_account.Credentials.from_service_account_info(info, scopes=[_SCOPE])  # type: ignore[no-untyped-call]
        except (ValueError, google.auth.exceptions.GoogleAuthError):
            raise KairosError("delivery.fcm.credentials is no JSON of a service account.", exit_code=USAGE_ERROR) from None
        project = settings.project_id or info.get("project_id", "")
        self._url = f"{settings.url}/v1/projects/{project}/messages:send"
        self._refreshing = asyncio.Lock()

    def takes(self, target: Target) -> bool:  # noqa: D102 - as Channel
        return bool(target.token)

    def party(self, target: Target) -> str:  # noqa: ARG002, D102
        return ""

    async def send(self, push: Push, target: Target, now_ms: int) -> Answer:  # noqa: D102
        message = message_of(push, target, now_ms, self._settings.payload_bytes)
        if message is None:
            return Answer(Verdict.REFUSED, "TOO_LARGE", "more than FCM takes")
        try:
            token = await self._token()
        except google.auth.exceptions.TransportError as error:
            return Answer(Verdict.AGAIN, "OAUTH_UNREACHABLE", type(error).__name__)
        except google.auth.exceptions.RefreshError as error:
            return Answer(Verdict.CREDENTIALS, "OAUTH_REFUSED", type(error).__name__)
        body = to_json({"message": message, "validateOnly": push.command.dry_run}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        response = await calling(lambda: self._client.post(self._url, content=body, headers=headers))
        return response if isinstance(response, Answer) else answer(response, now_ms)

    async def refresh(self) -> None:  # noqa: D102
        self._credentials.token = None

    async def close(self) -> None:  # noqa: D102
        await self._client.aclose()
        self._token_client.close()

    async def _token(self) -> str:
        async with self._refreshing:  # one fetches it for all who wait
            if not self._credentials.valid:
                await asyncio.to_thread(self._credentials.refresh, _Transport(self._token_client))
            return str(self._credentials.token)


def message_of(push: Push, target: Target, now_ms: int, most_bytes: int) -> dict[str, Any] | None:
    """The FCM message; None if it cannot be made to fit. A device shows a push of the same collapse key in place of the former one."""
    command, content = push.command, push.command.content
    data = _data(push)
    android: dict[str, Any] = {"priority": "HIGH" if push.urgent else "NORMAL", "ttl": f"{push.ttl_s(now_ms, LONGEST_TTL_S)}s"}
    if command.collapse_key:
        android["collapseKey"] = command.collapse_key
    if command.campaign_id:
        android["fcmOptions"] = {"analyticsLabel": command.campaign_id[:_LONGEST_LABEL]}
    message: dict[str, Any] = {"token": target.token, "data": data, "android": android}
    if not command.silent:
        shown = {"title": content.title, "body": content.body, "image": content.image_url}
        message["notification"] = {name: text for name, text in shown.items() if text}
        android["notification"] = {
            name: text
            for name, text in {
                "tag": command.collapse_key or command.thread_id,
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


def answer(response: httpx.Response, now_ms: int) -> Answer:
    """What FCM's response means."""
    try:
        document = response.json()
    except ValueError:
        document = {}
    if response.is_success:
        return Answer(Verdict.ACCEPTED, str(response.status_code), message_id=str(document.get("name", ""))[:256])
    error = document.get("error", {}) if isinstance(document, dict) else {}
    details = [detail for detail in error.get("details", ()) if isinstance(detail, dict)]
    code = next((str(detail["errorCode"]) for detail in details if "errorCode" in detail), "") or str(error.get("status", ""))
    reason = str(error.get("message", ""))[:200]
    about_token = any("token" in str(violation.get("field", "")) for detail in details for violation in detail.get("fieldViolations", ()))
    status = response.status_code
    if code in ("UNREGISTERED", "SENDER_ID_MISMATCH") or (code == "INVALID_ARGUMENT" and about_token):
        return Answer(Verdict.DEAD_ADDRESS, code, reason)
    if code == "THIRD_PARTY_AUTH_ERROR":
        return Answer(Verdict.REFUSED, code, reason)
    if status in (401, 403):
        return Answer(Verdict.CREDENTIALS, code or str(status), reason)
    if status in MAY_COME_AGAIN:
        wait_ms = retry_after_ms(response, now_ms)
        return Answer(Verdict.AGAIN, code or str(status), reason, wait_ms=_QUOTA_WAIT_MS if status == 429 and wait_ms is None else wait_ms)
    return Answer(Verdict.REFUSED, code or str(status), reason)


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
    reserved = ("google", "gcm", "from", "message_type")
    return {name: text for name, text in texts.items() if not name.startswith(reserved)}


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


class _Transport(google.auth.transport.Request):
    """google-auth's way to the token server, by httpx."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: Any = None,  # noqa: ARG002 - the client has its own
        **_options: Any,
    ) -> "_Response":
        try:
            return _Response(self._client.request(method, url, content=body, headers=headers))
        except httpx.TransportError as error:
            raise google.auth.exceptions.TransportError(error) from error  # type: ignore[no-untyped-call]


class _Response(google.auth.transport.Response):
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def data(self) -> bytes:
        return self._response.content
