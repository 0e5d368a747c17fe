"""Texts as a device shows them: without what cannot be seen or turns lines around, and no longer than there is room for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import category, combining, is_normalized, normalize

_SPACES = re.compile("[\t-\r\x1c-\x20\x85\u1680\u2000-\u200a\u2028\u2029\u205f\u3000]+")  # not the no-break ones: prices have them
# Controls, soft hyphen, zero-width space and its like, overrides of direction (text that reads otherwise than it is written), halves of
# surrogate pairs, non-characters. What joins and marks (ZWJ, ZWNJ, LRM, RLM, variation selectors) stays: scripts and emoji need it.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_ELLIPSIS = "…"
_ELLIPSIS_BYTES = 3
_LOOSE = " ,;:.·–—-([{„“«‚‘/&+"  # what nobody wants to read before an ellipsis
_VOWELS = "\u0e33\u0eb3"  # AM of Thai and Lao, letters to Unicode, but never alone
_JOINER, _NON_JOINER = "\u200d", "\u200c"


def clean(text: str) -> str:
    r"""`text` on one line, NFC, with single spaces and nothing invisible that misleads.

    >>> clean(" Red\tmug\n\u202e ")
    'Red mug'
    """
    if not is_normalized("NFC", text):
        text = normalize("NFC", text)
    return _SPACES.sub(" ", _UNSEEN.sub("", text)).strip()


def length(text: str) -> int:
    """Characters as a reader counts them: an emoji with its skin tone, a letter with its accents, a flag is one."""
    return len(text) if text.isascii() else sum(1 for _ in _ends(text))


def cut(text: str, most: int, most_bytes: int) -> str:
    """`text` in at most `most` characters and `most_bytes` of UTF-8; what is too long ends after a word, with an ellipsis.

    After a whole character where there are no spaces, or none in the second half. Empty if not even one character fits.

    >>> cut("A very long title", 12, 100)
    'A very long…'
    """
    if len(text.encode()) <= most_bytes and (len(text) <= most or length(text) <= most):
        return text
    ends: list[int] = []
    start, used = 0, _ELLIPSIS_BYTES
    for end in _ends(text):
        used += len(text[start:end].encode())
        if used > most_bytes or len(ends) >= most - 1:
            break
        ends.append(end)
        start = end
    if not ends:
        return ""
    after_a_word = [end for end in ends[len(ends) // 2 :] if text[end] == " "]
    kept = text[: after_a_word[-1] if after_a_word else ends[-1]]
    return (kept.rstrip(_LOOSE) or kept) + _ELLIPSIS


def _ends(text: str) -> Iterator[int]:
    """Where the characters of `text` end, as readers see them: the extended grapheme clusters of Unicode's UAX #29.

    Without its tables: marks, joiners, skin tones and tags belong to what they follow, as do letters after a virama and vowels and finals of Hangul;
    regional indicators go in pairs. Where this differs from UAX #29 it keeps more together.
    """
    indicators = 0
    for at in range(1, len(text)):
        before, here = text[at - 1], text[at]
        indicators = indicators + 1 if _is_indicator(before) else 0
        if not (_belongs(before, here) or (indicators % 2 and _is_indicator(here))):
            yield at
    if text:
        yield len(text)


def _belongs(before: str, here: str) -> bool:
    """Whether `here` is part of the character that `before` is part of, pairs of regional indicators aside."""
    if here < "\u0300":
        return before == _JOINER and here != " "
    return (
        category(here) in ("Mn", "Mc", "Me")
        or here in _VOWELS
        or here in (_JOINER, _NON_JOINER)
        or before == _JOINER
        or "\U0001f3fb" <= here <= "\U0001f3ff"
        or "\U000e0020" <= here <= "\U000e007f"
        or (combining(before) == 9 and category(here) == "Lo")
        or (_is_hangul(before) and _is_hangul(here) and not ("\uac00" <= before <= "\ud7a3" and _starts_a_syllable(here)))
    )


def _is_indicator(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _is_hangul(character: str) -> bool:
    return "\u1100" <= character <= "\u11ff" or "\ua960" <= character <= "\ua97c" or "\uac00" <= character <= "\ud7fb"


def _starts_a_syllable(character: str) -> bool:
    return "\u1100" <= character <= "\u115f" or "\ua960" <= character <= "\ua97c" or "\uac00" <= character <= "\ud7a3"
