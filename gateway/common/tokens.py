"""Browsers and apps are known by short-lived tokens (JWT) that the application's server signs for its user.

A token names its user (`sub`), its audience (`aud`), when it was made (`iat`) and when it ends (`exp`): all four, or it is refused.
Signed with HS256 and a shared secret, or with EdDSA by somebody whose public key is known here.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

from kairos.errors import USAGE_ERROR, KairosError

_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
_REMEMBERED = 10_000
"""Verified tokens: a page sends the same one with every request, and verifying EdDSA takes longer than all else."""
_LONGEST_BYTES = 4096


class TokenError(ValueError):
    """The token is refused; the message says why and may be told to its sender."""


@dataclass(frozen=True, slots=True)
class User:
    """Who a token speaks for, and until when (seconds since the epoch)."""

    user_id: str
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must be."""

    audience: str
    max_lifetime_s: int
    leeway_s: int


class TokenVerifier:
    """Checks tokens. `secrets`: key id → HS256 secret; `public_keys`: PEM text with one or several Ed25519 keys."""

    def __init__(self, secrets: Mapping[str, bytes], public_keys: str, rules: TokenRules) -> None:
        self._secrets = dict(secrets)
        self._public = [_public_key(pem) for pem in _PEM.findall(public_keys)]
        if public_keys.strip() and not self._public:
            raise KairosError("auth.token_public_keys holds no PEM public key.", exit_code=USAGE_ERROR)
        self._rules = rules
        self._known: OrderedDict[str, User] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._secrets or self._public)

    def verify(self, token: str, now_s: float) -> User:
        """Whose token it is, at that time. Raises TokenError."""
        user = self._known.get(token)
        if user is None:
            user = self._read(token, now_s)
            self._known[token] = user
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if now_s >= user.expires_at_s + self._rules.leeway_s:
            self._known.pop(token, None)
            raise TokenError("the token has expired")
        return user

    def _read(self, token: str, now_s: float) -> User:
        if len(token) > _LONGEST_BYTES:
            raise TokenError("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise TokenError("this is no token") from error
        claims = self._claims(token, header)
        return self._user(claims, now_s)

    def _claims(self, token: str, header: Mapping[str, object]) -> dict[str, object]:
        algorithm, key_id = header.get("alg"), header.get("kid")
        keys: list[object] = []
        if algorithm == "HS256":
            keys = [key for name, key in self._secrets.items() if key_id is None or name == key_id]
        elif algorithm == "EdDSA":
            keys = list(self._public)
        for key in keys:
            try:
                # times are checked below, with the caller's clock
                claims: dict[str, object] = jwt.decode(
                    token,
                    key,  # type: ignore[arg-type]  # bytes for the one, an Ed25519 key for the other
                    algorithms=[str(algorithm)],
                    audience=self._rules.audience,
                    options={"require": ["sub", "aud", "iat", "exp"], "verify_exp": False, "verify_iat": False, "verify_nbf": False},
                )
            except jwt.InvalidSignatureError:
                continue
            except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
                raise TokenError(_in_words(error)) from error
            return claims
        raise TokenError("the token is not signed by a key that is known here")

    def _user(self, claims: Mapping[str, object], now_s: float) -> User:
        user_id, issued, expires, not_before = (claims.get(name) for name in ("sub", "iat", "exp", "nbf"))
        if not isinstance(user_id, str) or not user_id or any("\ud800" <= sign <= "\udfff" for sign in user_id):
            raise TokenError("the token's sub is no user id")
        if not _is_time(issued) or not _is_time(expires) or not (not_before is None or _is_time(not_before)):
            raise TokenError("the token's iat, exp and nbf must be whole seconds")
        begins = max(int(str(issued)), int(str(not_before or 0)))
        ends = int(str(expires))
        if ends - int(str(issued)) > self._rules.max_lifetime_s:
            raise TokenError(f"the token lives longer than {self._rules.max_lifetime_s} seconds")
        if begins > now_s + self._rules.leeway_s:
            raise TokenError("the token is not valid yet")
        return User(user_id, ends)


def issue_token(user_id: str, key_id: str, secret: bytes, audience: str, now_s: int, lifetime_s: int) -> str:
    """A token that `TokenVerifier` accepts, signed with HS256; what an application's server does for its signed-in user."""
    claims = {"sub": user_id, "aud": audience, "iat": now_s, "exp": now_s + lifetime_s}
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": key_id})


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40


def _in_words(error: Exception) -> str:
    if isinstance(error, jwt.InvalidAudienceError):
        return "the token is for another audience"
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"the token lacks {error.claim}"
    return "this is no token"


def _public_key(pem: str) -> object:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise KairosError("auth.token_public_keys: a PEM block cannot be read.", exit_code=USAGE_ERROR) from error
    if not isinstance(key, Ed25519PublicKey):
        raise KairosError("auth.token_public_keys: only Ed25519 keys sign with EdDSA here.", exit_code=USAGE_ERROR)
    return key
