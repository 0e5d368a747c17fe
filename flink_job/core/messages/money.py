"""Prices and percentages as people of a language write them, from a small table and nothing else, so the same on every machine.

Supported are the languages in `_STYLES`, with what differs by country for a few of them; any other is written as `EUR 1234.50`. Currencies of
`_SYMBOLS` get their symbol, others their ISO 4217 code. Digits are Western Arabic ones, in groups of three: Indian grouping is not supported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SPACE: Final = "\N{NO-BREAK SPACE}"
_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class _Style:
    decimal: str
    group: str
    money: str
    """`n` is the number, `s` the symbol."""
    percent: str = "n%"


_POINT = _Style(".", ",", "sn")
_COMMA = _Style(",", ".", f"n{_SPACE}s", f"n{_SPACE}%")
_SPACED = _Style(",", _SPACE, f"n{_SPACE}s", f"n{_SPACE}%")
_STYLES = {
    "en": _POINT, "ja": _POINT, "ko": _POINT, "zh": _POINT,
    "de": _COMMA, "es": _COMMA, "da": _COMMA,
    "de-at": _Style(",", _SPACE, f"s{_SPACE}n", f"n{_SPACE}%"),
    "de-ch": _Style(".", "’", f"s{_SPACE}n"),
    "fr": _Style(",", _NARROW, f"n{_SPACE}s", f"n{_NARROW}%"),
    "it": _Style(",", ".", f"n{_SPACE}s"), "pt-pt": _Style(",", _SPACE, f"n{_SPACE}s"),
    "pt": _Style(",", ".", f"s{_SPACE}n"), "nl": _Style(",", ".", f"s{_SPACE}n"),
    "cs": _SPACED, "fi": _SPACED, "nb": _SPACED, "no": _SPACED, "sv": _SPACED, "ru": _SPACED,
    "pl": _Style(",", _SPACE, f"n{_SPACE}s"), "uk": _Style(",", _SPACE, f"n{_SPACE}s"),
    "tr": _Style(",", ".", "sn", "%n"),
}  # fmt: skip
_ELSEWHERE = _Style(".", "", f"s{_SPACE}n")
_SYMBOLS = {
    "AUD": "A$", "BRL": "R$", "CAD": "CA$", "CNY": "CN¥", "CZK": "Kč", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "KRW": "₩", "MXN": "MX$",
    "NOK": "kr", "DKK": "kr.", "PLN": "zł", "SEK": "kr", "TRY": "₺", "UAH": "₴", "USD": "$",
}  # fmt: skip
_NO_DECIMALS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"})
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def money(amount: float, currency: str, locale: str) -> str:
    """`amount` of `currency` (ISO 4217) for readers of `locale`, rounded to the currency's smallest unit.

    >>> money(1234.5, "EUR", "en-GB"), money(1234.5, "EUR", "de-DE").replace(_SPACE, " "), money(980, "JPY", "ja")
    ('€1,234.50', '1.234,50 €', '¥980')
    """
    style = _style(locale)
    decimals = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    number = f"{amount:,.{decimals}f}".translate({ord(","): style.group, ord("."): style.decimal})
    symbol = currency if style is _ELSEWHERE else _SYMBOLS.get(currency, currency)
    form = style.money
    if form == "sn" and (symbol[-1].isalpha() or symbol[-1] == "."):
        form = f"s{_SPACE}n"  # CHF 12.90
    return form.replace("n", number).replace("s", symbol)


def percent(whole: int, locale: str) -> str:
    """`whole` hundredths for readers of `locale`.

    >>> percent(25, "en"), percent(25, "de").replace(_SPACE, " ")
    ('25%', '25 %')
    """
    return _style(locale).percent.replace("n", str(whole))


def _style(locale: str) -> _Style:
    locale = locale.lower().replace("_", "-")
    return _STYLES.get(locale) or _STYLES.get(locale.split("-", 1)[0], _ELSEWHERE)
