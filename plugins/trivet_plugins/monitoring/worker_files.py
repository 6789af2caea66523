"""`WorkerFiles`: a directory where each process keeps what it holds, and finds what the others do.

A process holds a lock on its file while it lives; the kernel drops it however the process ends. Who finds a file without
its owner adds what lasts to ``dead.json`` and removes the file. ``dead.json`` names the files that are in it, so that
nothing is added twice if the process that does it is killed in between.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from trivet_plugins.monitoring.family_state import LASTING, Merge, State, dump

_DEAD: Final = "dead.json"


class WorkerFiles:
    """The files of all processes of a service.

    Args:
        directory: On a local file system; made where it is missing.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._stem = f"{os.getpid()}-{secrets.token_hex(4)}"
        with self._alone():  # nobody must see the file before it is locked
            self._lock = os.open(self._path(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Let the others see that this process has ended."""
        os.close(self._lock)

    def write(self, state: State) -> None:
        """Keep what this process holds.

        Raises:
            OSError: if it cannot be written.
        """
        _replace(self._path(".json"), state)

    def others(self) -> Iterator[tuple[str, State]]:
        """Yield what every other process holds, with its id, and what the dead have left, with an empty one.

        Raises:
            OSError: if it cannot be read or written.
        """
        with self._alone():
            for lock in sorted(self._directory.glob("*.lock")):
                stem = lock.stem
                if stem in (self._stem, "all"):
                    continue
                if _is_dead(lock):
                    self._bury(stem)
                else:
                    state = _read(self._directory / f"{stem}.json")
                    if state is not None:
                        yield stem.partition("-")[0], state
            yield "", (_read(self._directory / _DEAD) or {"state": []})["state"]

    def _bury(self, stem: str) -> None:
        """Add what a dead process has left to that of the others."""
        dead = _read(self._directory / _DEAD) or {"buried": [], "state": []}
        state = _read(self._directory / f"{stem}.json")
        if state is not None and stem not in dead["buried"]:
            merge = Merge({}, "sum")
            merge.add(dead["state"], "")
            merge.add([held for held in state if held["kind"] in LASTING], "")
            there = [name for name in dead["buried"] if (self._directory / f"{name}.json").exists()]
            _replace(self._directory / _DEAD, {"buried": [*there, stem], "state": dump(merge.families())})
        (self._directory / f"{stem}.json").unlink(missing_ok=True)
        (self._directory / f"{stem}.lock").unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._directory / "all.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _path(self, suffix: str) -> Path:
        return self._directory / f"{self._stem}{suffix}"


def _is_dead(lock: Path) -> bool:
    with lock.open("rb") as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _read(path: Path) -> Any:  # noqa: ANN401 - a state, or the dead's
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None  # it has not written yet


def _replace(path: Path, content: object) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content))
    temporary.replace(path)
