"""The compiled JSON mapping reads what protobuf's own writes, and names the field of every mistake."""

import json
from functools import cache, partial
from typing import Any

import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.collector.mapping import JsonReader, text_that_is_none
from gateway.collector.refusal import Refusal
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.interaction_pb2 import Interaction
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import UserUpdate

CLASSES: list[type[Message]] = [Interaction, Feedback, Item, UserUpdate]
READERS = {cls: JsonReader(cls.DESCRIPTOR, "refuse") for cls in CLASSES}
KINDS = FieldDescriptor
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS: dict[int, Any] = {
    KINDS.TYPE_STRING: TEXT,
    KINDS.TYPE_BOOL: st.booleans(),
    KINDS.TYPE_INT64: st.integers(-(1 << 63), (1 << 63) - 1),
    KINDS.TYPE_INT32: st.integers(-(1 << 31), (1 << 31) - 1),
    KINDS.TYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    KINDS.TYPE_BYTES: st.binary(max_size=9),
}


def value_of(field: FieldDescriptor) -> Any:
    if field.type == KINDS.TYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.type == KINDS.TYPE_MESSAGE:
        return arguments_of(field.message_type)
    return SCALARS[field.type]


def made(cls: type[Message], given: dict[str, Any]) -> Message:
    return cls(**given)


@cache
def arguments_of(descriptor: Descriptor) -> Any:
    fields = {}
    for field in descriptor.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            one = value_of(value)
            if value.message_type is not None:
                one = one.map(partial(made, message_factory.GetMessageClass(value.message_type)))
            fields[field.name] = st.dictionaries(TEXT, one, max_size=2)
        elif field.label == KINDS.LABEL_REPEATED:
            fields[field.name] = st.lists(value_of(field), max_size=2)
        else:
            fields[field.name] = value_of(field)
    return st.fixed_dictionaries({}, optional=fields)


@pytest.mark.parametrize("cls", CLASSES)
@settings(max_examples=25)
@given(data=st.data())
def test_what_protobuf_writes_is_read_back(cls: type[Message], data: st.DataObject) -> None:
    message = cls(**data.draw(arguments_of(cls.DESCRIPTOR)))
    for options in ({}, {"preserving_proto_field_name": True}, {"use_integers_for_enums": True}):
        document = json.loads(json_format.MessageToJson(message, **options))
        assert cls(**READERS[cls].arguments(document)) == message


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(["1", "1.0", "-0", "1e3"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("cls", CLASSES)
@settings(max_examples=25)
@given(data=st.data())
def test_what_is_read_is_what_protobuf_reads_and_what_it_refuses_is_refused(cls: type[Message], data: st.DataObject) -> None:
    names = [name for field in cls.DESCRIPTOR.fields for name in (field.json_name, field.name)]
    document = data.draw(st.dictionaries(st.sampled_from(names) | TEXT, JSON_VALUES, max_size=3))
    try:
        arguments = READERS[cls].arguments(document)
    except Refusal:
        return
    assert cls(**arguments) == json_format.ParseDict(document, cls())


@pytest.mark.parametrize(
    ("document", "field", "reason"),
    [
        ({"itemid": "x"}, "itemid", "did you mean itemId?"),
        ({"type": "VIEW"}, "type", "INTERACTION_TYPE_VIEW"),
        ({"type": 1.5}, "type", "must be the name"),
        ({"context": {"timeZone": 1}}, "context.timeZone", "must be a text, not a number"),
        ({"context": []}, "context", "must be an object, not a list"),
        ({"occurredAtMs": "yesterday"}, "occurredAtMs", "whole number"),
        ({"occurredAtMs": 1.5}, "occurredAtMs", "whole number"),
        ({"occurredAtMs": True}, "occurredAtMs", "whole number"),
        ({"occurredAtMs": 1 << 63}, "occurredAtMs", "between"),
        ({"value": "NaN"}, "value", "finite"),
        ({"value": 10**400}, "value", "finite"),
        ({"value": {}}, "value", "must be a number, not an object"),
        ({"attributes": {"a": 1}}, "attributes.a", "must be a text"),
        ({"userId": "a", "user_id": "b"}, "user_id", "twice"),
    ],
)
def test_a_mistake_names_its_field_and_what_was_expected(document: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        READERS[Interaction].arguments(document)
    assert caught.value.field == field
    assert reason in caught.value.reason


def test_places_in_lists_are_named() -> None:
    with pytest.raises(Refusal) as caught:
        READERS[Item].arguments({"audience": {"countries": ["PT", 1]}})
    assert caught.value.field == "audience.countries[1]"
    with pytest.raises(Refusal, match="base64"):
        READERS[Item].arguments({"features": "a!b="})


def test_unknown_fields_may_be_ignored_by_setting() -> None:
    assert JsonReader(Interaction.DESCRIPTOR, "ignore").arguments({"userId": "a", "new": [1], "context": {"new": 1}}) == {
        "user_id": "a",
        "context": {},
    }


def test_half_a_character_is_found_wherever_it_stands() -> None:
    half = json.loads('"\\ud800"')
    for arguments, field in (
        ({"user_id": half}, "userId"),
        ({"context": {"time_zone": half}}, "context.timeZone"),
        ({"attributes": {half: "a"}}, "attributes"),
        ({"tags": ["a", half]}, "tags[1]"),
    ):
        found = text_that_is_none(arguments)
        assert found is not None
        assert found.field == field
    assert text_that_is_none({"user_id": "zoë", "n": 1}) is None
