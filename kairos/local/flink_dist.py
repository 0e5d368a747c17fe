"""The Flink distribution inside the pip package ``apache-flink``, run from a folder of our own.

``<folder>/conf``  the settings of ``deploy/flink/config.yaml``, with those of this machine on top
``<folder>/lib``   links to Flink's jars, its Python bridge and the Kafka connector
``<folder>/log``, ``<folder>/pid``
"""

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from kairos.errors import KairosError
from kairos.local import artefacts, paths
from kairos.local.java import java_environment


def flink_home() -> Path:
    """The folder of the installed ``pyflink``, which has ``bin/``, ``lib/`` and ``opt/``; nothing is imported."""
    spec = importlib.util.find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise KairosError("The Python package apache-flink is not installed.", "Run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations)))


def prepare(folder: Path, settings: Mapping[str, str]) -> None:
    """Fills ``folder``. ``settings``: Flink options that are added to, and win over, the template's."""
    _write_configuration(folder / "conf", settings)
    _link_jars(folder / "lib")
    for name in ("log", "pid", "tmp"):
        (folder / name).mkdir(exist_ok=True)


def environment(folder: Path, python_path: Sequence[Path]) -> dict[str, str]:
    """The environment in which Flink's scripts, and a local PyFlink job, use what ``prepare`` made.

    ``python_path``: what Python finds inside Flink's processes beside this environment's packages.
    """
    return {
        **java_environment(),
        "FLINK_CONF_DIR": str(folder / "conf"),
        "FLINK_LIB_DIR": str(folder / "lib"),
        "FLINK_LOG_DIR": str(folder / "log"),
        "FLINK_PID_DIR": str(folder / "pid"),
        "FLINK_IDENT_STRING": "kairos",
        # The embedded interpreter does not see the environment's packages, nor the links of editable installs.
        "PYTHONPATH": os.pathsep.join([*map(str, python_path), sysconfig.get_path("purelib")]),
        "OPENBLAS_NUM_THREADS": "1",  # one slot is one core: BLAS threads would fight the other TaskManagers
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def machine_settings(folder: Path) -> dict[str, str]:
    """Flink options that only this machine knows: the Python to run and the folders of checkpoints and savepoints."""
    return {
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "execution.checkpointing.dir": (folder / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (folder / "savepoints").as_uri(),
        "io.tmp.dirs": str(folder / "tmp"),
    }


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flink's scripts find some options only when they are written as ``a.b.c: value``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _write_configuration(conf: Path, settings: Mapping[str, str]) -> None:
    conf.mkdir(parents=True, exist_ok=True)
    template = yaml.safe_load((paths.project_root() / "deploy" / "flink" / "config.yaml").read_text(encoding="utf-8"))
    merged = {**flatten(template), **settings}
    (conf / "config.yaml").write_text(yaml.safe_dump(merged, width=10_000), encoding="utf-8")
    for source in (flink_home() / "conf").glob("log*"):
        shutil.copyfile(source, conf / source.name)


def _link_jars(lib: Path) -> None:
    lib.mkdir(parents=True, exist_ok=True)
    home = flink_home()
    wanted = [*home.glob("lib/*.jar"), *home.glob("opt/flink-python*.jar"), *artefacts.jars("connector")]
    for link in lib.iterdir():
        link.unlink()
    for jar in wanted:
        (lib / jar.name).symlink_to(jar)
