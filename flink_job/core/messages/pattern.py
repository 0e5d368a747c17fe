"""Texts with fields in braces: `{title}` is filled in, `{{` and `}}` stand for the braces themselves, and there is nothing else.

Not `str.format`: that reaches attributes, pads to any width (`{title:>999999999}`) and fails on the values of an item.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is between the fields, one more than there are fields, and the fields, in the order in which they appear."""

    literals: tuple[str, ...]
    fields: tuple[str, ...]

    def filled(self, words: Mapping[str, str]) -> str:
        """The text with `words` for its fields, as they are: braces in them mean nothing. Raises KeyError for a field that has none."""
        parts = [self.literals[0]]
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            parts += words[field], literal
        return "".join(parts)


def parse(text: str) -> Pattern:
    """The pattern written as `text`. Raises ValueError for a brace that is neither doubled nor around a name.

    >>> parse("{title} for {price} {{now}}")
    Pattern(literals=('', ' for ', ' {now}'), fields=('title', 'price'))
    """
    literals, fields = [""], []
    end = 0
    for token in _TOKEN.finditer(text):
        literals[-1] += text[end : token.start()]
        end = token.end()
        if token[1]:
            fields.append(token[1])
            literals.append("")
        elif len(token[0]) == 2:
            literals[-1] += token[0][0]
        else:
            raise ValueError(
                f"the brace at character {token.start() + 1} is not around a field's name; write {token[0] * 2} for a brace itself"
            )
    literals[-1] += text[end:]
    return Pattern(tuple(literals), tuple(fields))
