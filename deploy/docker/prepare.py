"""Runs while the image is built: fetches the Kafka connector of the lock, checks its SHA-256, and generates the contract.

``python prepare.py FOLDER``: the jar is put into FOLDER.
"""

import shutil
import sys
from pathlib import Path

from kairos.local import artefacts, codegen, paths


def main(folder: Path) -> None:
    """Raises ``KairosError`` if a download fails or is not what the lock says."""
    codegen.generate(paths.project_root())
    connectors = tuple(artefact for artefact in artefacts.locked() if artefact.role == "connector")
    artefacts.drop_damaged(connectors)
    artefacts.download(artefacts.missing(connectors), lambda _count: None)
    folder.mkdir(parents=True, exist_ok=True)
    for jar in artefacts.jars("connector"):
        shutil.copyfile(jar, folder / jar.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
