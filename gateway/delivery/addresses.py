"""What an address of a device is known by."""

import hashlib

from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

_DIGEST_BYTES = 16


def device_id(device: Target) -> str:
    """The installation, or else the address itself.

    >>> device_id(Target(token="f00d"))
    'f00d'
    """
    return device.device_id or device.token or device.endpoint or device.app_id


def address_id(device: Target) -> str:
    """Of an address that is one device's alone, what it is told apart by from all others; empty for one that users may share.

    >>> browser = Target(channel=feedback_pb2.CHANNEL_WEB_PUSH, endpoint="https://push.example/1", device_id="mine")
    >>> len(address_id(browser))
    32
    >>> address_id(Target(channel=feedback_pb2.CHANNEL_WEBHOOK, app_id="shop"))
    ''
    """
    if device.channel == feedback_pb2.CHANNEL_WEB_PUSH:
        address = device.endpoint
    elif device.channel in (feedback_pb2.CHANNEL_FCM, feedback_pb2.CHANNEL_APNS):
        address = device.token
    else:
        address = ""
    return hashlib.blake2b(f"{device.channel}/{address}".encode(), digest_size=_DIGEST_BYTES).hexdigest() if address else ""
