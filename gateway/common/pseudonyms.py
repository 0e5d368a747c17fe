"""Pseudonyms for user ids: a keyed hash (HMAC-SHA-256), so that what is stored behind the edge names nobody.

A pseudonym is `~KEY_ID~` and 22 characters, the first 128 bits of the hash in base64url: whoever holds the key can make it from the user id
again, nobody can make the user id from it. The key id in it is what makes rotation possible.

>>> Pseudonyms({"k1": b"0123456789abcdef0123"}).current("ada")
'~k1~mmN1HT-uX5BiI-akIQUS2Q'
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from kairos.errors import USAGE_ERROR, KairosError

_KEY_ID = re.compile(r"[A-Za-z0-9]{1,16}")
_FORM = re.compile(r"~([A-Za-z0-9]{1,16})~[A-Za-z0-9_-]{22}")
_BYTES = 16


class Pseudonyms:
    """`keys`: key id → secret. The first makes pseudonyms, the others are those of before, whose pseudonyms are still about. None: ids stay."""

    __slots__ = ("_current", "_keys")

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        for key_id in keys:
            if not _KEY_ID.fullmatch(key_id):
                raise KairosError(f"pseudonyms.keys: {key_id!r} is no key id: 1 to 16 letters and digits.", exit_code=USAGE_ERROR)
        self._keys = dict(keys)
        self._current = next(iter(keys.items()), None)

    def __bool__(self) -> bool:
        return self._current is not None

    def current(self, user_id: str) -> str:
        """Under which id the user is known from now on; the id itself without keys."""
        return user_id if self._current is None else _pseudonym(*self._current, user_id)

    def every(self, user_id: str) -> list[str]:
        """All ids the user may be known under: the current one, and those of former keys."""
        return [_pseudonym(key_id, key, user_id) for key_id, key in self._keys.items()] or [user_id]

    def is_one(self, user_id: str) -> bool:
        """It is a pseudonym already, of a key that is known here: so servers that read pushes may answer with what they read."""
        found = _FORM.fullmatch(user_id)
        return found is not None and found[1] in self._keys


def _pseudonym(key_id: str, key: bytes, user_id: str) -> str:
    digest = hmac.digest(key, user_id.encode(), "sha256")[:_BYTES]
    return f"~{key_id}~{urlsafe_b64encode(digest).rstrip(b'=').decode()}"
