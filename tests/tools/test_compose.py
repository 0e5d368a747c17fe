"""Docker without an engine: what of the image and of the services can be checked without building or running them."""

import fnmatch
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_job.config import load_config
from kairos.local import flink_dist
from kairos.local.artefacts import locked
from kairos.local.java import java_environment
from kairos.local.kafka import broker_properties
from kairos.local.paths import project_root

ROOT = project_root()
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
OURS = ("topics", "jobmanager", "taskmanager", "job")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def flink_properties(compose: dict[str, Any]) -> dict[str, str]:
    lines = compose["services"]["jobmanager"]["environment"]["FLINK_PROPERTIES"].splitlines()
    return dict(line.split(":", 1) for line in lines)


def _instructions() -> list[tuple[str, str]]:
    """(keyword, rest) of every instruction, comments and line continuations resolved."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def _copied_from_the_context() -> list[str]:
    sources = []
    for keyword, rest in _instructions():
        words = [word for word in shlex.split(rest) if not word.startswith("--")]
        if keyword == "COPY" and "--from=" not in rest:
            sources += words[:-1]
    return sources


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([Path(sys.executable).with_name("hadolint"), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_compose_itself_accepts_the_file() -> None:
    candidates = [["docker", "compose"], ["docker-compose"]]
    works = [
        argv
        for argv in candidates
        if shutil.which(argv[0]) and subprocess.run([*argv, "version"], capture_output=True, check=False).returncode == 0
    ]
    if not works:
        pytest.skip("no docker compose on this machine; it would need no engine")
    done = subprocess.run([*works[0], "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_the_image_copies_is_there_and_let_into_the_build() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = _copied_from_the_context()
    assert {"kairos", "flink_job", "proto", "requirements.txt", "deploy/flink/config.yaml"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        inside = [entry for entry in let_in if source == entry or fnmatch.fnmatch(source, f"{entry}/*") or entry.startswith(f"{source}/")]
        assert inside, f"{source} is left out by .dockerignore"
    for entry in let_in:
        assert (ROOT / entry).exists(), entry


def test_what_the_build_makes_itself_is_left_out() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert rules.index("kairos/v1") > rules.index("!kairos")
    assert "*" in rules


def test_the_image_is_of_the_flink_that_the_python_packages_are_for() -> None:
    (image,) = {rest.split()[-3] for keyword, rest in _instructions() if keyword == "FROM" and "flink:" in rest}
    pinned = re.search(r"^apache-flink==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert image == f"flink:{pinned[1]}-scala_2.12-java17"


def test_every_package_the_build_filters_for_is_pinned() -> None:
    assert re.search(r"^apache-flink-libraries==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    tools = (ROOT / "requirements" / "dev.txt").read_text()
    assert all(re.search(rf"^{name}==", tools, re.MULTILINE) for name in ("grpcio-tools", "setuptools"))


def test_the_step_that_prepares_the_image_fetches_the_locks_connector(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = ROOT / "deploy" / "docker" / "prepare.py"
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    (connector,) = [artefact for artefact in locked() if artefact.role == "connector"]
    (jar,) = tmp_path.iterdir()
    assert jar.name == Path(connector.path).name
    assert hashlib.sha256(jar.read_bytes()).hexdigest() == connector.sha256


@pytest.mark.parametrize("service", OURS)
def test_our_services_are_one_image_with_one_configuration(compose: dict[str, Any], service: str) -> None:
    this, jobmanager = compose["services"][service], compose["services"]["jobmanager"]
    assert (ROOT / this["build"]["context"] / this["build"]["dockerfile"]) == DOCKERFILE
    assert this["platform"] == "linux/amd64"
    for key in ("image", "build", "volumes"):
        assert this[key] == jobmanager[key]
    assert jobmanager["environment"].items() <= this["environment"].items()
    for volume in this["volumes"]:
        source = volume.split(":")[0]
        assert source in compose["volumes"] or (ROOT / source).is_file()


def test_the_jobs_configuration_is_valid_and_names_the_broker_of_the_same_file(compose: dict[str, Any]) -> None:
    mounted = next(
        volume.split(":")[0] for volume in compose["services"]["job"]["volumes"] if volume.endswith("/etc/kairos/kairos.yaml:ro")
    )
    config = load_config(ROOT / mounted, compose["services"]["job"]["environment"])
    host, port = config.kafka.bootstrap_servers.split(":")
    listeners = compose["services"][host]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"://{host}:{port}" in listeners


def test_the_broker_is_of_the_major_version_the_local_one_has_and_not_newer(compose: dict[str, Any]) -> None:
    """What runs in Docker was tested on the local broker. An image of the very version may not be published yet."""
    name, image = compose["services"]["kafka"]["image"].split(":")
    (local,) = {artefact.version for artefact in locked() if artefact.name == "kafka_2.13"}
    assert name == "apache/kafka"
    assert re.fullmatch(r"\d+\.\d+\.\d+", image), "a release, no candidate and nothing that moves"
    image_version, local_version = ([int(part) for part in version.split(".")] for version in (image, local))
    assert image_version[0] == local_version[0]
    assert image_version <= local_version


def test_the_broker_is_set_as_the_local_one_is(compose: dict[str, Any]) -> None:
    """Except for addresses and folders; partitions of internal topics stay Kafka's."""
    local = broker_properties(Path("/data"), 9092, 9093)
    ours = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in compose["services"]["kafka"]["environment"].items()
        if name.startswith("KAFKA_")
    }
    for key in ("process.roles", "node.id", "auto.create.topics.enable", "group.initial.rebalance.delay.ms"):
        assert ours[key] == local[key], key
    for key in [key for key in local if key.endswith(("replication.factor", "min.isr"))]:
        assert ours[key] == local[key], key


def test_settings_of_the_services_are_those_a_local_cluster_gets_from_its_machine(flink_properties: dict[str, str]) -> None:
    """What differs between clusters is set by whoever starts one, everything else stands in deploy/flink/config.yaml."""
    machine = set(flink_dist.machine_settings(Path("/x"))) - {"io.tmp.dirs"}
    addresses = {"rest.address", "rest.bind-address", "jobmanager.bind-host", "taskmanager.bind-host"}
    assert set(flink_properties) == machine | addresses
    assert {flink_properties[key] for key in ("python.executable", "python.client.executable")} == {"/opt/venv/bin/python"}


def test_flink_reads_the_template_with_the_settings_of_the_services(flink_properties: dict[str, str], tmp_path: Path) -> None:
    """By the very scripts with which the image's entry point writes its configuration."""
    home = flink_dist.flink_home()
    shutil.copy(ROOT / "deploy" / "flink" / "config.yaml", tmp_path)
    options = [f"-D{key}={value}" for key, value in flink_properties.items()]
    script = [str(home / "bin" / "config-parser-utils.sh"), str(tmp_path), str(home / "bin"), str(home / "lib"), *options]
    done = subprocess.run(script, capture_output=True, text=True, check=False, env=java_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    written = flink_dist.flatten(yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8")))
    template = flink_dist.flatten(yaml.safe_load((ROOT / "deploy" / "flink" / "config.yaml").read_text(encoding="utf-8")))
    for key, value in {**template, **flink_properties}.items():
        assert str(written[key]).split() == str(value).split(), key


def test_the_topics_are_made_by_a_command_that_exists(compose: dict[str, Any]) -> None:
    python, *arguments = compose["services"]["topics"]["command"]
    assert python == "python"
    done = subprocess.run([sys.executable, *arguments, "--help"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "--config" in done.stdout


def test_the_script_that_submits_is_sound_and_asks_flink_for_what_it_knows(compose: dict[str, Any]) -> None:
    (command,) = compose["services"]["job"]["command"]
    script = ROOT / "deploy" / "docker" / "submit.sh"
    (copied,) = [rest.split()[-1] for keyword, rest in _instructions() if keyword == "COPY" and "submit.sh" in rest]
    assert command == copied
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    shown = subprocess.run(
        [str(flink_dist.flink_home() / "bin" / "flink"), "run", "--help"],
        capture_output=True,
        text=True,
        check=False,
        env=java_environment(),
    ).stdout
    run = next(line for line in script.read_text().splitlines() if "flink run" in line)
    for option in set(re.findall(r"--[a-zA-Z]+", run)) - {"--config"}:
        assert f",{option} " in shown or f",{option}\n" in shown, option
