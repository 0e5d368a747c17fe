"""Which addresses a push is tried at, in which order.

A *route* is a list of addresses that are tried until one takes the push. With ``devices: first`` a push has one route through all of
the user's devices; with ``all`` one for each device, which are taken at the same time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.delivery.addresses import device_id
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PushCommand, Target

CHANNELS = {
    "in_app": feedback_pb2.CHANNEL_IN_APP,
    "web_push": feedback_pb2.CHANNEL_WEB_PUSH,
    "fcm": feedback_pb2.CHANNEL_FCM,
    "apns": feedback_pb2.CHANNEL_APNS,
    "webhook": feedback_pb2.CHANNEL_WEBHOOK,
}
IN_APP = Target(channel=feedback_pb2.CHANNEL_IN_APP)


@dataclass(frozen=True, slots=True)
class Route:
    """``key`` tells the routes of a push apart; empty for the only one."""

    key: str
    addresses: tuple[Target, ...]


_STREAM_ONLY = (Route("", (IN_APP,)),)


@dataclass(frozen=True, slots=True)
class Plan:
    """How pushes are routed."""

    devices: Literal["first", "all"]
    order: Sequence[int]
    default_endpoint: str

    def routes(
        self, command: PushCommand, known: Sequence[Target], *, connected: bool, open_channels: Collection[int]
    ) -> tuple[Route, ...]:
        """None: there is nowhere to deliver to. ``known``: the user's devices, the one seen last first."""
        if connected and self.default_endpoint == "" and not known and not command.targets and not command.channels:
            # As nearly all of those who are connected: there is one way.
            return _STREAM_ONLY if feedback_pb2.CHANNEL_IN_APP in self.order and feedback_pb2.CHANNEL_IN_APP in open_channels else ()
        order = [channel for channel in (command.channels or self.order) if channel in open_channels]
        devices: list[Target] = list(command.targets or known)
        if not devices and self.default_endpoint:
            devices.append(Target(channel=feedback_pb2.CHANNEL_WEBHOOK, app_id=self.default_endpoint))
        if connected and feedback_pb2.CHANNEL_IN_APP not in {device.channel for device in devices}:
            devices.insert(0, IN_APP)
        elif not connected:
            devices = [device for device in devices if device.channel != feedback_pb2.CHANNEL_IN_APP]
        usable = sorted((device for device in devices if device.channel in order), key=lambda device: order.index(device.channel))
        if not usable:
            return ()
        if self.devices == "first":
            return (Route("", tuple(usable)),)
        by_device: dict[str, list[Target]] = {}
        for device in usable:
            by_device.setdefault(device_id(device) or "in-app", []).append(device)
        return tuple(Route(key, tuple(addresses)) for key, addresses in by_device.items())
