"""`Selection`: the value at a path inside a section, whatever section of its class it is taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from trivet.config import shape
from trivet.config.origin import Path, dotted, parse_path
from trivet.config.schema import Schema
from trivet.config.tree import same
from trivet.errors import UnknownPathError


@attrs.frozen
class Selection:
    """A path inside a section.

    Args:
        path: From the section on; empty: the section as a whole.
    """

    path: Path = ()

    @classmethod
    def of(cls, section: str, kind: type, path: str) -> Selection:
        """Make the selection of a path.

        Args:
            section: The section's path.
            kind: Its class.
            path: From the section on, e.g. ``pool.size`` or ``hosts[0]``.

        Raises:
            UnknownPathError: if the class has nothing there; names what looks like it.
            ValueError: if it is no path.
        """
        parts, schema = parse_path(path), Schema({(section,): kind})
        if not schema.types((section, *parts)):
            near = schema.suggest([section, *map(str, parts)])
            hint = f"; did you mean {near.partition('.')[2]}?" if near and "." in near else ""
            raise UnknownPathError(f"section {section!r} has no {dotted(parts)}{hint}")
        return cls(parts)

    def value(self, section: object) -> object:
        """Return what is there; None where nothing is, such as the second of one host."""
        found = section
        for part in self.path:
            found = _below(found, part)
        return found

    def same(self, old: object, new: object) -> bool:
        """Tell whether two values are the same; sections keep their object as long as they are."""
        return old is new if not self.path else same(old, new)


def _below(value: object, part: str | int) -> object:
    cls: Any = type(value)
    if shape.is_class(cls):
        field = shape.fields(cls).get(str(part))
        return None if field is None else getattr(value, field.attribute.name)
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, Sequence) and not isinstance(value, str) and isinstance(part, int) and part < len(value):
        return value[part]
    return None
