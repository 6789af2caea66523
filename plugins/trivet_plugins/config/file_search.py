"""Which files hold configuration: base files, the drop-ins beside them, and the files of the profile."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping

import attrs

from trivet import Launch, LoadContext
from trivet.config.layer import BASE_FILE, DROP_IN, PROFILE_FILE

DROP_IN_DIRECTORY = "conf.d"
_FOREIGN = frozenset(
    {".ini", ".cfg", ".conf", ".env", ".properties", ".json5", ".jsonc", ".hocon", ".xml", ".ron", ".hjson"}
)
"""Suffixes of configuration in formats that nobody reads here: ignoring such a file in ``conf.d`` would be ignoring a wish."""


@attrs.frozen
class Wanted:
    """A file to read.

    Args:
        path: As the user gave it, or as found.
        layer: The layer's name.
        priority: The layer's priority.
        refusal: Why it is not read after all.
    """

    path: pathlib.Path
    layer: str
    priority: int
    refusal: str = ""


@attrs.frozen
class Search:
    """What was found.

    Args:
        files: To read, in order.
        watch: Files and directories whose change may change what is found.
    """

    files: tuple[Wanted, ...]
    watch: tuple[pathlib.Path, ...]


def search(context: LoadContext) -> Search:
    """Find the files of a kernel. Touches directories only."""
    launch, suffixes = context.launch, tuple(context.formats)
    bases, watch = _bases(context.kernel, launch, suffixes)
    files: list[Wanted] = [*bases]
    seen: set[pathlib.Path] = set()
    for base in bases:
        directory = base.path.parent / DROP_IN_DIRECTORY
        if directory not in seen:
            seen.add(directory)
            watch.append(directory)
            files += _drop_ins(directory, suffixes)
        profiled = [*_profiled(base.path, launch.active_profile(), suffixes)]
        files += [
            Wanted(path, f"profile {launch.active_profile()}", PROFILE_FILE) for path in profiled if is_there(path)
        ]
        watch += profiled
    return Search(tuple(files), (*(wanted.path for wanted in files), *watch))


def directories(context: LoadContext) -> tuple[pathlib.Path, ...]:
    """Return the directories of the base files, each once; without a base file the working directory."""
    bases, _ = _bases(context.kernel, context.launch, tuple(context.formats))
    return tuple(dict.fromkeys(base.path.parent for base in bases)) or (pathlib.Path(),)


def _bases(kernel: str, launch: Launch, suffixes: tuple[str, ...]) -> tuple[list[Wanted], list[pathlib.Path]]:
    if launch.files:
        return [_base(path, suffixes) for path in launch.files], []
    looked: list[pathlib.Path] = []
    for directory in search_path(kernel, launch.environ):
        candidates = [directory / f"{kernel}{suffix}" for suffix in suffixes]
        looked += candidates
        try:
            found = [path for path in candidates if path.is_file()]
        except OSError as exc:
            remedy = f"let user {os.geteuid()} read it, or say --config FILE"
            refusal = f"cannot be searched: {exc.strerror or type(exc).__name__}; {remedy}"
            return [Wanted(directory, "base", BASE_FILE, refusal)], looked
        if len(found) > 1:
            names = " and ".join(path.name for path in found)
            return [
                Wanted(found[0], "base", BASE_FILE, f"{names} are both here: keep one, or say --config FILE")
            ], looked
        if found:
            return [_base(found[0], suffixes)], looked
    return [], looked


def is_there(path: pathlib.Path) -> bool:
    """Tell whether a file is to be read."""
    try:
        return path.exists()
    except OSError:  # it may not be looked at: reading it will say why, and it is not passed over
        return True


def _base(path: pathlib.Path, suffixes: tuple[str, ...]) -> Wanted:
    known = path.suffix.lower() in suffixes
    return Wanted(path, "base", BASE_FILE, "" if known else no_format(path, suffixes))


def search_path(kernel: str, environ: Mapping[str, str]) -> Iterator[pathlib.Path]:
    """Yield the directories where a base file is looked for; the first that has one wins."""
    yield pathlib.Path()
    home = environ.get("XDG_CONFIG_HOME")
    yield (
        pathlib.Path(home) if home else pathlib.Path(environ.get("HOME") or pathlib.Path.home()) / ".config"
    ) / kernel
    yield pathlib.Path("/etc") / kernel


def _drop_ins(directory: pathlib.Path, suffixes: tuple[str, ...]) -> Iterator[Wanted]:
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except FileNotFoundError:
        return
    except OSError as exc:
        yield Wanted(directory, DROP_IN_DIRECTORY, DROP_IN, not_listed(exc))
        return
    for name in names:
        path = directory / name
        if not name.startswith("."):
            yield from admitted(Wanted(path, f"drop-in {name}", DROP_IN), suffixes)


def not_listed(exc: OSError) -> str:
    """Say that a directory cannot be listed."""
    remedy = f"; let user {os.geteuid()} read it" if isinstance(exc, PermissionError) else ""
    return f"cannot be listed: {exc.strerror or type(exc).__name__}{remedy}"


def admitted(wanted: Wanted, suffixes: tuple[str, ...]) -> Iterator[Wanted]:
    """Yield what is wanted of a file that nobody named: nothing of ``README`` and ``x.bak``, a refusal of ``x.ini``."""
    suffix = wanted.path.suffix.lower()
    if _is_directory(wanted.path):
        return
    if suffix in suffixes:
        yield wanted
    elif suffix in _FOREIGN:
        yield attrs.evolve(wanted, refusal=no_format(wanted.path, suffixes))


def _is_directory(path: pathlib.Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # as above
        return False


def _profiled(base: pathlib.Path, profile: str | None, suffixes: Iterable[str]) -> Iterator[pathlib.Path]:
    if profile:
        for suffix in suffixes:
            yield base.with_name(f"{base.stem}.{profile}{suffix}")


def no_format(path: pathlib.Path, suffixes: tuple[str, ...]) -> str:
    """Say that no format reads a file."""
    known = ", ".join(suffixes) or "none: no format plugin runs"
    return f"no format reads {path.suffix or 'a file without suffix'!s}; known suffixes are {known}"
