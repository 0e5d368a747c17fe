"""Policies that come while the job runs: a document of the section `policy`, laid over the policy the job was configured with."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import ValidationError

from flink_job.config.load import ConfigError, Document, in_words, laid_over, parse_document, refusal
from flink_job.config.model import Config, PolicyDocument
from flink_job.core.rules import Rules

_SECTION = "policy"
_OTHER_SECTIONS = Config.model_fields.keys() - {_SECTION}


def read_policy(text: str) -> Document:
    """The keys of a policy document; the section's own name may stand around them, as in a configuration file. Raises ConfigError.

    >>> read_policy("policy: {send: {min_score: 0.4}}") == read_policy("send: {min_score: 0.4}")
    True
    """
    document = parse_document(text, "document")
    if list(document) != [_SECTION]:
        return document
    inner = document[_SECTION]
    if not isinstance(inner, dict):
        raise ConfigError(f"{_SECTION}: must be a mapping, not {type(inner).__name__}")
    return inner


def policy_over(base: Rules, *documents: Document) -> Rules:
    """`base` with the documents laid over it, one after the other, as strictly as the job's own configuration.

    Raises ConfigError, whose `problems` name the keys without the section.
    """
    merged: Document = asdict(base)
    problems: list[str] = []
    for document in documents:
        problems += [f"{key}: is no part of a policy, and stays as the job was configured" for key in document if key in _OTHER_SECTIONS]
        inner = {key: value for key, value in document.items() if key not in _OTHER_SECTIONS}
        merged = laid_over(merged, inner, (_SECTION,), problems)
    if problems:
        raise refusal([_without_section(problem) for problem in problems])
    try:
        return PolicyDocument.model_validate({_SECTION: merged}).policy
    except ValidationError as error:
        raise refusal([_without_section(in_words(detail)) for detail in error.errors()]) from error


def _without_section(problem: str) -> str:
    return problem.removeprefix(f"{_SECTION}.").removeprefix(f"{_SECTION}: ").replace(f"; did you mean {_SECTION}.", "; did you mean ")
