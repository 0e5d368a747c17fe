"""The downloader against a real HTTP server that behaves as badly as servers do."""

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from kairos.errors import KairosError
from kairos.local import artefacts, download, setup
from kairos.local.lockfile import Artefact

CONTENT = bytes(range(256)) * 2000  # 512 kB
ARTEFACT = Artefact(hashlib.sha256(CONTENT).hexdigest(), "org.example", "thing", "1.0", "", "kafka")


@dataclass
class Repository:
    """A Maven repository of one file. ``cut_after``: bytes after which each answer breaks off, in turn."""

    url: str = ""
    content: bytes = CONTENT
    status: list[int] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    knows_ranges: bool = True
    drip: str = "-"
    missing: str = "-"


@pytest.fixture
def repository() -> Iterator[Repository]:
    shop = Repository()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(shop.content)))
            self.end_headers()

        def do_GET(self) -> None:
            shop.paths.append(self.path)
            shop.ranges.append(self.headers.get("Range", ""))
            status = shop.status.pop(0) if shop.status else 200
            if f"/{shop.missing}/" in self.path:
                status = 404
            first = int(shop.ranges[-1][len("bytes=") : -1]) if shop.ranges[-1] and shop.knows_ranges else 0
            if first >= len(shop.content):
                status = 416
            body = shop.content[first:] if status == 200 else b""
            self.send_response(206 if first and status == 200 else status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if f"/{shop.drip}/" in self.path:
                with suppress(OSError):
                    for byte in body[:6000]:
                        self.wfile.write(bytes([byte]))
                        time.sleep(0.01)
            cut = shop.cut_after.pop(0) if shop.cut_after else len(body)
            self.wfile.write(body[:cut])
            self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_port}/maven2"
    yield shop
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without their pauses."""
    monkeypatch.setattr(download, "RETRY_PAUSE_S", 0.001)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "thing-1.0.jar"


def fetch(repository: Repository, target: Path) -> int:
    """Returns the bytes reported as progress."""
    reported = 0

    def progress(count: int) -> None:
        nonlocal reported
        reported += count

    with httpx.Client(trust_env=False) as client:
        download.fetch(client, repository.url, ARTEFACT, target, progress)
    return reported


def part_of(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(target.name + ".part")


def test_a_file_is_fetched_from_its_maven_path_and_all_its_bytes_are_reported(repository: Repository, target: Path) -> None:
    assert fetch(repository, target) == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert repository.paths == ["/maven2/org/example/thing/1.0/thing-1.0.jar"]
    assert not part_of(target).exists()


def test_half_a_download_of_an_earlier_run_is_continued(repository: Repository, target: Path) -> None:
    part_of(target).write_bytes(CONTENT[:100_000])
    assert fetch(repository, target) == len(CONTENT) - 100_000
    assert target.read_bytes() == CONTENT
    assert repository.ranges == ["bytes=100000-"]


def test_a_connection_that_breaks_off_twice_is_continued_each_time(repository: Repository, target: Path) -> None:
    repository.cut_after = [200_000, 65_536]
    assert fetch(repository, target) == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert repository.ranges == ["", "bytes=200000-", "bytes=265536-"]


def test_a_server_without_ranges_starts_again(repository: Repository, target: Path) -> None:
    repository.knows_ranges = False
    part_of(target).write_bytes(CONTENT[:1000])
    assert fetch(repository, target) == len(CONTENT) - 1000  # 1000 were taken back
    assert target.read_bytes() == CONTENT


def test_a_whole_file_under_the_name_of_a_part_is_not_fetched_again(repository: Repository, target: Path) -> None:
    part_of(target).write_bytes(CONTENT)
    assert fetch(repository, target) == 0
    assert target.read_bytes() == CONTENT


def test_a_part_with_other_bytes_is_thrown_away_and_fetched_anew(repository: Repository, target: Path) -> None:
    part_of(target).write_bytes(b"garbage" * 1000)
    fetch(repository, target)
    assert target.read_bytes() == CONTENT
    assert repository.ranges == ["bytes=7000-", ""]


def test_a_server_that_is_busy_is_asked_again(repository: Repository, target: Path) -> None:
    repository.status = [503, 429]
    fetch(repository, target)
    assert target.read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing_and_names_both_sums(repository: Repository, target: Path) -> None:
    repository.content = b"something else"
    with pytest.raises(KairosError, match=r"Checksum mismatch for org\.example:thing:1\.0") as caught:
        fetch(repository, target)
    assert ARTEFACT.sha256 in caught.value.message
    assert hashlib.sha256(b"something else").hexdigest() in caught.value.message
    assert not target.exists()
    assert not part_of(target).exists()


def test_a_file_the_mirror_lacks_is_not_asked_for_again_and_names_the_mirror_setting(repository: Repository, target: Path) -> None:
    repository.status = [404] * 10
    with pytest.raises(KairosError, match="answered 404") as caught:
        fetch(repository, target)
    assert "KAIROS_MAVEN_MIRROR" in caught.value.hint
    assert len(repository.paths) == 1


def test_no_network_names_the_url_and_keeps_what_has_come(repository: Repository, target: Path) -> None:
    repository.status = [200] + [503] * 10
    repository.cut_after = [50_000]
    with pytest.raises(KairosError, match=r"thing-1.0.jar could not be downloaded") as caught:
        fetch(repository, target)
    assert "goes on where it stopped" in caught.value.hint
    assert part_of(target).read_bytes() == CONTENT[:50_000]


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full, a disk without space, is Linux'")
def test_a_full_disk_says_so(repository: Repository, target: Path) -> None:
    part_of(target).symlink_to("/dev/full")
    with pytest.raises(KairosError, match="is full") as caught:
        fetch(repository, target)
    assert "KAIROS_CACHE" in caught.value.hint


def test_a_damaged_file_in_the_cache_is_found_and_replaced(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIROS_CACHE", str(tmp_path))
    cached = artefacts.cached_path(ARTEFACT)
    cached.parent.mkdir(parents=True)
    cached.write_bytes(CONTENT[:-1])
    assert artefacts.drop_damaged((ARTEFACT,)) == (ARTEFACT,)
    assert artefacts.missing((ARTEFACT,)) == (ARTEFACT,)
    artefacts.download((ARTEFACT,), lambda _count: None, base_url=repository.url)
    assert artefacts.drop_damaged((ARTEFACT,)) == artefacts.missing((ARTEFACT,)) == ()


def test_setting_up_tells_what_was_damaged_in_the_cache(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAIROS_CACHE", str(tmp_path))
    monkeypatch.setenv("KAIROS_MAVEN_MIRROR", repository.url)
    monkeypatch.setattr(artefacts, "locked", lambda: (ARTEFACT,))
    setup.ensure_artefacts()
    assert "damaged" not in capsys.readouterr().err
    artefacts.cached_path(ARTEFACT).write_bytes(CONTENT[:-1])
    setup.ensure_artefacts()
    printed = capsys.readouterr().err
    assert "1 was damaged (checksum)" in printed
    assert "Downloading 1 JVM artefact from" in printed
    assert artefacts.cached_path(ARTEFACT).read_bytes() == CONTENT


def test_the_first_failure_stops_downloads_that_would_take_long(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIROS_CACHE", str(tmp_path))
    monkeypatch.setattr(artefacts, "_PARALLEL_DOWNLOADS", 2)
    slow = replace(ARTEFACT, name="slow")
    repository.drip = "slow"
    repository.missing = "thing"
    started = time.monotonic()
    with pytest.raises(KairosError, match="answered 404"):
        artefacts.download((slow, ARTEFACT), lambda _count: None, base_url=repository.url)
    assert time.monotonic() - started < 10  # it drips for a minute


def test_the_size_of_what_is_missing_is_asked_of_the_server(repository: Repository) -> None:
    assert artefacts.total_bytes((ARTEFACT,), repository.url) == len(CONTENT)


def test_jars_that_were_never_fetched_say_which_command_fetches_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIROS_CACHE", str(tmp_path))
    with pytest.raises(KairosError, match="1 of 1 connector jars are not in the cache") as caught:
        artefacts.jars("connector")
    assert "kairos setup" in caught.value.hint
