"""Chromium: the system's, or Playwright's own, or one that is installed now; a test is skipped only where none can be had."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_INSTALL_S = 300


@dataclass
class Watched:
    """A page, and what its console said that it should not have."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless, as long as the block lasts."""
    with sync_playwright() as playwright:
        path = found(playwright.chromium.executable_path)
        # as root, which containers' builds are, Chromium does without its sandbox or not at all
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Browser, address: str, script: str = "", **options: Any) -> Watched:
    """A page in a context of its own, which has nothing of other tests. `script`: runs before the page's own, whenever it is loaded."""
    context = browser.new_context(**options)
    if script:
        context.add_init_script(script)
    page = context.new_page()
    watched = Watched(page)
    page.on("console", lambda message: message.type in ("error", "warning") and watched.complaints.append(message.text))
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.goto(address)
    return watched


@lru_cache(maxsize=1)
def found(own: str) -> str:
    """Where it is; `own`: where Playwright would have put its own. Skips the test if there is none."""
    for attempt in (lambda: None, lambda: _run(sys.executable, "-m", "playwright", "install", "chromium"), _by_apt):
        attempt()
        for candidate in (os.environ.get("KAIROS_CHROMIUM"), *map(shutil.which, _NAMES), own):
            if candidate and Path(candidate).is_file():
                return candidate
    return pytest.skip("no Chromium here, and none could be installed: install one, or name it in KAIROS_CHROMIUM")


def _by_apt() -> None:
    if shutil.which("apt-get") and os.geteuid() == 0:
        _run("apt-get", "update")
        _run("apt-get", "install", "-y", "--no-install-recommends", "chromium")


def _run(*command: str) -> None:
    try:
        subprocess.run(command, timeout=_INSTALL_S, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    except subprocess.TimeoutExpired:
        return
