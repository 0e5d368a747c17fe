"""Who sends: a server with an API key, or a browser with its user's token."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from gateway.collector.refusal import RequestRefused
from gateway.common.api_keys import ApiKeys
from gateway.common.tokens import TokenError, TokenVerifier

_PARTS_OF_A_TOKEN = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """`name`: the API key's, or the user's. `user_id`: a browser's user, for whom alone it may speak; empty for a server, which may speak for all."""

    name: str
    user_id: str = ""


class Callers:
    """Knows callers by what they present: `Authorization: Bearer …`, `X-API-Key: …`, or a credential in the body (for `sendBeacon`)."""

    def __init__(self, keys: ApiKeys, tokens: TokenVerifier) -> None:
        self._keys = keys
        self._tokens = tokens

    def known_by(self, credential: str, now_s: float) -> Caller:
        """Raises RequestRefused."""
        if credential.count(".") == _PARTS_OF_A_TOKEN - 1 and credential.startswith("ey"):  # base64url of {", as every token begins
            try:
                user = self._tokens.verify(credential, now_s)
            except TokenError as error:
                raise _refused(f"{error}") from error
            return Caller(user.user_id, user.user_id)
        name = self._keys.name_of(credential)
        if name is None:
            raise _refused("the API key is not known")
        return Caller(name)


def credential_in(authorization: str | None, api_key: str | None) -> str:
    """What the headers present; empty: nothing. Raises RequestRefused for another scheme than Bearer."""
    if api_key:
        return api_key
    if not authorization:
        return ""
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise _refused("the scheme must be Bearer")
    return credential.strip()


def must_be_server(caller: Caller) -> None:
    """Raises RequestRefused for a browser."""
    if caller.user_id:
        raise RequestRefused(HTTPStatus.FORBIDDEN, "not_allowed", "a user's token may send events and feedback only")


def no_credential() -> RequestRefused:
    """The error of a request that presents nothing."""
    return RequestRefused(HTTPStatus.UNAUTHORIZED, "no_credential", "send an API key or a user's token: Authorization: Bearer …")


def _refused(reason: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.UNAUTHORIZED, "wrong_credential", reason)
