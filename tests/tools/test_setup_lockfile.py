"""The lock of JVM artefacts, and where they are downloaded from."""

from pathlib import Path

import pytest

from kairos.errors import KairosError
from kairos.local.artefacts import locked
from kairos.local.lockfile import parse_line, read_lock, write_lock
from kairos.local.mirrors import MAVEN_CENTRAL, repository_url

SHA = "0123456789abcdef" * 4


def test_the_lock_of_this_repository_holds_the_connector_the_broker_and_a_logging_binding() -> None:
    artefacts = locked()
    names = {artefact.name for artefact in artefacts}
    assert [artefact.name for artefact in artefacts if artefact.role == "connector"] == ["flink-sql-connector-kafka"]
    assert {"kafka_2.13", "kafka-clients", "scala-library", "log4j-slf4j-impl"} <= names
    assert len(names) == len(artefacts)


def test_a_classifier_is_part_of_the_file_name() -> None:
    assert parse_line(f"{SHA}  io.netty:netty-epoll:4.2.1:linux-x86_64  kafka").path == (
        "io/netty/netty-epoll/4.2.1/netty-epoll-4.2.1-linux-x86_64.jar"
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    artefacts = (parse_line(f"{SHA}  a.b:c:1:x  connector"), parse_line(f"{SHA}  d:e:2  kafka"))
    write_lock(tmp_path / "lock", reversed(artefacts), "# header\n")
    assert read_lock(tmp_path / "lock") == artefacts


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("beef  a:b:1  kafka", "'beef' is not a SHA-256"),
        (f"{SHA}  a:b  kafka", "'a:b' is not group:artifact:version"),
        (f"{SHA}  a::1  kafka", "'a::1' is not group:artifact:version"),
        (f"{SHA}  a:b:1  broker", "unknown role 'broker', expected one of connector, kafka"),
        (f"{SHA}  a:b:1", "expected 'sha256  group:artifact:version  role'"),
    ],
)
def test_a_damaged_line_is_named_with_its_number(tmp_path: Path, line: str, complaint: str) -> None:
    lock = tmp_path / "artefacts.lock"
    lock.write_text(f"# comment\n\n{line}\n")
    with pytest.raises(KairosError, match="line 3") as caught:
        read_lock(lock)
    assert complaint in caught.value.message


SETTINGS = """
<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0">
  <mirrors><mirror><id>m</id><mirrorOf>{pattern}</mirrorOf><url>https://maven.example.org/all/</url></mirror></mirrors>
</settings>
"""


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", "https://maven.example.org/all"),
        ("central", "https://maven.example.org/all"),
        ("external:*,!snapshots", "https://maven.example.org/all"),
        ("*,!central", MAVEN_CENTRAL),
        ("jboss", MAVEN_CENTRAL),
    ],
)
def test_the_mirror_of_the_users_maven_settings_is_used_if_it_mirrors_central(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, expected: str
) -> None:
    monkeypatch.delenv("KAIROS_MAVEN_MIRROR", raising=False)
    settings = tmp_path / "settings.xml"
    settings.write_text(SETTINGS.format(pattern=pattern))
    assert repository_url(settings) == expected


def test_the_environment_wins_over_maven_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "settings.xml"
    settings.write_text(SETTINGS.format(pattern="*"))
    monkeypatch.setenv("KAIROS_MAVEN_MIRROR", "https://other.example.org/")
    assert repository_url(settings) == "https://other.example.org"


def test_a_mirror_that_is_no_url_is_an_error_naming_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIROS_MAVEN_MIRROR", "maven.example.org")
    with pytest.raises(KairosError, match=r"KAIROS_MAVEN_MIRROR is 'maven\.example\.org'"):
        repository_url()


@pytest.mark.parametrize("content", [None, "<settings><mirrors>"])
def test_without_usable_maven_settings_it_is_maven_central(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None) -> None:
    monkeypatch.delenv("KAIROS_MAVEN_MIRROR", raising=False)
    if content is not None:
        (tmp_path / "settings.xml").write_text(content)
    assert repository_url(tmp_path / "settings.xml") == MAVEN_CENTRAL
