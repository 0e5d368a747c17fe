"""Golden records: what was written yesterday reads today, and what is written today reads as yesterday."""

from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor

from kairos.contract import buf
from kairos.contract.golden import GoldenFile, golden_files, to_bytes, to_text, unset_fields, write_missing
from kairos.contract.schemas import message_class, message_names, released_class
from kairos.local.paths import project_root
from kairos.v1 import decision_pb2, item_pb2, push_pb2, signal_pb2

SCHEMAS = project_root() / "proto"
RELEASES = [image.stem for image in buf.released_images(SCHEMAS)]
GOLDEN = [golden for release in RELEASES for golden in golden_files(SCHEMAS / "golden" / release)]
IDS = [f"{golden.text.parent.name}/{golden.name}" for golden in GOLDEN]


@pytest.mark.parametrize("golden", GOLDEN, ids=IDS)
def test_the_bytes_read_as_the_text_says(golden: GoldenFile) -> None:
    assert golden.parse_bytes() == golden.parse_text()


@pytest.mark.parametrize("golden", GOLDEN, ids=IDS)
def test_today_writes_the_same_bytes_and_the_same_text(golden: GoldenFile) -> None:
    assert to_bytes(golden.parse_text()) == golden.bytes_file.read_bytes()
    assert to_text(golden.parse_bytes()) == golden.text.read_text(encoding="utf-8")


@pytest.mark.parametrize("golden", GOLDEN, ids=IDS)
def test_a_reader_of_the_release_reads_what_today_writes_with_nothing_unknown_or_unset(golden: GoldenFile) -> None:
    image = (SCHEMAS / "released" / f"{golden.text.parent.name}.binpb").read_bytes()
    message = released_class(image, golden.message).FromString(to_bytes(golden.parse_text()))
    assert unset_fields(message) == []
    message.DiscardUnknownFields()  # type: ignore[attr-defined]  # protobuf's stubs leave it out
    assert message.SerializeToString(deterministic=True) == golden.bytes_file.read_bytes()


def test_every_message_of_the_schemas_is_in_some_golden_record() -> None:
    found: set[str] = set()
    for golden in GOLDEN:
        _collect(message_class(golden.message).DESCRIPTOR, found)
    assert set(message_names()) <= found


def test_every_body_of_an_envelope_has_a_golden_record_of_its_name() -> None:
    names = {golden.name for golden in GOLDEN}
    for envelope in ("Signal", "Knowledge"):
        bodies = message_class(f"kairos.v1.{envelope}").DESCRIPTOR.oneofs_by_name["body"].fields
        assert {f"{envelope}.{body.name}" for body in bodies} <= names
    for golden in GOLDEN:
        if "." in golden.name:
            assert golden.parse_bytes().WhichOneof("body") == golden.name.partition(".")[2]


def test_values_are_the_ones_that_were_meant() -> None:
    folder = SCHEMAS / "golden" / "v1"
    signal = signal_pb2.Signal.FromString((folder / "Signal.interaction.binpb").read_bytes())
    assert (signal.interaction.user_id, signal.interaction.quantity, signal.interaction.value) == ("user-42", 2.0, 25.8)
    assert signal.interaction.context.time_zone == "America/Sao_Paulo"
    item = item_pb2.Item.FromString((folder / "Item.binpb").read_bytes())
    assert item.features == bytes.fromhex("0000003f0000003f0000003f000000bf")  # 0.5 0.5 0.5 -0.5, little-endian float32
    assert item.texts["pt"].title == "Caneca azul"
    push = push_pb2.PushCommand.FromString((folder / "PushCommand.binpb").read_bytes())
    assert len(bytes.fromhex(push.command_id)) == 16
    assert push.decided_at_ms - push.caused_at_ms == 4
    decision = decision_pb2.Decision.FromString((folder / "Decision.binpb").read_bytes())
    assert decision.seed == 2**63 + 5  # does not fit a signed 64-bit integer


def test_bytes_that_are_there_are_never_made_anew(tmp_path: Path) -> None:
    (tmp_path / "Item.json").write_text('{"itemId": "a"}', encoding="utf-8")
    assert write_missing(tmp_path) == (["Item"], [])
    kept = (tmp_path / "Item.binpb").read_bytes()
    (tmp_path / "Item.json").write_text('{"itemId": "b"}', encoding="utf-8")
    assert write_missing(tmp_path) == ([], ["Item"])
    assert (tmp_path / "Item.binpb").read_bytes() == kept == b"\x0a\x01a"


def test_unset_fields_names_what_an_example_left_out() -> None:
    item = item_pb2.Item(item_id="a", audience=item_pb2.Audience(min_age=3))
    unset = unset_fields(item)
    assert {"Item.price", "Item.audience.countries", "Item.texts"} <= set(unset)
    assert not {"Item.item_id", "Item.audience", "Item.audience.min_age"} & set(unset)


def _collect(descriptor: Descriptor, found: set[str]) -> None:
    if descriptor.full_name not in found:
        found.add(descriptor.full_name)
        for field in descriptor.fields:
            if field.message_type is not None:
                _collect(field.message_type, found)
