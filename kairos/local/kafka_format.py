"""Formats a broker's storage. Kafka's own tool takes a JVM start, so its result is kept and copied.

What it writes (``meta.properties``, ``bootstrap.checkpoint``) depends on the Kafka version and the node's id, not
on ports or paths: one formatted folder in the cache serves every embedded broker.
"""

import shutil
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from kairos.errors import KairosError
from kairos.local import paths
from kairos.local.artefacts import classpath, locked
from kairos.local.java import find_java


def format_storage(config: Path, log_dir: Path) -> None:
    """Makes ``log_dir`` the storage of node 1 of a new cluster, unless it is formatted already."""
    if (log_dir / "meta.properties").is_file():
        return
    try:
        shutil.copytree(_template(config), log_dir, dirs_exist_ok=True)
    except OSError as error:
        raise KairosError(
            f"The broker's data folder {log_dir} cannot be written: {error.strerror or error}.",
            "Choose another folder, or free some space.",
        ) from error


def _template(config: Path) -> Path:
    version = next(artefact.version for artefact in locked() if artefact.group == "org.apache.kafka")
    template = paths.cache_dir() / "kafka-storage" / version
    if not (template / "meta.properties").is_file():
        template.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=template.parent) as folder:
            fresh = Path(folder, "data")
            own = Path(folder, "server.properties")
            lines = [line for line in config.read_text(encoding="utf-8").splitlines() if not line.startswith("log.dirs=")]
            own.write_text("\n".join([*lines, f"log.dirs={fresh}"]) + "\n", encoding="utf-8")
            _run_storage_tool(own)
            try:
                fresh.rename(template)
            except OSError:  # another process was quicker; its result is the same
                shutil.rmtree(fresh, ignore_errors=True)
    return template


def _run_storage_tool(config: Path) -> None:
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    argv = [find_java().executable, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", classpath("kafka")]
    argv += ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(config)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KairosError(f"Kafka's storage could not be formatted:\n{(done.stdout + done.stderr).strip()[-2000:]}")
