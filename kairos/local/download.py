"""Downloads one pinned artefact: over HTTPS, resumable, atomic, checked.

*Contract*: ``fetch`` returns only when the target file holds exactly the bytes of the lock. It writes to
``<target>.part`` and renames, so a file under its final name is always whole. Raises ``KairosError``.
"""

import errno
import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import certifi
import httpx
import tenacity

from kairos.errors import KairosError
from kairos.local.lockfile import Artefact

Progress = Callable[[int], None]
"""Called with the number of bytes that have just been written; negative when they had to be thrown away."""

_ATTEMPTS = 5
RETRY_PAUSE_S = 0.5
"""Before the second attempt; it doubles, with some jitter, up to 16 times that."""
_NEEDS_PATIENCE = {408, 425, 429, 500, 502, 503, 504}


class _ServerBusyError(Exception):
    """The server asks to come back later, or the connection ended before the file did."""


def open_client() -> httpx.Client:
    """A client that trusts the system's certificates and certifi's, and honours proxies from the environment."""
    tls = ssl.create_default_context()
    tls.load_verify_locations(certifi.where())
    return httpx.Client(verify=tls, follow_redirects=True, timeout=httpx.Timeout(30.0, connect=15.0))


def fetch(client: httpx.Client, base_url: str, artefact: Artefact, target: Path, progress: Progress) -> None:
    """Downloads ``artefact`` to ``target``; a half-finished ``.part`` of an earlier run is continued."""
    part = target.with_name(target.name + ".part")
    url = f"{base_url}/{artefact.path}"
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((httpx.TransportError, _ServerBusyError)),
        wait=tenacity.wait_exponential_jitter(multiplier=RETRY_PAUSE_S, max=16 * RETRY_PAUSE_S, jitter=RETRY_PAUSE_S),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        reraise=True,
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        retrying(_stream_to, client, url, part, progress)
        if sha256_of(part) != artefact.sha256 and resumed:  # the earlier run may have left something else there
            progress(-part.stat().st_size)
            part.unlink()
            retrying(_stream_to, client, url, part, progress)
        if (found := sha256_of(part)) != artefact.sha256:
            part.unlink()
            raise _mismatch(url, artefact, found)
        part.replace(target)
    except (httpx.TransportError, _ServerBusyError) as error:
        raise KairosError(
            f"{url} could not be downloaded: {error or type(error).__name__}.",
            "Check the network and run the same command again, it goes on where it stopped. Behind a proxy set "
            "HTTPS_PROXY; for a Maven mirror set KAIROS_MAVEN_MIRROR or a <mirror> in ~/.m2/settings.xml.",
        ) from error
    except httpx.HTTPStatusError as error:
        raise KairosError(
            f"{url} answered {error.response.status_code} {error.response.reason_phrase}.",
            "Does the mirror (KAIROS_MAVEN_MIRROR or ~/.m2/settings.xml) hold all of Maven Central?",
        ) from error
    except OSError as error:
        raise _disk_error(error, target) from error


def sha256_of(path: Path) -> str:
    """In hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stream_to(client: httpx.Client, url: str, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:  # it was whole already, or is not ours
            return
        if response.status_code in _NEEDS_PATIENCE:
            raise _ServerBusyError(f"the server answered {response.status_code}")
        response.raise_for_status()
        continues = response.status_code == httpx.codes.PARTIAL_CONTENT
        progress(0 if continues else -have)
        with part.open("ab" if continues else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                progress(len(chunk))


def _mismatch(url: str, artefact: Artefact, found: str) -> KairosError:
    return KairosError(
        f"Checksum mismatch for {artefact.coordinate}: the lock says {artefact.sha256}, {url} has {found}.",
        "Nothing of it was kept. Run the same command again; if it stays, the mirror serves a wrong file: "
        "try KAIROS_MAVEN_MIRROR=https://repo1.maven.org/maven2.",
    )


def _disk_error(error: OSError, target: Path) -> KairosError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return KairosError(
            f"The disk of {target.parent} is full.",
            "Free about 100 MB, or set KAIROS_CACHE to a folder on another disk.",
        )
    return KairosError(f"{target} cannot be written: {error.strerror}.", "Set KAIROS_CACHE to a folder you may write to.")
