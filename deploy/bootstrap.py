#!/usr/bin/env python3
"""From an empty clone to a working environment: ``python3 deploy/bootstrap.py``, or any ``make`` target.

Looks whether Flink is built for this Python, and leaves the rest to installing.py. Every Python back to 2.7 must understand this file, to tell
which one is needed instead: ASCII, no annotations, no f-strings.
"""

import runpy
import sys


def main():
    """Hand over, or leave with advice."""
    if not fits(sys.version_info[:2]):
        this = ".".join(str(part) for part in sys.version_info[:3]) + ", " + sys.executable
        sys.stderr.write("error: Kairos needs Python 3.11 or 3.12, for which Apache Flink is built; this is " + this + ".\n")
        sys.stderr.write("Install one of them, or name it: make PYTHON=/path/to/python3.12 demo\n")
        sys.exit(1)
    from pathlib import Path  # Python 2 has none

    runpy.run_path(str(Path(__file__).resolve().with_name("installing.py")), run_name="__main__")


def fits(version):
    """Flink is built for this version of Python."""
    return (3, 11) <= tuple(version) <= (3, 12)


if __name__ == "__main__":
    main()
