"""API keys, secrets and pseudonyms."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.common.api_keys import ApiKeys
from gateway.common.pseudonyms import Pseudonyms
from gateway.common.secrets import named_secrets
from kairos.errors import KairosError

ONE, TWO = b"0123456789abcdef0123", b"fedcba98765432100000"


def test_several_api_keys_hold_at_once_and_each_has_a_name() -> None:
    keys = ApiKeys({"shop": ONE, "shop-next": TWO})
    assert [keys.name_of(key) for key in (ONE.decode(), TWO.decode(), "", "0123", "\udcff", "\ud800")] == ["shop", "shop-next", *[None] * 4]


def test_secrets_come_from_files_and_variables_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# new one first\nb:{TWO.decode()}\n\na:{ONE.decode()}\n")
    assert list(named_secrets(f"file:{file}").items()) == [("b", TWO), ("a", ONE)]
    assert named_secrets("env:KEYS", {"KEYS": f"a:{ONE.decode()},b:{TWO.decode()}"}) == {"a": ONE, "b": TWO}
    assert named_secrets("env:KEYS", {}) == named_secrets("", {}) == {}


@pytest.mark.parametrize(
    "text", ["justakey0123456789012345", "a:short", ":0123456789abcdef0123", "a:0123456789abcdef0123,a:0123456789abcdef0123"]
)
def test_a_wrong_entry_is_told_without_showing_the_secret(text: str) -> None:
    with pytest.raises(KairosError) as caught:
        named_secrets("env:KEYS", {"KEYS": text})
    assert "0123456789" not in str(caught.value)
    assert "entry" in str(caught.value)


def test_pseudonyms_are_stable_differ_by_key_and_are_recognised() -> None:
    before, after = Pseudonyms({"k1": ONE}), Pseudonyms({"k2": TWO, "k1": ONE})
    assert before.current("ada") == before.current("ada") != before.current("bob")
    assert after.every("ada") == [after.current("ada"), before.current("ada")]
    assert after.is_one(before.current("ada"))
    assert not before.is_one(after.current("ada"))  # of a key that is not known here
    assert not before.is_one("ada")


def test_without_keys_ids_stay() -> None:
    none = Pseudonyms({})
    assert (none.current("ada"), none.every("ada"), none.is_one("~k1~0123456789012345678901")) == ("ada", ["ada"], False)


@given(st.text(min_size=1, max_size=60).filter(lambda text: not any(0xD800 <= ord(sign) < 0xE000 for sign in text)))
def test_a_pseudonym_fits_into_an_id_and_shows_nothing_of_the_user(user_id: str) -> None:
    pseudonym = Pseudonyms({"k1": ONE}).current(user_id)
    assert len(pseudonym.encode()) == 26
    assert pseudonym.isascii()
