"""Texts from outside as PostgreSQL can hold and index them: no NUL, no half characters, and not too long."""

import hashlib
import re

_LONGEST_BYTES = 512
_HASHED = "sha256:"
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which JSON can hold and UTF-8 cannot."""


def key(text: str) -> str:
    r"""The text, or what stands for it and for no other; only what is compared and never shown may go through here.

    >>> key("phone")
    'phone'
    >>> key("a device\0")[:15]
    'sha256:3caaef2f'
    """
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > _LONGEST_BYTES or "\0" in text or text.startswith(_HASHED) or _SURROGATE.search(text):
        return _HASHED + hashlib.sha256(data).hexdigest()
    return text
