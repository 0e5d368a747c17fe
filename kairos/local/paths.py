"""Where things lie: the project, its working folder ``.kairos/``, and the cache shared by all clones.

| what | where | may be deleted |
|---|---|---|
| project | the folder with ``deploy/artefacts.lock`` | no |
| state | ``<project>/.kairos``, or ``KAIROS_HOME`` | when nothing runs |
| cache | ``KAIROS_CACHE``, else the platform's cache folder | always: it is downloaded again |
"""

import os
import sys
from pathlib import Path

from kairos.errors import KairosError


def project_root() -> Path:
    """The clone this package was installed from; the lock file and the schemas lie there."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "deploy" / "artefacts.lock").is_file():
        raise KairosError(
            f"{root} is not a Kairos clone: deploy/artefacts.lock is missing.",
            "Run kairos from an editable install of the repository (make setup).",
        )
    return root


def state_dir() -> Path:
    """Logs, data and process records of this clone's own brokers and clusters; created on first use."""
    configured = os.environ.get("KAIROS_HOME")
    path = Path(configured).expanduser().resolve() if configured else project_root() / ".kairos"
    path.mkdir(parents=True, exist_ok=True)
    return path


def cache_dir() -> Path:
    """Downloads, kept between clones: ``~/.cache/kairos`` on Linux, ``~/Library/Caches/kairos`` on macOS."""
    configured = os.environ.get("KAIROS_CACHE")
    if configured:
        path = Path(configured).expanduser().resolve()
    elif sys.platform == "darwin":
        path = Path.home() / "Library" / "Caches" / "kairos"
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kairos"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KairosError(
            f"The cache folder {path} cannot be created: {error.strerror}.",
            "Set KAIROS_CACHE to a folder you may write to.",
        ) from error
    return path
