"""Stable identifiers: the same input gives the same id on every machine and in every run.

Python's own `hash` differs between processes, so everything here is BLAKE2b.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b

_BUCKETS = 1 << 32


def key_of(identifier: str) -> int:
    """64-bit key of an item or event id; states keep this instead of the text.

    Two of a million items share a key with a probability of 3 in 100 million (n²/2⁶⁵).
    """
    return int.from_bytes(blake2b(identifier.encode(), digest_size=8).digest(), "little")


def digest_of(identifier: str) -> bytes:
    """The 8 bytes of `key_of`, for where only equality counts."""
    return blake2b(identifier.encode(), digest_size=8).digest()


def place_of(digest: bytes, digests: bytes) -> int:
    """Which of the joined 8-byte `digests` this one is, -1 if none. The first, if it is there more than once."""
    at = digests.find(digest)
    while at > 0 and at % 8:  # found across two of them
        at = digests.find(digest, at + 1)
    return at // 8


def place_of_key(key: int, keys: array[int]) -> int:
    """The same for 64-bit keys; a search among bytes makes no Python integers of what it passes."""
    return place_of(key.to_bytes(8, "little"), keys.tobytes())


def command_id(user_id: str, cause_id: str) -> str:
    """32 hexadecimal characters that name the push which `cause_id` leads to for this user.

    A cause (an event, or the event that armed a wake-up) leads to one push at most, so whatever is replayed after a crash carries
    the id it had, whichever other events came between.
    """
    return blake2b(f"{user_id}\0{cause_id}".encode(), digest_size=16).hexdigest()


def share_of(user_id: str, salt: str) -> float:
    """Where the user falls in [0, 1) under this salt; independent between salts."""
    digest = blake2b(user_id.encode(), digest_size=4, key=salt.encode()[:64]).digest()
    return int.from_bytes(digest, "little") / _BUCKETS
