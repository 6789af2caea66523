"""`HighWater`: the highest generation of each document's manifest that was ever in force: an older one is a rollback.

The file is JSON, ``{"version": 1, "marks": {"/etc/orders/base.toml": 7}}``. Without a file the marks last as long as the process.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from trivet import StartupRefused, durable_file

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

_MAX_BYTES: Final = 1024 * 1024


class HighWater:
    """The marks of a service.

    Args:
        path: The file; None: kept in memory only.

    Raises:
        StartupRefused: if the file is there and cannot be used.
    """

    def __init__(self, path: pathlib.Path | None) -> None:
        self.path = path
        self._marks = dict(_read(path)) if path is not None else {}
        self._seen: dict[str, int] = {}

    def mark(self, document: str) -> int:
        """Return the generation below which a document's manifest is a rollback; 0 where none was ever in force.

        Args:
            document: The document's name; a file's is made absolute.
        """
        return self._marks.get(_name(document), 0)

    def see(self, document: str, generation: int) -> None:
        """Note what may be about to come into force."""
        self._seen[_name(document)] = generation

    def forget(self) -> None:
        """Drop what was noted: it was rejected."""
        self._seen = {}

    def accept(self) -> bool:
        """Raise the marks to what was noted: it is in force. Tell whether any rose."""
        risen = {name: seen for name, seen in self._seen.items() if seen > self._marks.get(name, 0)}
        self._marks.update(risen)
        self._seen = {}
        return bool(risen)

    def write(self) -> None:
        """Write the file. Marks that another process wrote higher stay so.

        Raises:
            OSError: if it cannot be written.
        """
        if self.path is None:
            return
        there = _read(self.path)
        marks = {name: max(there.get(name, 0), self._marks.get(name, 0)) for name in sorted({*there, *self._marks})}
        data = json.dumps({"version": 1, "marks": marks}, indent=2).encode() + b"\n"
        if self.path.exists():
            durable_file.replace(self.path, data)
        else:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            durable_file.create(self.path, data)


def _name(document: str) -> str:
    return document if "://" in document else os.path.abspath(document)  # noqa: PTH100 - links stay as they are


def _read(path: pathlib.Path) -> Mapping[str, int]:
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_MAX_BYTES))
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise StartupRefused(f"{path}: cannot be read: {exc.strerror}; plugins.sealed.marks names it") from None
    except (ValueError, RecursionError):
        document = None
    marks = document.get("marks") if isinstance(document, dict) and document.get("version") == 1 else None
    if not isinstance(marks, dict) or not all(type(one) is int and one >= 0 for one in marks.values()):
        raise StartupRefused(
            f"{path}: no file of marks; restore it, or remove it, and then an older configuration cannot be told from the newest"
        )
    return marks
