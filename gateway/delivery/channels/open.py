"""The channels that are configured."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from gateway.delivery.channels.channel import Channel
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
    if settings.webhook.endpoints:
        found.append(WebhookChannel(settings.webhook, httpx.AsyncClient(timeout=settings.retry.timeout_ms / 1000, follow_redirects=False)))
    try:
        yield Channels({channel.number: channel for channel in found}, "")
    finally:
        for channel in found:
            await channel.close()
