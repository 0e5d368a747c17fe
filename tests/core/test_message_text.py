"""Texts: prices as people write them, nothing invisible, never longer than there is room for, cut where a reader would."""

from unicodedata import category, is_normalized

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.messages.facts import FIELDS, Facts, in_words
from flink_job.core.messages.money import money, percent
from flink_job.core.messages.pattern import parse
from flink_job.core.messages.text import clean, cut, length

NBSP, NARROW = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
FAMILY = "👨‍👩‍👧"
THUMB = "👍🏽"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "written"),
    [
        (1234.5, "EUR", "en", "€1,234.50"),
        (1234.5, "EUR", "de", f"1.234,50{NBSP}€"),
        (1234.5, "EUR", "de-AT", f"€{NBSP}1{NBSP}234,50"),
        (1234.5, "CHF", "de_CH", f"CHF{NBSP}1’234.50"),
        (1234.5, "EUR", "fr-FR", f"1{NARROW}234,50{NBSP}€"),
        (1234.5, "BRL", "pt-BR", f"R${NBSP}1.234,50"),
        (1234.5, "EUR", "pt-PT", f"1{NBSP}234,50{NBSP}€"),
        (1234.5, "SEK", "sv", f"1{NBSP}234,50{NBSP}kr"),
        (1234.5, "CHF", "en", f"CHF{NBSP}1,234.50"),
        (1234.5, "DKK", "en", f"kr.{NBSP}1,234.50"),
        (980, "JPY", "ja", "¥980"),
        (1.2345, "KWD", "en", f"KWD{NBSP}1.234"),  # 1.2345 in binary is a little below
        (1234.5, "EUR", "xx", f"EUR{NBSP}1234.50"),
        (1234.5, "EUR", "", f"EUR{NBSP}1234.50"),
        (0.0, "USD", "en-US", "$0.00"),
    ],
)
def test_prices_are_written_as_readers_write_them(amount: float, currency: str, locale: str, written: str) -> None:
    assert money(amount, currency, locale) == written


def test_percentages_too() -> None:
    assert [percent(25, locale) for locale in ("en", "de", "fr", "tr", "xx")] == ["25%", f"25{NBSP}%", f"25{NARROW}%", "%25", "25%"]


def test_an_item_that_has_everything_has_every_field() -> None:
    facts = Facts("Red mug", "For tea", 7.5, 10, "GBP", "Ada", "mugs", "home", 3, 2)
    assert in_words(facts, "en") == {
        "title": "Red mug", "summary": "For tea", "currency": "GBP", "creator": "Ada", "category": "mugs", "top_category": "home",
        "price": "£7.50", "list_price": "£10.00", "saving": "£2.50", "discount": "25%", "stock": "3", "more": "2",
    }  # fmt: skip
    assert in_words(facts, "en").keys() == FIELDS.keys()


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        (Facts("A"), {"title"}),
        (Facts(" \t\u200b"), set()),
        (Facts("A", price=5), {"title"}),  # 5 of what?
        (Facts("A", price=-1, currency="EUR"), {"title", "currency"}),
        (Facts("A", price=5, list_price=5, currency="EUR"), {"title", "currency", "price"}),
        (Facts("A", price=5, list_price=4, currency="EUR"), {"title", "currency", "price"}),
        (Facts("A", price=float("inf"), currency="EUR"), {"title", "currency"}),
        (
            Facts("A", price=99.5, list_price=100, currency="EUR"),
            {"title", "currency", "price", "list_price", "saving"},
        ),  # less than 1 per cent
        (Facts("A", stock=0), {"title"}),
    ],
)
def test_what_an_item_does_not_have_is_no_field(facts: Facts, fields: set[str]) -> None:
    assert in_words(facts, "en").keys() == fields


@pytest.mark.parametrize(
    ("price", "before", "said"), [(7, 10, "30%"), (6.67, 10, "33%"), (9.9, 10, "1%"), (0, 10, "100%"), (19.99, 29.99, "33%")]
)
def test_a_discount_is_never_overstated(price: float, before: float, said: str) -> None:
    assert in_words(Facts("A", price=price, list_price=before, currency="EUR"), "en")["discount"] == said


def test_patterns_know_names_and_doubled_braces_and_nothing_else() -> None:
    pattern = parse("{{{title}}} and {more}{more}")
    assert pattern.fields == ("title", "more", "more")
    assert pattern.filled({"title": "{more}", "more": "7"}) == "{{more}} and 77"  # what an item says is never a pattern


@pytest.mark.parametrize(
    "text", ["{", "}", "{}", "{title", "title}", "{title.x}", "{title!r}", "{title:>99999}", "{0}", "{ title }", "{Title}", "{{}", "{a{b}}"]
)
def test_other_braces_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not around a field's name"):
        parse(text)


@given(st.text())
def test_any_text_can_be_written_with_doubled_braces(text: str) -> None:
    assert parse(text.replace("{", "{{").replace("}", "}}")).filled({}) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  a \t\r\n b\u2028c\u3000d ", "a b c d"),
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("safe\u202egpj.exe", "safegpj.exe"),
        ("zero\u200bwidth\ufeff \u00adsoft", "zerowidth soft"),
        ("cafe\u0301", "café"),
        (f"5{NBSP}€", f"5{NBSP}€"),
        (FAMILY, FAMILY),
        ("\ud83d broken", "broken"),
    ],
)
def test_texts_are_cleaned(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(st.text(st.characters()))
def test_clean_text_has_one_line_no_controls_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert is_normalized("NFC", cleaned)
    assert not any(category(character) in ("Cc", "Zl", "Zp", "Cs") for character in cleaned)
    assert "  " not in cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("", 0), ("abc", 3), ("e\u0301", 1), (FAMILY, 1), (THUMB, 1), (SCOTLAND, 1), ("🇩🇪🇫🇷", 2), ("🇩🇪🇫", 2), ("각", 1),
        ("\u1100\u1161\u11a8", 1), ("한국어", 3), ("क्षि", 1), ("日本語", 3), ("❤️", 1), ("น้ำ", 1),
    ],
)  # fmt: skip
def test_characters_are_counted_as_a_reader_does(text: str, characters: int) -> None:
    assert length(text) == characters


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("A short title", 13, "A short title"),
        ("A short title", 12, "A short…"),
        ("A short, title", 12, "A short…"),
        ("Donaudampfschifffahrt", 10, "Donaudamp…"),
        ("Ein Donaudampfschifffahrtskapitän", 20, "Ein Donaudampfschif…"),  # the only space is in the first half
        ("日本語の長いタイトル", 5, "日本語の…"),
        (f"{FAMILY}{THUMB}{SCOTLAND}", 2, f"{FAMILY}…"),
        ("🇩🇪🇫🇷🇮🇹", 2, "🇩🇪…"),
        ("ab", 1, ""),
    ],
)
def test_texts_are_cut_after_words_and_between_characters(text: str, most: int, expected: str) -> None:
    assert cut(text, most, 1000) == expected


def test_bytes_are_a_limit_of_their_own() -> None:
    assert cut("日本語", 10, 9) == "日本語"
    assert cut("日本語", 10, 8) == "日…"
    assert cut("日本語", 10, 5) == ""


PIECES = st.sampled_from([*"ab ,é日", "\u0301", "\u200d", FAMILY, THUMB, "🇩", "क", "्", "각"])


@given(st.lists(PIECES).map("".join), st.integers(1, 30), st.integers(0, 80))
def test_a_cut_text_fits_and_is_a_beginning(text: str, most: int, most_bytes: int) -> None:
    found = cut(text, most, most_bytes)
    assert length(found) <= most
    assert len(found.encode()) <= most_bytes
    if found != text:
        assert text.startswith(found.removesuffix("…"))
        assert length(text) > most or len(text.encode()) > most_bytes
