"""Keys for trying things out: made once for each clone, readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from gateway.common.secrets import named_secrets
from kairos.local import paths

_API_KEYS, _TOKEN_SECRETS = "api-keys", "token-secrets"
_KEYS_SETTING, _SECRETS_SETTING = "KAIROS_EDGE__AUTH__API_KEYS", "KAIROS_EDGE__AUTH__TOKEN_SECRETS"
_GIVEN_BY = {"KAIROS_API_KEYS": _KEYS_SETTING, "KAIROS_TOKEN_SECRETS": _SECRETS_SETTING}
"""Where the defaults look for keys, and the setting that would have them look elsewhere."""


def development_settings() -> dict[str, str]:
    """Variables that name the keys of this clone, and let pages of any origin send."""
    return {
        _KEYS_SETTING: f"file:{_made(_API_KEYS)}",
        _SECRETS_SETTING: f"file:{_made(_TOKEN_SECRETS)}",
        "KAIROS_EDGE__COLLECTOR__CORS_ORIGINS": '["*"]',
        "KAIROS_EDGE__LOG__FORMAT": "text",
    }


def environment(*, dev: bool) -> dict[str, str]:
    """The variables of this process; with `dev`, over those of the clone's own keys. Keys that the process was given stand."""
    if not dev:
        return dict(os.environ)
    own = development_settings()
    for given, name in _GIVEN_BY.items():
        if os.environ.get(given):
            del own[name]
    return {**own, **os.environ}


def development_key() -> str:
    """The API key of this clone."""
    return next(iter(named_secrets(f"file:{_made(_API_KEYS)}").values())).decode()


def _made(name: str) -> Path:
    folder = paths.state_dir() / "edge"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    if not file.exists():
        made = folder / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            opened.write(f"dev:{secrets.token_urlsafe(32)}\n")
        with contextlib.suppress(FileExistsError):  # another program of the clone was quicker; nobody ever sees half a file
            os.link(made, file)
        made.unlink()
    return file
