"""Who a client of the gateway is: by the token it brings."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.common.pseudonyms import Pseudonyms
from gateway.common.tokens import TokenError, TokenVerifier


@dataclass(frozen=True, slots=True)
class Caller:
    """``user_ids``: all ids the user's pushes may have, the current one first. ``until_s``: end of the token, seconds since the epoch."""

    user_ids: tuple[str, ...]
    until_s: int


class Users:
    """Checks tokens, and knows under which pseudonyms a user goes."""

    def __init__(self, tokens: TokenVerifier, pseudonyms: Pseudonyms) -> None:
        self._tokens = tokens
        self._pseudonyms = pseudonyms

    def caller(self, headers: Mapping[str, str], query: Mapping[str, str], now_s: float) -> Caller:
        """From ``Authorization: Bearer …``, or ``?token=…`` where a browser cannot set headers. Raises TokenError."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        token = given.strip() if scheme.lower() == "bearer" else query.get("token", "")
        if not token:
            raise TokenError("there is no token")
        user = self._tokens.verify(token, now_s)
        return Caller(tuple(self._pseudonyms.every(user.user_id)), user.expires_at_s)


def device_of(query: Mapping[str, str], default: str) -> str:
    """The device a client says it is; raises ValueError for what is none."""
    device_id = query.get("device_id", default)
    if not device_id or len(device_id.encode("utf-8", "replace")) > 128 or not device_id.isprintable():
        raise ValueError("device_id: must be 1 to 128 printable bytes")
    return device_id


def last_id_of(text: str | None) -> int | None:
    """The id a client resumes from; raises ValueError for what is none."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError("last_id: must be the id of a push")
    return int(text)
