"""`Cgroup`: what the kernel of the operating system allows this process's container, and what it uses (cgroup v2).

``psutil`` tells of the machine. In a container that is the wrong answer: a process is killed at its own limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path("/sys/fs/cgroup")
PROC: Final = Path("/proc")
_UNLIMITED: Final = "max"


@attrs.frozen
class Cgroup:
    """One cgroup, and those above it up to the root, whose limits hold as well.

    Args:
        root: Where cgroup v2 is mounted.
        path: Of the cgroup below it; ``/`` is the root itself.
    """

    root: Path = ROOT
    path: str = "/"

    @classmethod
    def own(cls, root: Path = ROOT, proc: Path = PROC) -> Cgroup:
        """Return this process's cgroup; the root's where there is no cgroup v2."""
        lines = read(proc / "self" / "cgroup").splitlines()
        return cls(root, next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/"))

    @property
    def directory(self) -> Path:
        """Where its files are. In a container that sees only its own part, the mounted root is it."""
        inside = self.root / self.path.strip("/")
        return inside if inside.is_dir() else self.root

    def lineage(self) -> Iterator[Path]:
        """Yield its directory and those above it, up to the root."""
        directory = self.directory
        yield directory
        yield from (parent for parent in directory.parents if parent.is_relative_to(self.root))

    def text(self, name: str) -> str:
        """Return what a file says; empty where it is not there."""
        return read(self.directory / name)

    def number(self, name: str) -> int | None:
        """Return what a file of one number says; None where it is not there, or says that there is no limit."""
        text = self.text(name)
        return int(text) if text.isdecimal() else None

    def table(self, name: str) -> Mapping[str, int]:
        """Return a file of ``name value`` lines."""
        pairs = (line.split() for line in self.text(name).splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}

    def cpu_limit(self) -> float | None:
        """Return how many CPUs' time it may take, by its own limit or a tighter one above; None: no limit."""
        found = []
        for directory in self.lineage():
            quota, _, period = read(directory / "cpu.max").partition(" ")
            if quota.isdecimal() and period.isdecimal() and int(period):
                found.append(int(quota) / int(period))
        return min(found, default=None)

    def memory_limits(self) -> Iterator[tuple[int, int]]:
        """Yield available bytes and limit of each cgroup of the lineage that has a limit.

        Page cache that can be dropped at once counts as available, as for the kubelet.
        """
        for directory in self.lineage():
            limit = read(directory / "memory.max")
            if limit.isdecimal() and int(limit):
                stat = Cgroup(directory).table("memory.stat")
                used = int(read(directory / "memory.current") or 0) - stat.get("inactive_file", 0)
                yield max(0, int(limit) - used), int(limit)

    def io_bytes(self) -> tuple[int, int]:
        """Return the bytes read and written, over all devices."""
        fields = [field for line in self.text("io.stat").splitlines() for field in line.split()[1:]]
        pairs = [field.partition("=")[::2] for field in fields]
        return (
            sum(int(value) for name, value in pairs if name == "rbytes"),
            sum(int(value) for name, value in pairs if name == "wbytes"),
        )


def pressure(text: str) -> Mapping[str, float]:
    """Return the seconds in which ``some`` or all (``full``) tasks waited for a resource.

    Args:
        text: A pressure stall file: ``some avg10=0.00 avg60=0.00 avg300=0.00 total=12345``, microseconds.
    """
    found: dict[str, float] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        total = rest.rpartition("total=")[2]
        if total.isdecimal():
            found[kind] = int(total) / 1e6
    return found


def read(path: Path) -> str:
    """Return a file's text without the blanks at its end; empty where it cannot be read: not every kernel has every file."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
