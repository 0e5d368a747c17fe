"""The interface's description (OpenAPI 3.1), made from the routes and the protobuf descriptors; nothing in it is written twice.

Fields' descriptions are the comments of the schemas, where the schemas are at hand (in a clone).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from kairos.errors import KairosError
from kairos.local.paths import project_root
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.interaction_pb2 import Interaction
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import UserUpdate

Schema = dict[str, Any]

EXAMPLES: dict[str, Schema] = {
    "Interaction": {"userId": "ada", "type": "INTERACTION_TYPE_VIEW", "itemId": "mug-7", "context": {"timeZone": "Europe/Lisbon"}},
    "Feedback": {"userId": "ada", "commandId": "0f8fad5bd9cb469fa16570867728950e", "outcome": "OUTCOME_OPENED"},
    "Item": {
        "itemId": "mug-7",
        "scenario": "SCENARIO_SHOP",
        "categories": ["home", "kitchen", "mugs"],
        "price": 9.9,
        "currency": "EUR",
        "texts": {"": {"title": "Blue mug", "summary": "Stoneware, 300 ml."}},
        "deepLink": "https://shop.example.com/mug-7",
    },
    "UserUpdate": {"pushConsent": True, "timeZone": "Europe/Lisbon", "locale": "pt-PT", "reachable": True},
}
"""One record of each kind that is accepted as it stands."""

_POSTS = {"/v1/events": "Interaction", "/v1/feedback": "Feedback", "/v1/items": "Item"}
_USERS = "/v1/users/{user_id}"
_NUMBERS = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}
_COMMENT = re.compile(r"^\s*// ?(.*)$")
_DECLARED = re.compile(r"^\s*(?:(message|enum)\s+(\w+)|(?:optional |repeated )?[\w.<>, ]+?\s(\w+)\s*=\s*\d+;|(\w+)\s*=\s*\d+;)")


def describe(app: FastAPI) -> Schema:
    """The document at /openapi.json."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes, description=_ABOUT)
    document["paths"] = {path.replace("{user_id:path}", "{user_id}"): operations for path, operations in document["paths"].items()}
    schemas: dict[str, Schema] = {"Taken": _TAKEN, "Refused": _REFUSED}
    for message in (Interaction, Feedback, Item, UserUpdate):
        _add_message(message.DESCRIPTOR, schemas)
    document["components"] = {
        "schemas": dict(sorted(schemas.items())),
        "securitySchemes": {
            "apiKey": {"type": "http", "scheme": "bearer", "description": "A server's API key. X-API-Key works, too."},
            "userToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A short-lived token of one user."},
        },
    }
    for path, name in _POSTS.items():
        _describe_post(document["paths"][path]["post"], name)
    _describe_put(document["paths"][_USERS]["put"])
    _describe_answers(document["paths"][_USERS]["delete"], ["apiKey"])
    for path, method in (("/healthz", "get"), ("/readyz", "get"), ("/metrics", "get")):
        document["paths"][path][method]["responses"].pop("422", None)
    return document


def _describe_post(operation: Schema, name: str) -> None:
    one = _ref(name)
    envelope = {
        "type": "object",
        "properties": {"records": {"type": "array", "items": one}, "token": {"type": "string"}},
        "required": ["records"],
    }
    body = {"schema": {"oneOf": [one, {"type": "array", "items": one}, envelope]}, "example": EXAMPLES[name]}
    binary = {
        "schema": {"type": "string", "format": "binary", "description": f"kairos.v1.{name} messages, each after its length as a varint."}
    }
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": body, "text/plain": body, "application/x-protobuf": binary},
    }
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Gives records without id and time the same ids each time.",
    }
    operation["parameters"] = [*operation.get("parameters", []), key]
    _describe_answers(operation, ["apiKey"] if name == "Item" else ["apiKey", "userToken"])


def _describe_put(operation: Schema) -> None:
    body = {"schema": _ref("UserUpdate"), "example": EXAMPLES["UserUpdate"]}
    operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    _describe_answers(operation, ["apiKey"])


def _describe_answers(operation: Schema, credentials: list[str]) -> None:
    taken, refused = ({"application/json": {"schema": _ref(name)}} for name in ("Taken", "Refused"))
    again = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    operation["security"] = [{name: []} for name in credentials]
    operation["responses"] = {
        "200": {"description": "All records were taken: every in-sync replica has them.", "content": taken},
        "207": {"description": "Some were taken, the others are told.", "content": taken},
        "400": {"description": "The body cannot be read.", "content": refused},
        "401": {"description": "No credential, or one that is not known.", "content": refused},
        "403": {"description": "A user's token may not do this.", "content": refused},
        "408": {"description": "The body did not come in time.", "content": refused},
        "413": {"description": "Too large, or too many records.", "content": refused},
        "415": {"description": "Neither JSON nor protobuf, or compressed.", "content": refused},
        "422": {"description": "No record was taken; each is told.", "content": taken},
        "429": {"description": "Too much in the last minute.", "headers": again, "content": refused},
        "503": {
            "description": "No room, or Kafka does not acknowledge: send all of it again, with the same ids.",
            "headers": again,
            "content": refused,
        },
    }


def _add_message(descriptor: Descriptor, schemas: dict[str, Schema]) -> None:
    if descriptor.name in schemas:
        return
    comments = _comments()
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": {}}
    schemas[descriptor.name] = schema
    if descriptor.name in comments:
        schema["description"] = comments[descriptor.name]
    for field in descriptor.fields:
        one = _field(field, schemas)
        comment = comments.get(f"{descriptor.name}.{field.name}")
        if comment:  # beside a reference, a description is allowed since OpenAPI 3.1
            one = {**one, "description": comment}
        schema["properties"][field.json_name] = one


def _field(field: FieldDescriptor, schemas: dict[str, Schema]) -> Schema:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _one(field.message_type.fields_by_name["value"], schemas)}
    one = _one(field, schemas)
    return {"type": "array", "items": one} if field.label == FieldDescriptor.LABEL_REPEATED else one


def _one(field: FieldDescriptor, schemas: dict[str, Schema]) -> Schema:
    if field.message_type is not None:
        _add_message(field.message_type, schemas)
        return _ref(field.message_type.name)
    if field.enum_type is not None:
        _add_enum(field.enum_type, schemas)
        return _ref(field.enum_type.name)
    if field.type in _NUMBERS:
        return {"type": "number"}
    match field.type:
        case FieldDescriptor.TYPE_BOOL:
            return {"type": "boolean"}
        case FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        case FieldDescriptor.TYPE_INT64:  # in JSON a text, since JavaScript's numbers have 53 bits
            return {"type": ["string", "integer"], "format": "int64", "pattern": "^-?[0-9]+$"}
        case FieldDescriptor.TYPE_INT32:
            return {"type": "integer", "format": "int32"}
    return {"type": "string"}


def _add_enum(descriptor: EnumDescriptor, schemas: dict[str, Schema]) -> None:
    comments = _comments()
    values = [value.name for value in descriptor.values]
    told = "\n".join(f"* `{value}`: {comments[key]}" for value in values if (key := f"{descriptor.name}.{value}") in comments)
    schemas[descriptor.name] = {"type": "string", "enum": values, "description": f"{comments.get(descriptor.name, '')}\n\n{told}".strip()}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


@lru_cache(maxsize=1)
def _comments() -> Mapping[str, str]:
    """Comments of the schemas by "Message" and "Message.field"; none where there are no schemas."""
    try:
        folder = project_root() / "proto" / "kairos" / "v1"
    except KairosError:
        return {}
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.proto")):
        _read_comments(file, found)
    return found


def _read_comments(file: Path, found: dict[str, str]) -> None:
    said: list[str] = []
    inside = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if comment := _COMMENT.match(line):
            said.append(comment[1])
            continue
        if declared := _DECLARED.match(line):
            _, block, field, value = declared.groups()
            inside = block or inside
            if said:
                found[block or f"{inside}.{field or value}"] = " ".join(said).strip()
        said = []


_ABOUT = """Events, items, feedback and facts about users, into Kairos.

JSON is protobuf's own mapping: names in lowerCamelCase, 64-bit integers in quotes, bytes as base64. An answer of 200 or 207 means that
every in-sync replica of Kafka has what was taken; sending a record again with the same id does no harm."""

_TAKEN: Schema = {
    "type": "object",
    "required": ["accepted", "rejected", "requestId"],
    "properties": {
        "accepted": {"type": "integer", "description": "How many records were taken."},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "index": {"type": "integer", "description": "Place of the record in the request, from 0."},
                    "code": {"type": "string"},
                    "field": {"type": "string", "description": "Path of the field in the record; empty: the record as a whole."},
                    "reason": {"type": "string"},
                },
            },
        },
        "requestId": {"type": "string"},
    },
}
_REFUSED: Schema = {
    "type": "object",
    "required": ["error", "requestId"],
    "properties": {
        "error": {"type": "object", "properties": {"code": {"type": "string"}, "reason": {"type": "string"}}},
        "requestId": {"type": "string"},
    },
}
