"""`Include`: a file, or a pattern of files, that a file names at its top to be read below it.

``include = ["common.toml", "regions/*.toml"]``, or one name alone. Names are relative to the file that says so. A name must be
there; a pattern (``*``, ``?``, ``[...]``, in any part but never over several directories) may match nothing, and what it matches
is read in the order of names: no dot files, and of files in no configuration format what `conf.d` makes of them.
"""

from __future__ import annotations

import fnmatch
import pathlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import attrs

from trivet import Layer, Origin, Problem
from trivet_plugins.config.file_search import Wanted, admitted, is_there, no_format, not_listed

_MAGIC = frozenset("*?[")


@attrs.frozen(eq=False)
class Include:
    """What a file names.

    Args:
        name: As it stands there.
        origin: Gives the place where it stands.
    """

    name: str
    origin: Callable[[], Origin]

    @property
    def is_pattern(self) -> bool:
        """True where it may match any number of files."""
        return not _MAGIC.isdisjoint(self.name)


def take(layer: Layer, key: str) -> tuple[Layer, list[Include]]:
    """Take what a layer includes out of it. A table under the key is a section like any other.

    Args:
        layer: Of one file.
        key: The key; empty: nothing includes.

    Returns:
        The layer without the key, with a problem for each bad name, and what it includes, in order.
    """
    said = layer.data.get(key)
    if not key or key not in layer.data or isinstance(said, Mapping):
        return layer, []
    names = said if isinstance(said, list) else [] if said is None else [said]
    includes: list[Include] = []
    problems: list[Problem] = []
    for index, name in enumerate(names):
        origin = partial(layer.locate, (key, index) if isinstance(said, list) else (key,))
        if refusal := _refusal(name):
            problems.append(Problem(refusal, origin(), (key,)))
        else:
            includes.append(Include(name, origin))
    rest = {other: value for other, value in layer.data.items() if other != key}
    return attrs.evolve(layer, data=rest, problems=(*layer.problems, *problems)), includes


def _refusal(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        return 'expected the name of a file, or a list of names like ["common.toml", "regions/*.toml"]'
    if "${" in name:
        return "references are resolved when all files are read, so they cannot say which: write the name itself"
    if "**" in name:
        return "** is no pattern here: name each directory, like regions/*.toml"
    return ""


@attrs.frozen
class Found:
    """What an include leads to.

    Args:
        files: To read, in order.
        watch: Files and directories whose change may change that.
    """

    files: tuple[Wanted, ...]
    watch: tuple[pathlib.Path, ...]


def expand(include: Include, by: Wanted, suffixes: tuple[str, ...]) -> Found:
    """Find what a file includes.

    Args:
        include: What it names.
        by: The file. What it includes has its priority.
        suffixes: Of files that can be read.
    """
    if include.is_pattern:
        return _matches(include, by, suffixes)
    path = by.path.parent / include.name
    refusal = "" if path.suffix.lower() in suffixes else no_format(path, suffixes)
    return Found((_wanted(path, by, refusal),), (path,))


def _matches(include: Include, by: Wanted, suffixes: tuple[str, ...]) -> Found:
    watch: list[pathlib.Path] = []
    refused: list[Wanted] = []
    paths = [by.path.parent]
    for part in pathlib.PurePath(include.name).parts:
        directories, paths = paths, []
        if _MAGIC.isdisjoint(part):
            paths = [directory / part for directory in directories]
            continue
        watch += directories
        for directory in directories:
            try:
                paths += _matching(directory, part)
            except OSError as exc:
                refused.append(_wanted(directory, by, not_listed(exc)))
    there = [_wanted(path, by) for path in sorted(paths, key=lambda path: path.parts) if is_there(path)]
    files = (*refused, *(one for each in there for one in admitted(each, suffixes)))
    return Found(files, (*(one.path for one in files), *watch))


def _wanted(path: pathlib.Path, by: Wanted, refusal: str = "") -> Wanted:
    return Wanted(path, f"include {path.name}", by.priority, refusal)


def _matching(directory: pathlib.Path, pattern: str) -> Iterator[pathlib.Path]:
    try:
        names = [entry.name for entry in directory.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if fnmatch.fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith(".")):
            yield directory / name
