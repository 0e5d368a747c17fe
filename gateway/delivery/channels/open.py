"""The channels that are configured."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from gateway.common.secrets import read_secret
from gateway.delivery.channels import web_push
from gateway.delivery.channels.apns import ApnsChannel
from gateway.delivery.channels.channel import Channel
from gateway.delivery.channels.fcm import FcmChannel
from gateway.delivery.channels.webhook import WebhookChannel
from gateway.delivery.settings import DeliverySection
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target


@dataclass(frozen=True, slots=True)
class Channels:
    """``vapid_key``: what browsers subscribe with; empty: Web Push is off."""

    by_number: dict[int, Channel]
    vapid_key: str

    @property
    def names(self) -> list[str]:
        """For people."""
        return [feedback_pb2.Channel.Name(number).removeprefix("CHANNEL_").lower() for number in self.by_number]

    def takes(self, target: Target) -> bool:
        """Some channel can send to this address."""
        channel = self.by_number.get(target.channel)
        return channel is not None and channel.takes(target)


@contextlib.asynccontextmanager
async def open_channels(settings: DeliverySection) -> AsyncIterator[Channels]:
    """Those that have what they need. Raises KairosError for credentials that cannot be used."""
    found: list[Channel] = []
    vapid_key = ""
    timeout_s = settings.retry.timeout_ms / 1000
    if settings.webhook.endpoints:
        found.append(WebhookChannel(settings.webhook, httpx.AsyncClient(timeout=timeout_s)))
    if key := web_push.private_key(settings.web_push):
        browsers = web_push.WebPushChannel(settings.web_push, key, _http2(timeout_s))
        vapid_key = browsers.public_key
        found.append(browsers)
    if credentials := read_secret(settings.fcm.credentials).strip():
        found.append(FcmChannel(settings.fcm, credentials, _http2(timeout_s), httpx.Client(http2=True, timeout=timeout_s)))
    if key := read_secret(settings.apns.key).strip():
        found.append(ApnsChannel(settings.apns, key, _http2(timeout_s)))
    try:
        yield Channels({channel.number: channel for channel in found}, vapid_key)
    finally:
        for channel in found:
            await channel.close()


def _http2(timeout_s: float) -> httpx.AsyncClient:
    """Many requests at once over a few connections; HTTP/1.1 where a server speaks nothing else. Redirects are not followed."""
    return httpx.AsyncClient(http2=True, timeout=timeout_s, limits=httpx.Limits(max_connections=100, max_keepalive_connections=20))
