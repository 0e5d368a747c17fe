"""Servers are known by API keys."""

import hashlib
import hmac
from collections.abc import Mapping


class ApiKeys:
    """Several keys hold at once, so that a new one can be given out before the old one is taken away.

    >>> ApiKeys({"shop": b"0123456789abcdef0123"}).name_of("0123456789abcdef0123")
    'shop'
    """

    __slots__ = ("_digests",)

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._digests = [(name, hashlib.sha256(key).digest()) for name, key in keys.items()]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def name_of(self, key: str) -> str | None:
        """Whose key it is. Takes as long for a wrong key as for a right one: every key is compared, by digest, in constant time."""
        # in a body, JSON can write half a character
        given = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        found = None
        for name, digest in self._digests:
            if hmac.compare_digest(given, digest):
                found = name
        return found
