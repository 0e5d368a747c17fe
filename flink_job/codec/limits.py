"""Limits of what a record may hold."""

from __future__ import annotations


def is_longer(text: str, most_bytes: int) -> bool:
    """More than `most_bytes` of UTF-8. Nearly every id is ASCII, which Python knows without looking at it."""
    return len(text) > most_bytes or (not text.isascii() and len(text.encode()) > most_bytes)
