"""The environment of the engines Kairos is compared with: made by uv from pinned requirements when it is first needed, and again when they change."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from kairos.local.paths import project_root


def bench_python() -> Path:
    """Its Python. Raises SystemExit, after saying what to do, if it cannot be made."""
    root = project_root()
    venv, requirements = root / ".venv-bench", root / "requirements" / "bench.txt"
    python, stamp = venv / "bin" / "python", venv / ".kairos-installed"
    digest = hashlib.sha256(f"{venv} {sys.version_info[:2]}".encode() + requirements.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest and _starts(python):
        return python
    installing = _installing(root)
    uv = installing.find_uv() or installing.fetch_uv()
    env = {**os.environ, **installing.uv_settings()}
    installing.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv], env, f"{venv} could not be created")
    install = [uv, "pip", "install", "--quiet", "--python", python, "-r", requirements]
    installing.run(install, env, "Bytewax and Quix Streams could not be installed")
    stamp.write_text(digest, encoding="utf-8")
    return python


def _starts(python: Path) -> bool:
    try:
        return subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _installing(root: Path) -> ModuleType:
    """`deploy/installing.py`, which knows uv; it is a program, no part of a package."""
    spec = importlib.util.spec_from_file_location("kairos_installing", root / "deploy" / "installing.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(root / "deploy" / "installing.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
