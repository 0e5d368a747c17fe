"""Which Maven repository to download from.

In this order: ``KAIROS_MAVEN_MIRROR``; the mirror of Maven Central in the user's ``~/.m2/settings.xml``; Maven
Central. A mirror needs no trust: every jar is checked against the lock.
"""

import os
import xml.etree.ElementTree as ET
from pathlib import Path

from kairos.errors import KairosError

MAVEN_CENTRAL = "https://repo1.maven.org/maven2"
_MATCHES_CENTRAL = {"*", "central", "external:*"}


def repository_url(settings: Path | None = None) -> str:
    """Base URL without a trailing slash."""
    configured = os.environ.get("KAIROS_MAVEN_MIRROR", "").strip()
    if configured:
        if not configured.startswith(("https://", "http://")):
            raise KairosError(
                f"KAIROS_MAVEN_MIRROR is {configured!r}, which is not an http(s) URL.",
                f"Give the base URL of a Maven repository, for example {MAVEN_CENTRAL}.",
            )
        return configured.rstrip("/")
    mirror = _mirror_from_settings(settings or Path.home() / ".m2" / "settings.xml")
    return (mirror or MAVEN_CENTRAL).rstrip("/")


def _mirror_from_settings(settings: Path) -> str | None:
    try:
        root = ET.parse(settings).getroot()
    except (OSError, ET.ParseError):  # no settings, or a broken file: Maven itself will tell its user
        return None
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        url = (mirror.findtext("{*}url") or "").strip()
        patterns = {pattern.strip() for pattern in (mirror.findtext("{*}mirrorOf") or "").split(",")}
        blocked = (mirror.findtext("{*}blocked") or "").strip() == "true"
        if url.startswith("http") and not blocked and patterns & _MATCHES_CENTRAL and "!central" not in patterns:
            return url
    return None
