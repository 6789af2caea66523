"""`Schema`: the sections that are bound, as one: what may stand where, and which of it is secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from trivet.config import shape
from trivet.config.origin import Path, dotted

_DEPTH = 8  # of names offered as did-you-mean; deeper ones come from classes that hold themselves


@attrs.frozen
class PluginLists:
    """What the kernel itself reads in ``[plugins]``, beside the sections of the providers.

    Args:
        enable: Plugins to load beyond the built-in ones, by name.
        block: Plugins and providers to leave out, by name or id.
    """

    enable: tuple[str, ...] = ()
    block: tuple[str, ...] = ()


def section_path(text: str) -> tuple[str, ...]:
    """Return the path of a section.

    Raises:
        ValueError: if a part is empty.
    """
    parts = tuple(text.split("."))
    if not all(parts):
        raise ValueError(f"a section is named like 'database' or 'plugins.watcher', got {text!r}")
    return parts


class Schema:
    """Bound sections by path.

    Args:
        lenient: Take names that no section has in lower case, as long as not all sections are known.
    """

    def __init__(self, sections: Mapping[tuple[str, ...], type], *, lenient: bool = False) -> None:
        self.sections = dict(sections)
        self.lenient = lenient
        self._inner = {path[:end] for path in sections for end in range(len(path))} | {(), ("plugins",)}
        self._lists = shape.fields(PluginLists)

    def is_inner(self, path: Path) -> bool:
        """Tell whether sections lie below this path, but none at it."""
        return path in self._inner

    def keys(self, path: Path) -> list[str] | None:
        """Return the keys known below a path; None where anything may stand."""
        if self.is_inner(path):
            depth = len(path)
            found = {section[depth] for section in self.sections if len(section) > depth and section[:depth] == path}
            return sorted(found | (set(self._lists) if path == ("plugins",) else {"plugins"} if not path else set()))
        classes = [one for kind in self.types(path) for one in shape.alternatives(kind) if shape.is_class(one)]
        return sorted({key for cls in classes for key in shape.fields(cls)}) if classes else None

    def types(self, path: Path) -> tuple[Any, ...]:
        """Return the types that may stand at a path; empty where nothing may."""
        for end in range(1, len(path) + 1):
            if path[:end] in self.sections:
                return self._below(self.sections[path[:end]], path[end:])  # type: ignore[index]  # it was just found
        if path[:1] == ("plugins",) and len(path) > 1 and path[1] in self._lists:
            return self._below(self._lists[str(path[1])].type, path[2:])
        return ()

    def _below(self, kind: Any, path: Path) -> tuple[Any, ...]:  # noqa: ANN401 - types are of any kind
        kinds: tuple[Any, ...] = (kind,)
        for part in path:
            kinds = tuple(one for kind in kinds for one in shape.below(kind, part))
        return kinds

    def has(self, path: Path) -> bool:
        """Tell whether something may stand at a path."""
        return self.is_inner(path) or bool(self.types(path))

    def is_secret(self, path: Path) -> bool:
        """Tell whether the schema calls the value at a path, or a container around it, a secret."""
        for end in range(1, len(path) + 1):
            for kind in self.types(path[:end]):
                if shape.holds_secret(kind):
                    return True
            for cls in self._classes(path[: end - 1]):
                field = shape.fields(cls).get(str(path[end - 1]))
                if field is not None and field.secret:
                    return True
        return False

    def strategy(self, path: Path) -> str | None:
        """Return how the lists that layers have at a path are combined; None where the strongest replaces the others."""
        for cls in self._classes(path[:-1]):
            field = shape.fields(cls).get(str(path[-1]))
            if field is not None and field.merge is not None:
                return field.merge
        return None

    def _classes(self, path: Path) -> Iterator[type]:
        for kind in self.types(path):
            yield from filter(shape.is_class, shape.alternatives(kind))

    def owner(self, path: Path) -> type | None:
        """Return the class whose fields stand below a path, or None."""
        return next(self._classes(path), None)

    def takes_table(self, path: Path) -> bool:
        """Tell whether a table may stand at a path: then text there is JSON."""
        return self.is_inner(path) or any(
            shape.is_class(one) or shape.is_mapping(one)
            for kind in self.types(path)
            for one in shape.alternatives(kind)
        )

    def match(self, parts: Sequence[str]) -> Path | None:
        """Find the path of a field by case-insensitive names; see `SchemaView.match`."""
        path: Path = ()
        for part in parts:
            step = self._step(path, part)
            if step is None:
                return (*path, *(part.lower() for part in parts[len(path) :])) if self.lenient else None
            path = (*path, step)
        return path

    def _step(self, path: Path, part: str) -> str | int | None:
        keys = self.keys(path)
        if keys is not None:
            return next((key for key in keys if key.lower() == part.lower()), None)
        kinds = [one for kind in self.types(path) for one in shape.alternatives(kind)]
        if part.isdigit() and any(shape.is_list(one) for one in kinds):
            return int(part)
        if any(one in {Any, object} or shape.is_mapping(one) for one in kinds):
            return part.lower()
        return None

    def suggest(self, parts: Sequence[str]) -> str | None:
        """Return the dotted path that looks most like the parts, or None."""
        known = {dotted(path).lower(): dotted(path) for path in self.paths()}
        match = difflib.get_close_matches(".".join(parts).lower(), known, n=1, cutoff=0.6)
        return known[match[0]] if match else None

    def paths(self) -> Iterator[Path]:
        """Yield the paths of all sections and fields."""
        for path, cls in self.sections.items():
            yield path
            yield from _fields(path, cls)
        yield from (("plugins", key) for key in self._lists)


def _fields(path: Path, cls: type) -> Iterable[Path]:
    for key, field in shape.fields(cls).items():
        yield (*path, key)
        if len(path) < _DEPTH:
            for one in shape.alternatives(field.type):
                if shape.is_class(one):
                    yield from _fields((*path, key), one)
