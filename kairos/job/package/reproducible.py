"""Zip files whose bytes depend on their contents alone: sorted, without times, users and the machine's file modes.

>>> import tempfile
>>> folder = Path(tempfile.mkdtemp())
>>> write_zip(folder / "a.zip", {"b.txt": b"2", "a.txt": b"1"})
>>> write_zip(folder / "b.zip", {"a.txt": b"1", "b.txt": b"2"})
>>> (folder / "a.zip").read_bytes() == (folder / "b.zip").read_bytes()
True
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name."""
_UNIX = 3
_LEVEL = 9


def write_zip(target: Path, entries: Mapping[str, bytes], folder: str = "") -> None:
    """``entries``: path inside ``folder`` of the zip → contents. Never leaves half a file behind."""
    part = target.with_name(f"{target.name}.part")
    with zipfile.ZipFile(part, "w") as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(f"{folder}/{name}" if folder else name, _EARLIEST)
            info.create_system = _UNIX
            info.external_attr = 0o100644 << 16
            # Jars and zips are compressed already.
            info.compress_type = zipfile.ZIP_STORED if name.endswith((".zip", ".jar")) else zipfile.ZIP_DEFLATED
            archive.writestr(info, entries[name], compresslevel=_LEVEL)
    part.replace(target)
