"""`default.yaml` is where every default stands, and the only place."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from importlib.resources import files
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from flink_job.config import Config, default_document, load_config
from flink_job.core.rules import Cap, Rules

#: Mappings whose keys are the user's, and lists.
OPEN = {
    "kafka.properties",
    "policy.interest.weights",
    "policy.triggers",
    "policy.gates.caps",
    "policy.gates.quiet_hours.zone_of_country",
    "policy.experiments",
}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, default) for every setting."""
    if isinstance(value, Mapping) and path not in OPEN:
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else key)
    else:
        yield path, value


def settings_of(model: type) -> dict[str, Any]:
    """Field → type of a section, be it pydantic's or a dataclass."""
    if issubclass(model, BaseModel):
        return {name: field.annotation for name, field in model.model_fields.items()}
    return get_type_hints(model)


def is_section(kind: Any) -> bool:
    return isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel))


def model_keys(model: type, path: str = "") -> Iterator[str]:
    """The keys of the typed tree, by the same names as `leaves`."""
    for name, kind in settings_of(model).items():
        here = f"{path}.{name}" if path else name
        yield from model_keys(kind, here) if is_section(kind) else [here]


def sections(model: type) -> Iterator[Any]:
    """The model and everything in it."""
    yield model
    for kind in settings_of(model).values():
        if is_section(kind):
            yield from sections(kind)


def test_the_defaults_are_a_valid_configuration() -> None:
    config = load_config(None, {})
    assert isinstance(config, Config)
    assert isinstance(config.policy, Rules)


def test_every_setting_has_its_default_in_the_file_and_the_file_has_nothing_else() -> None:
    assert sorted(name for name, _ in leaves(default_document())) == sorted(model_keys(Config))


def test_no_default_hides_in_the_code() -> None:
    for model in (*sections(Config), Cap):
        if is_dataclass(model):
            hidden = [each.name for each in fields(model) if each.default is not MISSING or each.default_factory is not MISSING]
        else:
            hidden = [name for name, field in model.model_fields.items() if not field.is_required()]
        assert hidden == [], model


def test_every_setting_reaches_the_typed_tree_with_the_value_of_the_file() -> None:
    config = load_config(None, {})
    for name, default in leaves(default_document()):
        value: Any = config
        for part in name.split("."):
            value = getattr(value, part)
        if name == "policy.gates.caps":
            assert [(cap.count, cap.window_ms) for cap in value] == [(cap["count"], cap["window_ms"]) for cap in default]
        else:
            assert value == default, name


def test_every_setting_has_a_unit_in_its_name_or_words_beside_it() -> None:
    """A number without `_ms`, `_bytes`, `_share`, `_days` … or a comment is one that somebody will get wrong."""
    text = files("flink_job.config").joinpath("default.yaml").read_text(encoding="utf-8")
    bare = []
    for line in text.splitlines():
        key, colon, rest = line.strip().partition(":")
        is_number = colon and rest.split("#")[0].strip().replace(".", "").isdigit()
        if is_number and "#" not in rest and not key.endswith(("_ms", "_bytes", "_share", "_days")):
            bare.append(key)
    known = set(default_document()["policy"]["interest"]["weights"]) | set(default_document()["policy"]["triggers"])
    memory = set(default_document()["policy"]["memory"])
    assert [key for key in bare if key not in known | memory] == []


@pytest.mark.parametrize("section", ["kafka", "job", "catalogue", "limits"])
def test_a_configuration_cannot_be_changed_once_it_is_loaded(section: str) -> None:
    config = load_config(None, {})
    part = getattr(config, section)
    name = next(iter(type(part).model_fields))
    with pytest.raises(ValueError, match="frozen"):
        setattr(part, name, getattr(part, name))


def test_topics_have_the_prefix() -> None:
    assert load_config(None, {}).topic("dead-letters") == "kairos.dead-letters"
    assert load_config(None, {"KAIROS__KAFKA__TOPIC_PREFIX": "shop-1."}).topic("pushes") == "shop-1.pushes"
