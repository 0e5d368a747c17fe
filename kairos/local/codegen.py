"""Generates ``kairos/v1/*_pb2.py`` (and their type stubs) from ``proto/kairos/v1/*.proto``.

*Contract*: runs the compiler only when a schema or this generator has changed since the last run. The compiler is
grpcio-tools' (protoc 27): the code of a newer one refuses the protobuf runtime that apache-beam pins.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from kairos.errors import KairosError

_PACKAGE = Path("kairos", "v1")
_INIT = '"""The contract: generated from ``proto/kairos/v1`` by ``kairos setup``. Do not edit."""\n'
_GENERATOR_VERSION = "1"


def generate(root: Path) -> int:
    """Number of schemas compiled; 0 when the generated code is up to date."""
    sources = sorted((root / "proto" / _PACKAGE).glob("*.proto"))
    if not sources:
        raise KairosError(f"No schemas in {root / 'proto' / _PACKAGE}.", "Restore the folder from git.")
    package = root / _PACKAGE
    stamp = package / ".stamp"
    digest = _digest(sources)
    expected = [package / f"{source.stem}_pb2.py" for source in sources]
    if stamp.is_file() and stamp.read_text() == digest and all(file.is_file() for file in expected):
        return 0
    package.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=package, prefix=".new-") as folder:
        _compile(root, sources, Path(folder))
        generated = {file.name: file for file in Path(folder, _PACKAGE).iterdir()}
        for old in package.glob("*_pb2.py*"):  # a schema that was removed must not live on as Python
            if old.name not in generated:
                old.unlink()
        for name, file in generated.items():
            file.replace(package / name)
    (package / "__init__.py").write_text(_INIT, encoding="utf-8")
    stamp.write_text(digest)
    return len(sources)


def _digest(sources: list[Path]) -> str:
    digest = hashlib.sha256(_GENERATOR_VERSION.encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()


def _compile(root: Path, sources: list[Path], target: Path) -> None:
    argv = [
        *(sys.executable, "-m", "grpc_tools.protoc", "-I", "proto"),
        *(f"--python_out={target}", f"--pyi_out={target}"),
        *(str(source.relative_to(root)) for source in sources),
    ]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KairosError(f"The schemas do not compile:\n{done.stderr.strip()}", "Correct the .proto file named above.")
