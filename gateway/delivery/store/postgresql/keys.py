r"""Texts from outside as PostgreSQL can hold and index them: without NUL, which it has no room for, and not too long.

>>> escaped("a\0da"), shown(escaped("a\0da")) == "a\0da"
('a\\0da', True)
"""

import hashlib
import re

_LONGEST_BYTES = 512
"""Of two such texts and a number, an index takes as many as it needs in a page."""
_HASHED = "sha256:"
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which JSON can hold and UTF-8 cannot."""


def escaped(text: str) -> str:
    """Reversibly; nearly every text is its own."""
    return text.replace("\\", "\\\\").replace("\0", "\\0") if "\\" in text or "\0" in text else text


def shown(text: str) -> str:
    """What was escaped."""
    return re.sub(r"\\(.)", lambda found: "\0" if found[1] == "0" else found[1], text) if "\\" in text else text


def key(text: str) -> str:
    """Escaped, or what stands for a text that no index takes; no other text comes out as the same."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > _LONGEST_BYTES or text.startswith(_HASHED) or _SURROGATE.search(text):
        return _HASHED + hashlib.sha256(data).hexdigest()
    return escaped(text)
