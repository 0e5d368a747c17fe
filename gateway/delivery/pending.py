"""A command whose turn it is."""

from typing import NamedTuple

from gateway.delivery.source import Record
from gateway.delivery.store.values import Deferred
from kairos.v1.push_pb2 import PushCommand


class Pending(NamedTuple):
    """``began_ms``: when it was read, or its moment came; milliseconds since the epoch."""

    record: Record | Deferred
    command: PushCommand
    began_ms: int
