"""Print ``<version> <path>`` for each CPython >= 3.11 on this machine, the newest patch release of each minor version.

A pyenv shim may stand for a version that is not active, so each candidate is run, and only those that answer count.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROBE = """
import sys, ensurepip, venv
if sys.implementation.name == "cpython" and sys.version_info >= (3, 11) and sys.version_info.releaselevel == "final":
    print(*sys.version_info[:3])
"""
NAME = re.compile(r"python3\.\d+\Z")


def candidates() -> Iterator[Path]:
    """Yield what looks like an interpreter: this one, those on the PATH, those that pyenv built."""
    yield Path(sys.executable)
    for folder in map(Path, os.get_exec_path()):
        if folder.is_dir():
            yield from (entry for entry in sorted(folder.iterdir()) if NAME.match(entry.name))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob("versions/3.*/bin/python"))


def version(python: Path) -> tuple[int, ...]:
    """Ask an interpreter for its version; an empty answer means that it cannot be used."""
    try:
        answer = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(map(int, answer.stdout.split())) if answer.returncode == 0 else ()


def main() -> None:
    """Print one line per minor version."""
    found: dict[tuple[int, ...], tuple[tuple[int, ...], Path]] = {}
    for python in dict.fromkeys(candidates()):
        number = version(python)
        if number and number > found.get(number[:2], ((), python))[0]:
            found[number[:2]] = (number, python)
    for number, python in sorted(found.values()):
        print(".".join(map(str, number)), python)


if __name__ == "__main__":
    main()
