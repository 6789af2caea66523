"""From the write of a file to a reader that sees the new value: eight ways to write, twenty changes each.

Counted along: changes that were never seen, and how often a reader was called per change. dynamic-config-py watches the same
files in the same way, with its debounce set to what ours has by default.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.harness import Row, measure, missing
from trivet import Kernel, Launch
from trivet.config.live import Change
from trivet_plugins.config import files as files_plugin
from trivet_plugins.config import toml as toml_plugin
from trivet_plugins.config import watcher as watcher_plugin

CHANGES: Final = 20
DEBOUNCE: Final = 0.01
LIMIT: Final = 0.015
_PATIENCE: Final = 2.0
_REST: Final = 0.15
"""Seconds between a change that was seen and the next: a second call for the same change has come by then."""
PEER: Final = "dynamic-config-py"


@attrs.frozen
class Section:
    """What is read."""

    value: int = 0


def text(value: int) -> str:
    """Write the file."""
    return f"[section]\nvalue = {value}\n"


# -- ways to write ------------------------------------------------------------------------------------------------------------


def in_place(path: Path, content: str) -> None:
    """Write over the old content."""
    path.write_text(content)


def truncate_then_write(path: Path, content: str) -> None:
    """Empty the file on the disk, then write."""
    with path.open("w") as file:
        file.flush()
        os.fsync(file.fileno())
        file.write(content)


def atomic_rename(path: Path, content: str) -> None:
    """Write another file and rename it, as careful programs do."""
    other = path.with_name("other.tmp")
    other.write_text(content)
    other.replace(path)


def vim_style(path: Path, content: str) -> None:
    """Rename the old file, write a new one, remove the old one."""
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text(content)
    backup.unlink()


def delete_and_create(path: Path, content: str) -> None:
    """Leave a moment without a file."""
    path.unlink()
    path.write_text(content)


def replaced_directory(path: Path, content: str) -> None:
    """Put another directory in the place of the file's."""
    new, old = path.parent.with_name("new"), path.parent.with_name("old")
    new.mkdir()
    (new / path.name).write_text(content)
    path.parent.rename(old)
    new.rename(path.parent)
    shutil.rmtree(old)


def kubernetes_swap(path: Path, content: str) -> None:
    """Turn ``..data`` to a new directory, as the kubelet does with a volume."""
    volume = path.parent
    data = volume / f"..{time.time_ns()}"
    data.mkdir()
    (data / path.name).write_text(content)
    link = volume / "..data_tmp"
    link.symlink_to(data.name)
    old = (volume / "..data").readlink() if (volume / "..data").is_symlink() else None
    link.replace(volume / "..data")
    if old is not None:
        shutil.rmtree(volume / old)


def link_target(path: Path, content: str) -> None:
    """Edit the file that a link leads to."""
    path.resolve().write_text(content)


def plain(root: Path) -> Path:
    """Make a file in a directory of its own."""
    path = root / "etc" / "bench.toml"
    path.parent.mkdir()
    path.write_text(text(0))
    return path


def mounted(root: Path) -> Path:
    """Make what a Kubernetes volume looks like."""
    path = root / "etc" / "bench.toml"
    path.parent.mkdir()
    kubernetes_swap(path, text(0))
    path.symlink_to("..data/bench.toml")
    return path


def linked(root: Path) -> Path:
    """Make a link to a file of another directory."""
    path, target = root / "etc" / "bench.toml", root / "releases" / "bench.toml"
    path.parent.mkdir()
    target.parent.mkdir()
    target.write_text(text(0))
    path.symlink_to(target)
    return path


Write = Callable[[Path, str], None]
WAYS: Final[Mapping[str, tuple[Callable[[Path], Path], Write]]] = {
    "in place": (plain, in_place),
    "truncated, then written": (plain, truncate_then_write),
    "renamed over": (plain, atomic_rename),
    "vim": (plain, vim_style),
    "deleted and created": (plain, delete_and_create),
    "directory replaced": (plain, replaced_directory),
    "..data swapped": (mounted, kubernetes_swap),
    "target of a link": (linked, link_target),
}


# -- who watches --------------------------------------------------------------------------------------------------------------


class Reader:
    """Takes the calls of a watcher, from whatever thread, and waits for a value."""

    def __init__(self) -> None:
        self.calls = 0
        self._value = 0
        self._news = threading.Condition()

    def see(self, value: int) -> None:
        """Be told of a new value."""
        with self._news:
            self.calls += 1
            self._value = value
            self._news.notify_all()

    def wait_for(self, value: int) -> bool:
        """Wait until a value was told; False if it never was."""
        with self._news:
            return self._news.wait_for(lambda: self._value == value, _PATIENCE)


@contextmanager
def trivet_watches(path: Path, reader: Reader) -> Iterator[None]:
    """Run a kernel over the file; no poll passes for an event."""
    launch = Launch(files=[path], environ={}, assignments=("plugins.watcher.poll_interval=600",))
    plugins = [toml_plugin, files_plugin, watcher_plugin]
    from trivet_plugins.config import command_line as command_line_plugin

    kernel = Kernel("bench", plugins=[*plugins, command_line_plugin], discover="none", launch=launch)
    live = kernel.config.bind("section", Section)

    def told(change: Change[Section]) -> None:
        reader.see(change.new.value)

    with kernel.blocking():
        live.subscribe(told)
        yield


@contextmanager
def dynamic_config_watches(path: Path, reader: Reader) -> Iterator[None]:
    """Let dynamic-config-py watch the file."""
    from dynamic_config import DynamicConfig

    section = dataclasses.make_dataclass("Section", [("value", int, 0)], frozen=True)
    config: Any = DynamicConfig(section, "section").file(str(path))
    config.init()
    guard = config.on_reload(lambda _old, new: reader.see(new.value))
    watch = config.watch(debounce=DEBOUNCE)
    try:
        yield
    finally:
        watch.stop()
        del guard


Watching = Callable[[Path, Reader], AbstractContextManager[None]]


@attrs.frozen
class Seen:
    """How one watcher saw one way of writing.

    Args:
        seconds: From the start of each write that was seen to the call.
        calls: Of all changes together.
    """

    seconds: Sequence[float]
    calls: int

    @property
    def median(self) -> float | None:
        """The median time; None where nothing was seen."""
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def missed(self) -> int:
        """Changes that nobody was told of."""
        return CHANGES - len(self.seconds)

    def __str__(self) -> str:
        return f"missed {self.missed}/{CHANGES}, {self.calls / CHANGES:.2f} calls"


def watch(watching: Watching, make: Callable[[Path], Path], write: Write) -> Seen:
    """Make twenty changes in one way."""
    with tempfile.TemporaryDirectory() as folder:
        path, reader, seconds = make(Path(folder)), Reader(), []
        with watching(path, reader):
            time.sleep(0.5)  # what the making of the files still stirs up
            reader.calls = 0
            for value in range(1, CHANGES + 1):
                begun = time.perf_counter()
                write(path, text(value))
                if reader.wait_for(value):
                    seconds.append(time.perf_counter() - begun)
                time.sleep(_REST)
    return Seen(seconds, reader.calls)


def _register(way: str) -> None:
    name = f"change seen: {way}"

    @contextmanager
    def run() -> Iterator[Sequence[Row]]:
        ours = watch(trivet_watches, *WAYS[way])
        goal = f"<= {LIMIT * 1000:g} ms, none missed, 1.0 calls"
        try:
            theirs = watch(dynamic_config_watches, *WAYS[way])
        except ImportError as error:
            yield [missing(name, PEER, goal, error)]
            return
        met = ours.median is not None and ours.median <= LIMIT and not ours.missed and ours.calls == CHANGES
        ratio = ours.median / theirs.median if ours.median and theirs.median else None
        shown = f"ours {ours}; theirs {theirs}"
        yield [
            Row(
                measure=name,
                peer=PEER,
                ours=ours.median,
                theirs=theirs.median,
                ratio=ratio,
                goal=goal,
                shown=shown,
                met=met,
            )
        ]

    measure(name)(functools.wraps(run)(run))


for _way in WAYS:
    _register(_way)
