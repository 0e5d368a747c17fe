"""`default.yaml` is where every default stands, and the only place."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from importlib.resources import files
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from flink_job.config import Config, default_document, load_config
from flink_job.core.rules import Cap, Occasion, Rules
from flink_job.core.rules.messages import MessageTemplate
from flink_job.core.scenarios import SCENARIOS
from flink_job.core.signals import Trigger

EACH = [f"{response}.{name}" for response in ("open", "convert") for name in ("rates", "half_life_ms")]
BY_SCENARIO = {f"policy.utility.{name}" for name in (*EACH, "open_value", "convert_value")}
#: Mappings and lists: one setting each.
OPEN = BY_SCENARIO | {
    "kafka.properties",
    "policy.interest.weights",
    "policy.triggers",
    "policy.occasions",
    "policy.messages.templates",
    "policy.gates.caps",
    "policy.gates.quiet_hours.zone_of_country",
    "policy.experiments",
}
#: What an entry of a list may leave out: there is no place for it in the file.
MAY_BE_LEFT_OUT = {(Cap, "per"), (MessageTemplate, "scenario"), (MessageTemplate, "weight")}


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
    for model in (*sections(Config), Cap, Occasion, MessageTemplate):
        if is_dataclass(model):
            hidden = [each.name for each in fields(model) if each.default is not MISSING or each.default_factory is not MISSING]
            hidden = [name for name in hidden if (model, name) not in MAY_BE_LEFT_OUT]
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
            assert list(value) == [Cap(**cap) for cap in default]
        elif name == "policy.messages.templates":
            assert list(value) == [MessageTemplate(**{**template, "triggers": tuple(template["triggers"])}) for template in default]
        elif name == "policy.occasions":
            assert value == {name: Occasion(**occasion) for name, occasion in default.items()}
        else:
            assert value == (tuple(default) if isinstance(value, tuple) else default), name


def test_a_cap_that_does_not_say_of_which_pushes_counts_all_of_them() -> None:
    assert Cap(3, 1) == Cap(3, 1, "all")
    assert {cap.per for cap in load_config(None, {}).policy.gates.caps} == {"all", "trigger", "category", "creator"}


def test_every_trigger_has_its_occasion_and_every_scenario_its_rates_and_values() -> None:
    policy = default_document()["policy"]
    assert set(policy["occasions"]) == {trigger.name.lower() for trigger in Trigger if trigger is not Trigger.UNSPECIFIED}
    utility = policy["utility"]
    responses = [utility[response][name] for response in ("open", "convert") for name in ("rates", "half_life_ms")]
    for by_scenario in (*responses, utility["open_value"], utility["convert_value"]):
        assert set(by_scenario) == set(SCENARIOS)


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
