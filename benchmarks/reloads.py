"""Reloads: what one costs when little has changed, what threads read meanwhile, and whether every value has its place."""

from __future__ import annotations

import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import anyio
import attrs
import tomli_w
import yaml

from benchmarks.harness import Count, Row, at_most, measure, missing
from trivet import Kernel, Launch
from trivet_plugins.config import files as files_plugin
from trivet_plugins.config import toml as toml_plugin
from trivet_plugins.config import yaml as yaml_plugin
from trivet_plugins.config.json import Json
from trivet_plugins.config.toml import Toml
from trivet_plugins.config.yaml import Yaml

SECTIONS: Final = 100
KEYS: Final = 100
ROUNDS: Final = 15
RELOADS: Final = 1_000
PEER_RELOADS: Final = 100
READERS: Final = 3

Many: Any = attrs.make_class("Many", {f"key_{number}": attrs.field(type=int) for number in range(KEYS)}, frozen=True)


# -- one of a hundred sections ------------------------------------------------------------------------------------------------


def tree(changed: int, value: int) -> dict[str, dict[str, int]]:
    """Make a hundred sections, one of which has another value."""
    names = [f"key_{number}" for number in range(KEYS)]
    sections = {f"section_{number}": dict.fromkeys(names, 1) for number in range(SECTIONS)}
    sections[f"section_{changed}"]["key_7"] = value
    return sections


def write_one(folder: Path, changed: int, value: int) -> list[Path]:
    """Write all sections to one TOML file."""
    path = folder / "bench.toml"
    path.write_text(tomli_w.dumps(tree(changed, value)))
    return [path]


def write_many(folder: Path, changed: int, value: int) -> list[Path]:
    """Write each section to a file of its own, and leave alone those that stay as they are."""
    paths = []
    for name, section in tree(changed, value).items():
        path = folder / f"{name}.toml"
        content = tomli_w.dumps({name: section})
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
        paths.append(path)
    return paths


def write_yaml(folder: Path, changed: int, value: int) -> list[Path]:
    """Write all sections to one YAML file."""
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(tree(changed, value), sort_keys=False))
    return [path]


Write = Callable[[Path, int, int], list[Path]]


def kernel_of(paths: Sequence[Path], plugin: ModuleType) -> tuple[Kernel, list[Any]]:
    """Make a kernel with all sections bound."""
    launch = Launch(files=paths, environ={})
    kernel = Kernel("bench", plugins=[files_plugin, plugin], discover="none", launch=launch)
    return kernel, [kernel.config.bind(f"section_{number}", Many) for number in range(SECTIONS)]


async def one_of_many(write: Write, plugin: ModuleType) -> tuple[list[float], list[float]]:
    """Time reloads with one change, and full loads of the same files by another kernel, in turns."""
    reloads, loads = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kernel, lives = kernel_of(write(folder, 0, 1), plugin)
        async with kernel.configured():
            for round_ in range(2, ROUNDS + 2):
                changed = round_ % SECTIONS
                before = [live.current for live in lives]
                paths = write(folder, changed, round_)
                begun = time.perf_counter()
                outcome = await kernel.config.reload()
                reloads.append(time.perf_counter() - begun)
                kept = [live.current is old for live, old in zip(lives, before, strict=True)]
                assert outcome.applied
                assert lives[changed].current.key_7 == round_
                assert not kept[changed]
                assert kept.count(False) <= 2, (
                    kept
                )  # the one that changes, and that of the last round, which changes back
                begun = time.perf_counter()
                other, _ = kernel_of(paths, plugin)
                async with other.configured():
                    loads.append(time.perf_counter() - begun)
    return reloads, loads


def _compare(name: str, write: Write, plugin: ModuleType) -> None:
    @measure(name)
    @contextmanager
    def run() -> Iterator[Sequence[Row]]:
        reloads, loads = anyio.run(one_of_many, write, plugin)
        ours, theirs = statistics.median(reloads), statistics.median(loads)
        ratio = statistics.median(mine / other for mine, other in zip(reloads, loads, strict=True))
        goal = at_most(0.4)
        yield [
            Row(
                measure=name,
                peer="full load",
                ours=ours,
                theirs=theirs,
                ratio=ratio,
                goal=str(goal),
                shown=goal.show(ratio),
                met=ratio <= goal.ratio,
            )
        ]


_compare("reload, 1 of 100 sections changed, TOML", write_one, toml_plugin)
_compare("reload, 1 of 100 sections changed, YAML", write_yaml, yaml_plugin)
_compare("reload, 1 of 100 sections changed, a TOML file each", write_many, toml_plugin)


# -- readers during reloads ---------------------------------------------------------------------------------------------------


@attrs.frozen
class Pair:
    """Two values that belong together."""

    one: int = 0
    two: int = 0


class Readers:
    """Threads that read pairs until they are stopped, and count what is wrong with them.

    Args:
        read: Gives a pair.
    """

    def __init__(self, read: Callable[[], tuple[int, int]]) -> None:
        self._read = read
        self._done = threading.Event()
        self.reads, self.errors, self.torn = [0] * READERS, [0] * READERS, [0] * READERS

    def _run(self, number: int) -> None:
        while not self._done.is_set():
            self.reads[number] += 1
            try:
                one, two = self._read()
            except Exception:  # noqa: BLE001 - that a read fails is what is counted
                self.errors[number] += 1
            else:
                self.torn[number] += one != two

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let them read while the block runs."""
        threads = [threading.Thread(target=self._run, args=(number,)) for number in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def __str__(self) -> str:
        reads = sum(self.reads)
        return f"{sum(self.errors) / reads:.1%} errors, {sum(self.torn) / reads:.1%} torn of {reads:,} reads"


async def trivet_reloads() -> Readers:
    """Reload a thousand times from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.toml")
        path.write_text("[pair]\none = 0\ntwo = 0\n")  # noqa: ASYNC240 - a benchmark, a few bytes
        launch = Launch(files=[path], environ={})
        kernel = Kernel("bench", plugins=[files_plugin, toml_plugin], discover="none", launch=launch)
        live = kernel.config.bind("pair", Pair)

        def read() -> tuple[int, int]:
            pair = live.current
            return pair.one, pair.two

        readers = Readers(read)
        async with kernel:
            with readers.reading():
                for value in range(1, RELOADS + 1):
                    path.write_text(f"[pair]\none = {value}\ntwo = {value}\n")  # noqa: ASYNC240 - as above
                    outcome = await kernel.config.reload()
                    assert outcome.changed
    return readers


def dynaconf_reloads() -> Readers:
    """Reload dynaconf from a file: fewer times, for a tenth shows it."""
    from dynaconf import Dynaconf

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.toml")
        path.write_text("[pair]\none = 0\ntwo = 0\n")
        settings = Dynaconf(settings_files=[str(path)])
        assert settings.pair.one == 0

        def read() -> tuple[int, int]:
            pair = settings.pair
            return pair.one, pair.two

        readers = Readers(read)
        with readers.reading():
            for value in range(1, PEER_RELOADS + 1):
                path.write_text(f"[pair]\none = {value}\ntwo = {value}\n")
                settings.reload()
    return readers


@measure("readers during reloads: errors and torn pairs")
@contextmanager
def readers_during_reloads() -> Iterator[Sequence[Row]]:
    """Count what three threads get to read that they should not."""
    name, goal = "readers during reloads: errors and torn pairs", "0"
    ours = anyio.run(trivet_reloads)
    bad = sum(ours.errors) + sum(ours.torn)
    try:
        theirs = dynaconf_reloads()
    except ImportError as error:
        yield [missing(name, "dynaconf", goal, error)]
        return
    shown = f"ours {ours} in {RELOADS:,} reloads; theirs {theirs} in {PEER_RELOADS}"
    their_bad = sum(theirs.errors) + sum(theirs.torn)
    row = Row(
        measure=name,
        peer="dynaconf",
        ours=bad,
        theirs=their_bad,
        ratio=None,
        goal=goal,
        shown=shown,
        met=not bad,
        timed=False,
    )
    yield [row]


# -- places -------------------------------------------------------------------------------------------------------------------

_TEXTS: Final = (
    "",
    "plain",
    "with spaces",
    "a: b # c",
    "'quoted' \"twice\"",
    "tab\tand\nline",
    "ünï",
    "true",
    "0777",
    "- x",
)


def varied(numbers: random.Random) -> object:
    """Make a value of any kind that all three formats can write."""
    return numbers.choice(
        [
            numbers.choice(_TEXTS),
            numbers.randrange(-(10**9), 10**9),
            numbers.random() * 1e6,
            numbers.random() < 0.5,
            [numbers.randrange(100) for _ in range(3)],
            {"x": numbers.choice(_TEXTS), "y": [numbers.choice(_TEXTS), {"z": 1}]},
        ]
    )


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Yield every scalar with its path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


@measure("values without a place, or whose text there is another's")
@contextmanager
def places() -> Iterator[Count]:
    """Write ten thousand varied keys in each format, and read the text at the place of every value again."""
    numbers = random.Random(4711)
    data = {f"group_{group}": {f"key_{key}": varied(numbers) for key in range(100)} for group in range(100)}
    readers: list[tuple[Any, str]] = [(Toml(), "v = {}\n"), (Yaml(), "v: {}\n"), (Json(), '{{"v": {}}}')]
    wrong = total = 0
    for reader, frame in readers:
        text = reader.dump(data)
        document = reader.parse(text)
        spans = document.spans()
        for path, value in leaves(document.data):
            total += 1
            span = spans.get(path)
            if span is None or not _reads_back(reader, frame, text, span, value):
                wrong += 1
    yield Count(wrong, 0, f"none of {total:,} in TOML, YAML, JSON")


def _reads_back(reader: Any, frame: str, text: str, span: Any, value: object) -> bool:
    before = text[: span.start]
    if (span.line, span.column) != (before.count("\n") + 1, span.start - before.rfind("\n")):
        return False
    found = reader.parse(frame.format(text[span.start : span.end])).data["v"]
    return type(found) is type(value) and found == value
