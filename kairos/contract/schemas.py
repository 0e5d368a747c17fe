"""The generated message classes, by their full protobuf name.

>>> message_class("kairos.v1.Item").DESCRIPTOR.fields[0].name
'item_id'
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from kairos.v1 import (
    dead_letter_pb2,
    decision_pb2,
    feedback_pb2,
    interaction_pb2,
    item_pb2,
    knowledge_pb2,
    learning_pb2,
    push_pb2,
    signal_pb2,
    state_pb2,
)

MODULES = (
    dead_letter_pb2,
    decision_pb2,
    feedback_pb2,
    interaction_pb2,
    item_pb2,
    knowledge_pb2,
    learning_pb2,
    push_pb2,
    signal_pb2,
    state_pb2,
)


def message_class(full_name: str) -> type[Message]:
    """Raises ``KeyError`` for a name the schemas do not have."""
    return _class_in(descriptor_pool.Default(), full_name)  # type: ignore[no-untyped-call]  # protobuf's stubs are partial


def message_names() -> list[str]:
    """Full names of all messages outside of other messages."""
    return sorted(message.full_name for module in MODULES for message in module.DESCRIPTOR.message_types_by_name.values())


def released_class(image: bytes, full_name: str) -> type[Message]:
    """The class as it was in a release (``proto/released/*.binpb``), for reading with yesterday's eyes."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(image).file:
        pool.Add(file)  # type: ignore[no-untyped-call]  # protobuf's stubs are partial
    return _class_in(pool, full_name)


def _class_in(pool: descriptor_pool.DescriptorPool, full_name: str) -> type[Message]:
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))  # type: ignore[no-untyped-call]  # see above
