"""The JVM artefacts of the lock, in the cache and whole.

>>> classpath("kafka")  # doctest: +SKIP
'/home/me/.cache/kairos/maven/org/apache/kafka/kafka_2.13/4.4.0/kafka_2.13-4.4.0.jar:...'
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx

from kairos.errors import KairosError
from kairos.local import paths
from kairos.local.download import Progress, fetch, open_client, sha256_of
from kairos.local.lockfile import Artefact, Role, read_lock
from kairos.local.mirrors import repository_url

_PARALLEL_DOWNLOADS = 8


def jars(role: Role) -> tuple[Path, ...]:
    """The cached jars of a role; raises ``KairosError`` if one of them was never fetched."""
    found = tuple(cached_path(artefact) for artefact in locked() if artefact.role == role)
    missing = [jar for jar in found if not jar.is_file()]
    if missing:
        raise KairosError(
            f"{len(missing)} of {len(found)} {role} jars are not in the cache, the first is {missing[0]}.",
            "Run `kairos setup` (or `make setup`) once.",
        )
    return found


def classpath(role: Role) -> str:
    """The jars of a role, as Java's ``-cp`` takes them."""
    return os.pathsep.join(str(jar) for jar in jars(role))


def locked() -> tuple[Artefact, ...]:
    """All artefacts of this clone's lock."""
    return read_lock(paths.project_root() / "deploy" / "artefacts.lock")


def cached_path(artefact: Artefact) -> Path:
    """Where an artefact is kept; the file need not be there."""
    return paths.cache_dir() / "maven" / artefact.path


def drop_damaged(artefacts: tuple[Artefact, ...]) -> tuple[Artefact, ...]:
    """Deletes the files whose bytes are not the lock's, and returns what they were."""
    damaged = tuple(artefact for artefact in artefacts if _is_damaged(artefact))
    for artefact in damaged:
        cached_path(artefact).unlink()
    return damaged


def missing(artefacts: tuple[Artefact, ...]) -> tuple[Artefact, ...]:
    """Those whose file is absent."""
    return tuple(artefact for artefact in artefacts if not cached_path(artefact).is_file())


def download(artefacts: tuple[Artefact, ...], progress: Progress, *, base_url: str | None = None) -> None:
    """Fetches all of them, eight at a time; the first failure, or Ctrl-C, stops the others where they are."""
    url = base_url or repository_url()
    stopping = Event()

    def advance(count: int) -> None:
        if stopping.is_set():
            raise CancelledError
        progress(count)

    with open_client() as client, ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
        futures = [pool.submit(fetch, client, url, artefact, cached_path(artefact), advance) for artefact in artefacts]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def total_bytes(artefacts: tuple[Artefact, ...], base_url: str) -> int | None:
    """What is left to download, asked of the server; ``None`` if it does not tell."""
    with open_client() as client, ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
        sizes = list(pool.map(lambda artefact: _content_length(client, f"{base_url}/{artefact.path}"), artefacts))
    return sum(size for size in sizes if size is not None) if None not in sizes else None


def _is_damaged(artefact: Artefact) -> bool:
    target = cached_path(artefact)
    return target.is_file() and sha256_of(target) != artefact.sha256


def _content_length(client: httpx.Client, url: str) -> int | None:
    try:
        response = client.head(url)
    except httpx.TransportError:  # the download that follows reports it, with a hint
        return None
    length = response.headers.get("content-length", "")
    return int(length) if response.is_success and length.isdigit() else None


@contextmanager
def exclusive_cache(when_waiting: Callable[[], None]) -> Iterator[None]:
    """Two set-ups at the same time, of two clones, take turns instead of writing into one ``.part``."""
    with (paths.cache_dir() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
