"""Reads the configuration: defaults, then the user's file, then the environment; errors name the key and the nearest valid one."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from flink_job.config.model import Config

ENVIRONMENT_PREFIX = "KAIROS__"

Document = dict[str, Any]

_OPEN_MAPPINGS = {
    ("kafka", "properties"),
    ("policy", "interest", "weights"),
    ("policy", "triggers"),
    ("policy", "gates", "quiet_hours", "zone_of_country"),
    ("policy", "experiments"),
}
"""Mappings whose keys the user chooses; a user's mapping is laid over the default one, `null` takes a key away."""


_SURE = 0.8
"""A key of another section is suggested only if it is so similar (difflib's ratio; 1 is the same): else the keys of this one help more."""
_ALMOST_CERTAIN = 0.9
"""A variable of another program must not be taken for one of ours."""
_UNREADABLE = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
"""What PyYAML raises for a text it cannot read: its own error, and those of Python for `!!int x`, numbers of 5,000 digits, deep nesting."""


_MOST_HINTS = 20
"""Looking for the key that was meant takes a millisecond, and a release of ten thousand wrong keys must not halt the job."""


class ConfigError(ValueError):
    """The configuration cannot be used; the message names every key concerned, `problems` has one line for each."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


def load_config(path: str | Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """The configuration from the defaults, the file at `path` and the environment (`KAIROS__KAFKA__BOOTSTRAP_SERVERS=…`).

    Raises ConfigError.
    """
    document: Document = {}
    if path is not None:
        try:
            document = parse_document(Path(path).read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: is not UTF-8 text") from error
    return parse_config(document, os.environ if environment is None else environment)


def parse_config(document: Document, environment: Mapping[str, str] | None = None) -> Config:
    """The configuration from the defaults with `document` and the environment laid over them. Raises ConfigError."""
    default = default_document()
    problems: list[str] = []
    merged = laid_over(default, document, (), problems)
    problems += _misnamed(environment or {}, default)
    for name, text in sorted((environment or {}).items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            found: list[str] = []
            keys = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            try:
                overlay = _from_variable(text, keys, default)
            except _UNREADABLE:
                found.append(f"{'.'.join(keys)}: is not YAML")
            else:
                for key in reversed(keys):
                    overlay = {key: overlay}
                merged = laid_over(merged, overlay, (), found)
            problems += [f"{problem} (from the environment variable {name})" for problem in found]
    if problems:
        raise refusal(problems)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise refusal([in_words(detail) for detail in error.errors()]) from error


def default_document() -> Document:
    """`default.yaml` as it stands: every key there is."""
    return parse_document(files("flink_job.config").joinpath("default.yaml").read_text(encoding="utf-8"), "default.yaml")


def parse_document(text: str, name: str) -> Document:
    """The mapping that a YAML text holds; errors begin with `name`. Raises ConfigError."""
    try:
        document = _load_yaml(text)
    except _UNREADABLE as error:
        raise ConfigError(f"{name}: is not YAML: {_yaml_error(error)}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{name}: must be a mapping of sections, not {type(document).__name__}")
    return document


def _yaml_error(error: Exception) -> str:
    """What is wrong and where, in one line: PyYAML's own words take four, with an extract of the file."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


class _Loader(yaml.SafeLoader):
    """YAML 1.2 in what matters here: NO is Norway, `on` is a word and 2026-03-02 a text; only true and false are truth values."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def _load_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # _Loader is a safe one


def _from_variable(text: str, keys: list[str], default: Document) -> Any:
    """The value of a variable: as it stands where a text belongs, else read as YAML. Raises YAMLError."""
    value: Any = default
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    is_text = isinstance(value, str) or (keys[:2] == ["kafka", "properties"] and len(keys) > 2)
    return text if is_text else _load_yaml(text)


def laid_over(base: Document, overlay: object, path: tuple[str, ...], problems: list[str]) -> Document:
    """`base`, the part of a document that stands at `path`, with `overlay` over it; what does not fit is added to `problems`."""
    if not isinstance(overlay, dict):
        problems.append(f"{'.'.join(path) or 'the document'}: must be a mapping, not {type(overlay).__name__}")
        return base
    merged = dict(base)
    for key, value in overlay.items():
        here = (*path, str(key))
        if path in _OPEN_MAPPINGS:
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
        elif key not in base:
            hint = _nearest(here, base) if len(problems) < _MOST_HINTS else ""
            problems.append(f"{'.'.join(here)}: there is no such key{hint}")
        elif isinstance(base[key], dict):
            merged[key] = laid_over(base[key], value, here, problems)
        else:
            merged[key] = value
    return merged


def _nearest(path: tuple[str, ...], siblings: Document) -> str:
    close = difflib.get_close_matches(path[-1], siblings, n=1)
    if close:
        return f"; did you mean {'.'.join((*path[:-1], close[0]))}?"
    elsewhere = _elsewhere(path[-1])
    return f"; did you mean {elsewhere}?" if elsewhere else f"; there are {', '.join(siblings)}"


def _elsewhere(key: str) -> str:
    """The key of another section that is called so, or nearly, or like one of the words; empty if there is none."""
    named: dict[str, str] = {}
    for name in _default_keys():
        named.setdefault(name.split(".")[-1], name)
    for word in (key, *key.split("_")):
        if close := difflib.get_close_matches(word, named, n=1, cutoff=_SURE):
            return named[close[0]]
    return ""


def _misnamed(environment: Mapping[str, str], default: Document) -> list[str]:
    """Variables with one underscore where two belong, which would be ignored without a word. Others so begun belong to the tools or the user."""
    candidates = [name for name in sorted(environment) if name.startswith("KAIROS_") and not name.startswith(ENVIRONMENT_PREFIX)]
    meant = {key.replace(".", "_"): key for key in _all_keys(default) if "." in key} if candidates else {}
    problems = []
    for name in candidates:
        flat = name.removeprefix("KAIROS_").replace("__", "_").lower()
        if close := difflib.get_close_matches(flat, meant, n=1, cutoff=_ALMOST_CERTAIN):
            right = ENVIRONMENT_PREFIX + meant[close[0]].replace(".", "__").upper()
            problems.append(f"the environment variable {name} is not read; did you mean {right}?")
    return problems


@cache
def _default_keys() -> tuple[str, ...]:
    return tuple(_all_keys(default_document()))


def _all_keys(document: Document, prefix: str = "") -> list[str]:
    names: list[str] = []
    for key, value in document.items():
        names.append(f"{prefix}{key}")
        if isinstance(value, dict):
            names += _all_keys(value, f"{prefix}{key}.")
    return names


def in_words(detail: Any) -> str:
    """One of pydantic's errors, as the key and what is wrong with it."""
    where = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    given = detail.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) or given is None else ""
    return f"{where}: {message}{shown}" if where else message


def refusal(problems: Sequence[str]) -> ConfigError:
    """The error that tells all of these."""
    return ConfigError("the configuration cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems), problems)
