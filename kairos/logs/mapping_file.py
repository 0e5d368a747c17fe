"""Reads a mapping file; every mistake is a sentence that names the key, and the key that was probably meant."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from kairos.errors import USAGE_ERROR, KairosError
from kairos.logs.mapping import PLATFORMS, TYPES, Mapping, Text

_HINT = "docs/replay.md explains every key; examples/shop/mapping.yaml is one that runs."


def load_mapping(path: Path) -> Mapping:
    """The checked mapping; raises ``KairosError`` (exit code 2) with all mistakes at once."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise KairosError(f"{path}: the mapping cannot be read ({error}).", _HINT, exit_code=USAGE_ERROR) from error
    except yaml.YAMLError as error:
        raise KairosError(f"{path} is no YAML: {' '.join(str(error).split())}.", _HINT, exit_code=USAGE_ERROR) from error
    if not isinstance(document, dict):
        raise KairosError(f"{path} has no keys, but a mapping needs name, scenario and events.", _HINT, exit_code=USAGE_ERROR)
    try:
        mapping = Mapping.model_validate(document)
    except ValidationError as error:
        raise _mistakes(path, [_sentence(each) for each in error.errors()]) from error
    if words := [*_wrong_words(mapping)]:
        raise _mistakes(path, words)
    return mapping


def _mistakes(path: Path, sentences: list[str]) -> KairosError:
    return KairosError("\n".join(f"{path}: {sentence}" for sentence in sentences), _HINT, exit_code=USAGE_ERROR)


def _sentence(error: Any) -> str:
    """One mistake as pydantic tells it, in words for the writer of the file."""
    place = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return f"{place}: there is no such key.{_meant(str(error['loc'][-1]), _keys_at(error['loc'][:-1]))}"
        case "missing":
            return f"{place}: this key is required."
        case "value_error":
            return f"{place}: {error['ctx']['error']}." if place else f"{error['ctx']['error']}."
        case _:
            return f"{place}: {error['msg'][:1].lower()}{error['msg'][1:]}, not {error['input']!r}."


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    """Keys that are allowed at a place such as ("events", "context")."""
    model: type[BaseModel] = Mapping
    for part in place:
        found = [each for each in _models(model.model_fields[str(part)].annotation) if issubclass(each, BaseModel)]
        if not found:
            return []
        model = found[0]
    return list(model.model_fields)


def _models(annotation: Any) -> list[Any]:
    parts = getattr(annotation, "__args__", None)
    if parts is None:
        return [annotation] if isinstance(annotation, type) else []
    return [model for part in parts for model in _models(part)]


def _meant(word: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(allowed)}."


def _wrong_words(mapping: Mapping) -> list[str]:
    """Types and platforms are the contract's words, written small."""
    events = mapping.events
    return [
        *_unknown("events.type", events.type, TYPES),
        *(_unknown("events.context.platform", events.context.platform, PLATFORMS) if events.context.platform else []),
    ]


def _unknown(place: str, source: Text, allowed: dict[str, int]) -> list[str]:
    places = {"constant": source.constant, "otherwise": source.otherwise}
    places |= {f"table.{word}": meaning for word, meaning in (source.table or {}).items()}
    return [
        f"{place}.{key}: {word!r} is not known.{_meant(word, list(allowed))}"
        for key, word in places.items()
        if word is not None and word not in allowed
    ]
