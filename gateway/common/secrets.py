"""Secrets from the environment or from files; nowhere else, and never in a message.

>>> named_secrets("env:KEYS", {"KEYS": "web:0123456789abcdef0123, till:fedcba98765432100000"})["web"]
b'0123456789abcdef0123'
"""

import os
from collections.abc import Mapping
from pathlib import Path

from kairos.errors import USAGE_ERROR, KairosError

SHORTEST_BYTES = 20
"""Drawn at random, even as hexadecimal digits alone, these are 80 bits: what nobody tries out over a network."""


def read_secret(source: str, environment: Mapping[str, str] | None = None) -> str:
    """The text that `source` ("env:NAME", "file:PATH") names; empty if it names nothing or the variable is not set. Raises KairosError."""
    kind, _, place = source.partition(":")
    if kind == "env":
        return (os.environ if environment is None else environment).get(place, "")
    if kind != "file":
        return ""
    try:
        return Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise KairosError(f"The secret {source} cannot be read ({reason}).", exit_code=USAGE_ERROR) from error


def named_secrets(source: str, environment: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """Entries NAME:SECRET, apart by line ends or commas, in their order. Raises KairosError, which never shows a secret."""
    found: dict[str, bytes] = {}
    lines = read_secret(source, environment).replace(",", "\n").splitlines()
    for number, line in enumerate((stripped for line in lines if (stripped := line.strip()) and not stripped.startswith("#")), 1):
        name, separator, secret = line.partition(":")
        if not separator or not name or not secret:
            raise _wrong(source, number, "is not NAME:SECRET")
        if name in found:
            raise _wrong(source, number, f"has the name {name!r} a second time")
        if len(secret.encode()) < SHORTEST_BYTES:
            raise _wrong(source, number, f"({name!r}) is shorter than {SHORTEST_BYTES} bytes")
        found[name] = secret.encode()
    return found


def _wrong(source: str, number: int, what: str) -> KairosError:
    hint = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
    return KairosError(f"{source}: entry {number} {what}.", hint, exit_code=USAGE_ERROR)
