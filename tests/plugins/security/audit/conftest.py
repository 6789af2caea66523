"""Logs on a real disk."""

from __future__ import annotations

import pathlib
import shutil

import attrs
import pytest

from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.entry import AuditEntry
from trivet_plugins.security.audit.journal import Journal, JournalPolicy
from trivet_plugins.security.audit.seed import Seed
from trivet_plugins.security.audit.verification import Verification


def entry(number=0, **values):
    given = {"at": 1_764_000_000.0 + number, "op": "open", "target": f"config a.b{number}", "outcome": "ok"}
    return AuditEntry(**{**given, "actor": "service:orders", "key_id": "9f86d081884c7d65", **values})


@attrs.frozen
class Log:
    """A log and what belongs to it."""

    path: pathlib.Path
    seed: Seed

    def journal(self, **policy):
        return Journal(self.path, kernel="orders", node="web-1", policy=JournalPolicy(**policy))

    def fill(self, count, *, close=True, **policy):
        """Write records one turn after the other, as `count` says, and a checkpoint at the end."""
        journal = self.journal(**policy)
        for turn in [count] if isinstance(count, int) else count:
            journal.commit([entry(number) for number in range(turn)])
        if close:
            journal.checkpoint(forced=True)
        journal.close()
        return self

    def verify(self, *, seed=True, public=True, witnessed=()):
        key = LogDirectory(self.path).public() if public else None
        return Verification(self.path, public=key, seed=self.seed if seed else None, witnessed=witnessed).run()

    @property
    def segments(self):
        return sorted(self.path.glob("*.jsonl"))

    def lines(self):
        return b"".join(path.read_bytes() for path in self.segments).splitlines(keepends=True)

    def copy(self, to):
        shutil.copytree(self.path, to)
        return Log(to, self.seed)


@pytest.fixture
def make_log(tmp_path):
    def make(name="log"):
        path = tmp_path / name
        return Log(path, LogDirectory(path).create("orders"))

    return make


@pytest.fixture
def log(make_log):
    return make_log()
