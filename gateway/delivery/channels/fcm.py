"""Firebase Cloud Messaging, HTTP v1, over HTTP/2; authorised by a service account's OAuth token.

| error code (HTTP) | means |
|---|---|
| UNREGISTERED (404) | the app is gone from the device: retire the token |
| SENDER_ID_MISMATCH (403) | the token is another project's: retire it here |
| INVALID_ARGUMENT (400) | if the token is what is wrong: retire it; else the message is refused |
| QUOTA_EXCEEDED (429) | again, after `Retry-After`; without one this push alone, after a minute, as Google asks: it may be the device's own quota |
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
from gateway.delivery.channels.fcm_message import message_of
from gateway.delivery.channels.http_answers import MAY_COME_AGAIN, json_object, post, retry_after_ms
from gateway.delivery.channels.payload import to_json
from gateway.delivery.settings import FcmSettings
from kairos.errors import USAGE_ERROR, KairosError
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_QUOTA_WAIT_MS = 60_000


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
        self._refused = ""

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
        except google.auth.exceptions.RefreshError as error:
            if error.retryable:
                return Answer(Verdict.AGAIN, "OAUTH_UNAVAILABLE", type(error).__name__)
            return Answer(Verdict.CREDENTIALS, "OAUTH_REFUSED", type(error).__name__)
        except (google.auth.exceptions.GoogleAuthError, TypeError, ValueError) as error:  # no answer, or one that is no JSON object
            return Answer(Verdict.AGAIN, "OAUTH_UNREACHABLE", type(error).__name__)
        body = to_json({"message": message, "validateOnly": push.command.dry_run}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        response = await post(self._client, self._url, body, headers)
        said = response if isinstance(response, Answer) else answer(response, now_ms)
        if said.verdict is Verdict.CREDENTIALS:
            self._refused = token
        return said

    async def refresh(self) -> None:
        """Forget the token, unless another push that was refused with it has done so."""
        if self._credentials.token == self._refused:
            self._credentials.token = None

    async def close(self) -> None:  # noqa: D102
        await self._client.aclose()
        self._token_client.close()

    async def _token(self) -> str:
        async with self._refreshing:  # one fetches it for all who wait
            if not self._credentials.valid:
                await asyncio.to_thread(self._credentials.refresh, _Transport(self._token_client))
            return str(self._credentials.token)


def answer(response: httpx.Response, now_ms: int) -> Answer:
    """What FCM's response means."""
    document = json_object(response)
    if response.is_success:
        return Answer(Verdict.ACCEPTED, str(response.status_code), message_id=str(document.get("name", ""))[:256])
    error = document.get("error")
    error = error if isinstance(error, dict) else {}
    details = _objects(error.get("details"))
    code = next((str(detail["errorCode"]) for detail in details if "errorCode" in detail), "") or str(error.get("status", ""))
    code = code[:64]
    reason = str(error.get("message", ""))[:200]
    violations = [violation for detail in details for violation in _objects(detail.get("fieldViolations"))]
    about_token = any("token" in str(violation.get("field", "")) for violation in violations)
    status = response.status_code
    if code in ("UNREGISTERED", "SENDER_ID_MISMATCH") or (code == "INVALID_ARGUMENT" and about_token):
        return Answer(Verdict.DEAD_ADDRESS, code, reason)
    if code == "THIRD_PARTY_AUTH_ERROR":
        return Answer(Verdict.REFUSED, code, reason)
    if status in (401, 403):
        return Answer(Verdict.CREDENTIALS, code or str(status), reason)
    if status in MAY_COME_AGAIN:
        wait_ms = retry_after_ms(response, now_ms)
        if status == 429 and wait_ms is None:
            return Answer(Verdict.AGAIN, code or str(status), reason, wait_ms=_QUOTA_WAIT_MS, alone=True)
        return Answer(Verdict.AGAIN, code or str(status), reason, wait_ms=wait_ms)
    return Answer(Verdict.REFUSED, code or str(status), reason)


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


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
        except httpx.RequestError as error:
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
