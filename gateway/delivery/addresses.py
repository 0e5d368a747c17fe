"""What an address of a device is known by."""

from kairos.v1.push_pb2 import Target


def device_id(device: Target) -> str:
    """The installation, or else the address itself.

    >>> device_id(Target(token="f00d"))
    'f00d'
    """
    return device.device_id or device.token or device.endpoint or device.app_id
