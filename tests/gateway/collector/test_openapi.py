"""The description is made from the code and the schemas, and what it shows works."""

import json
import re

import pytest
from google.protobuf.descriptor import Descriptor

from gateway.collector.openapi import EXAMPLES
from kairos.local.paths import project_root
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.interaction_pb2 import Interaction, InteractionType
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import UserUpdate
from tests.gateway.collector.conftest import Running


@pytest.mark.parametrize("descriptor", [Interaction.DESCRIPTOR, Feedback.DESCRIPTOR, Item.DESCRIPTOR, UserUpdate.DESCRIPTOR])
def test_every_field_of_the_records_is_described(lonely: Running, descriptor: Descriptor) -> None:
    with lonely.client(None) as client:
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
    properties = schemas[descriptor.name]["properties"]
    assert list(properties) == [field.json_name for field in descriptor.fields]
    assert all(schema.get("description") for schema in properties.values())


def test_types_are_those_of_the_json_mapping_and_every_reference_is_there(lonely: Running) -> None:
    with lonely.client(None) as client:
        document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert schemas["Interaction"]["properties"]["occurredAtMs"]["type"] == ["string", "integer"]
    assert schemas["InteractionType"]["enum"] == InteractionType.keys()
    assert schemas["Item"]["properties"]["texts"]["additionalProperties"] == {"$ref": "#/components/schemas/ItemText"}
    assert set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))) <= schemas.keys()
    assert sorted(document["paths"]) == [
        "/healthz",
        "/metrics",
        "/readyz",
        "/v1/events",
        "/v1/feedback",
        "/v1/items",
        "/v1/users/{user_id}",
    ]
    assert document["paths"]["/v1/items"]["post"]["security"] == [{"apiKey": []}]


@pytest.mark.kafka
def test_the_examples_are_accepted_as_they_stand(collector: Running) -> None:
    with collector.client() as client:
        for path, name in (("/v1/events", "Interaction"), ("/v1/feedback", "Feedback"), ("/v1/items", "Item")):
            assert client.post(path, json=EXAMPLES[name]).json()["rejected"] == []
        assert client.put("/v1/users/ada", json=EXAMPLES["UserUpdate"]).json()["rejected"] == []


def test_the_page_to_try_it_loads_nothing_from_elsewhere(lonely: Running) -> None:
    with lonely.client(None) as client:
        page = client.get("/docs")
        assert client.get("/docs.js").status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    static = project_root() / "gateway" / "static"
    assert not re.findall(r"https?://", (static / "docs.html").read_text() + (static / "docs.js").read_text())
