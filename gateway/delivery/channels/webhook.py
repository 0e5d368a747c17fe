"""Webhook: a signed HTTP call to a customer's server.

    POST <url>
    Kairos-Id: <command id>
    Kairos-Timestamp: <seconds since the epoch>
    Kairos-Signature: v1=<hex HMAC-SHA-256 of "<timestamp>.<body>" with the endpoint's secret>

Any 2xx is acceptance. The same command comes with the same id, however often, so the receiver drops ids it has seen; and it refuses time
stamps that are minutes old, so that nobody sends a recorded call again. 410 retires the address.
"""

import hashlib
import hmac
from collections.abc import Mapping

import httpx

from gateway.common.secrets import read_secret
from gateway.delivery.channels.channel import Answer, Push, Verdict
from gateway.delivery.channels.http_answers import MAY_COME_AGAIN, post, retry_after_ms
from gateway.delivery.channels.payload import fields, to_json
from gateway.delivery.settings import WebhookSettings
from kairos.errors import USAGE_ERROR, KairosError
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

_SHORTEST_SECRET = 16


class WebhookChannel:
    """See ``Channel``. Raises KairosError for an endpoint without secret."""

    number = feedback_pb2.CHANNEL_WEBHOOK

    def __init__(self, settings: WebhookSettings, client: httpx.AsyncClient, environment: Mapping[str, str] | None = None) -> None:
        self._client = client
        self._endpoints: dict[str, tuple[str, bytes]] = {}
        for endpoint in settings.endpoints:
            secret = read_secret(endpoint.secret, environment).strip()
            if len(secret) < _SHORTEST_SECRET:
                where = endpoint.secret or "secret"
                message = f"delivery.webhook.endpoints: {endpoint.name}: {where} has fewer than {_SHORTEST_SECRET} letters, or none."
                raise KairosError(message, exit_code=USAGE_ERROR)
            self._endpoints[endpoint.name] = (endpoint.url, secret.encode())

    def takes(self, target: Target) -> bool:  # noqa: D102 - as Channel
        return target.app_id in self._endpoints

    def party(self, target: Target) -> str:  # noqa: D102
        return target.app_id

    async def send(self, push: Push, target: Target, now_ms: int) -> Answer:  # noqa: D102
        url, secret = self._endpoints[target.app_id]
        document = {"user_id": push.command.user_id, "device_id": target.device_id, **fields(push.command, push.ends_at_ms)}
        body = to_json(document).encode()
        timestamp = str(now_ms // 1000)
        headers = {
            "Content-Type": "application/json",
            "Kairos-Id": push.command.command_id,
            "Kairos-Timestamp": timestamp,
            "Kairos-Signature": f"v1={signature(secret, timestamp, body)}",
        }
        response = await post(self._client, url, body, headers)
        if isinstance(response, Answer):
            return response
        code = str(response.status_code)
        if response.is_success:
            return Answer(Verdict.ACCEPTED, code)
        if response.status_code in MAY_COME_AGAIN:
            return Answer(Verdict.AGAIN, code, wait_ms=retry_after_ms(response, now_ms))
        return Answer(Verdict.DEAD_ADDRESS if response.status_code == 410 else Verdict.REFUSED, code)

    async def refresh(self) -> None:
        """A shared secret is never new."""

    async def close(self) -> None:  # noqa: D102
        await self._client.aclose()


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What both sides compute.

    >>> signature(b"a shared secret!", "1767225600", b"{}")[:16]
    'ca0df17bb5da1e70'
    """
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
