"""A token speaks for one user, for a short time, and only if somebody known here signed it."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.common.tokens import TokenError, TokenRules, TokenVerifier, User, issue_token
from kairos.errors import KairosError

SECRET = b"0123456789abcdef0123456789abcdef"
OLD = b"fedcba9876543210fedcba9876543210"
RULES = TokenRules(audience="kairos", max_lifetime_s=3600, leeway_s=10)
NOW = 1_767_605_400


def verifier() -> TokenVerifier:
    return TokenVerifier({"k2": SECRET, "k1": OLD}, "", RULES)


def claims(**changes: object) -> dict[str, object]:
    return {"sub": "ada", "aud": "kairos", "iat": NOW, "exp": NOW + 600, **changes}


def signed(payload: dict[str, object], secret: bytes = SECRET) -> str:
    return jwt.encode(payload, secret, algorithm="HS256")


def test_what_is_issued_is_accepted_until_it_ends_and_the_leeway_after() -> None:
    token = issue_token("ada", "k2", SECRET, "kairos", NOW, 600)
    under_test = verifier()
    assert under_test.verify(token, NOW) == User("ada", NOW + 600)
    assert under_test.verify(token, NOW + 609) == User("ada", NOW + 600)
    with pytest.raises(TokenError, match="expired"):
        under_test.verify(token, NOW + 610)


def test_the_key_of_before_still_holds_named_or_not() -> None:
    assert verifier().verify(issue_token("ada", "k1", OLD, "kairos", NOW, 600), NOW).user_id == "ada"
    assert verifier().verify(signed(claims(), OLD), NOW).user_id == "ada"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (claims(sub=""), "sub"),
        (claims(aud="other"), "audience"),
        (claims(exp=NOW - 11), "expired"),
        (claims(exp=NOW + 3601), "longer"),
        (claims(iat=NOW + 60), "not valid yet"),
        (claims(nbf=NOW + 60), "not valid yet"),
        (claims(exp=10**30), "seconds"),
        (claims(iat=True), "seconds"),
        (claims(exp=1.5), "seconds"),
        ({"sub": "ada", "aud": "kairos", "exp": NOW + 5}, "lacks iat"),
        ({"sub": "ada", "aud": "kairos", "iat": NOW}, "lacks exp"),
    ],
)
def test_what_a_token_must_say(payload: dict[str, object], why: str) -> None:
    with pytest.raises(TokenError, match=why):
        verifier().verify(signed(payload), NOW)


def test_no_signature_another_secret_and_another_key_id_are_refused() -> None:
    for token in (
        jwt.encode(claims(), "", algorithm="none"),
        signed(claims(), b"another secret that nobody here knows"),
        issue_token("ada", "k1", SECRET, "kairos", NOW, 600),
    ):
        with pytest.raises(TokenError):
            verifier().verify(token, NOW)


def test_eddsa_tokens_need_the_public_key_only_and_a_public_key_is_no_hs256_secret() -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    under_test = TokenVerifier({}, pem.decode(), RULES)
    assert under_test.verify(jwt.encode(claims(), private, algorithm="EdDSA"), NOW).user_id == "ada"
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    with pytest.raises(TokenError):
        under_test.verify(signed(claims(), raw), NOW)
    with pytest.raises(TokenError):
        under_test.verify(jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA"), NOW)


def test_a_public_key_that_is_none_is_said_at_start() -> None:
    with pytest.raises(KairosError, match="no PEM"):
        TokenVerifier({}, "hello", RULES)


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda raw: raw.hex() + "." + raw.hex() + "."))
def test_any_text_is_a_token_or_a_token_error(text: str) -> None:
    with pytest.raises(TokenError):
        verifier().verify(text, NOW)
