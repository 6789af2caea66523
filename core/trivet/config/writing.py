"""Writing: the effective configuration as a document of some format, which loads to the same configuration."""

from __future__ import annotations

import bisect
import enum
import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from trivet.config import shape
from trivet.config.contracts import ConfigFormat
from trivet.config.effective import plain
from trivet.config.leaf import walk
from trivet.config.origin import Origin, Path, dotted
from trivet.config.tree import convert
from trivet.errors import TrivetError
from trivet.exit_codes import EX_DATAERR
from trivet.secret import Secret


class ExportError(TrivetError, ValueError):
    """The configuration cannot be written in a format. Says which value is in the way, and which format takes it."""

    exit_code = EX_DATAERR


def reveal(path: Path, value: Any) -> Any:  # noqa: ANN401 - a tree holds anything
    """Return a secret as plain data: what stands in its place where nothing is to be hidden."""
    as_it_is = isinstance(value, str) and not isinstance(value, enum.Enum)
    return value if as_it_is else plain(value, path, frozenset(), reveal)


@attrs.frozen(eq=False, kw_only=True)
class Writer:
    """Writes plain data in one format.

    Args:
        name: The format's name.
        format: The format. What it may say beyond `ConfigFormat`: ``comment``, the mark of a comment that ends with its line, and
            ``nulls = False`` where it has no null.
        head: Lines for the top, where it has comments.
    """

    name: str
    format: ConfigFormat
    head: Sequence[str] = ()

    @property
    def comment(self) -> str:
        """The mark of a comment; empty where the format has none."""
        return str(getattr(self.format, "comment", ""))

    @property
    def has_null(self) -> bool:
        """Whether the format can say null."""
        return bool(getattr(self.format, "nulls", True))

    def write(self, tree: Mapping[str, Any]) -> str:
        """Write a tree.

        Raises:
            ExportError: if the format cannot hold it.
        """
        clean: dict[str, Any] = convert(tree, lambda _, value: _builtin(value))
        try:
            text = self.format.dump(clean)
        except ValueError as exc:
            raise ExportError(f"{self.name} cannot hold this configuration: {_culprit(clean) or exc}") from None
        head = "".join(f"{self.comment} {line}\n" for line in self.head) if self.comment else ""
        return f"{head}\n{text}" if head else text

    def annotate(self, tree: Mapping[str, Any], origins: Mapping[Path, Origin | None]) -> str:
        """Write a tree with the origin of each leaf in a comment at the end of its line.

        Raises:
            ExportError: if the format cannot hold it.
        """
        text = self.write(tree)
        spans = self.format.parse(text).spans()
        lines = text.split("\n")
        ends = [end for end, mark in enumerate(text) if mark == "\n"]
        notes: dict[int, dict[str, None]] = {}
        for path, origin in origins.items():
            if path in spans:
                number = bisect.bisect_left(ends, spans[path].end)
                notes.setdefault(number, {})[_one_line(origin)] = None
        for number, texts in notes.items():
            lines[number] += f"  {self.comment} {', '.join(texts)}"
        annotated = "\n".join(lines)
        if self.format.dump(self.format.parse(annotated).data) != self.format.dump(self.format.parse(text).data):
            raise ExportError(f"{self.name} does not keep comments apart from values; export without origins")
        return annotated


def nest_origins(tree: Any, origins: Mapping[Path, Origin | None], path: Path = ()) -> Any:  # noqa: ANN401 - plain data
    """Return data of the same shape as a tree, with the origin of each leaf in its place."""
    if isinstance(tree, dict) and (tree or not path):
        return {key: nest_origins(value, origins, (*path, key)) for key, value in tree.items()}
    if isinstance(tree, list) and tree:
        return [nest_origins(value, origins, (*path, index)) for index, value in enumerate(tree)]
    return _one_line(origins[path])


def without_nulls(value: Any, data: Any, path: Path) -> Any:  # noqa: ANN401 - as above
    """Leave out the keys whose null is their default, for a format that has no null.

    Args:
        value: A typed value.
        data: The plain data that was made of it.
        path: Where it stands.

    Raises:
        ExportError: at a null that cannot be left out.
    """
    if isinstance(value, Secret):
        return without_nulls(value.reveal(), data, path)
    cls: Any = type(value)
    if isinstance(data, dict) and shape.is_class(cls):
        fields = {key: field for key, field in shape.fields(cls).items() if not _is_left_out(data[key], field)}
        return {
            key: without_nulls(getattr(value, field.attribute.name), data[key], (*path, key))
            for key, field in fields.items()
        }
    if isinstance(data, dict) and isinstance(value, Mapping):
        pairs = zip(data.items(), value.values(), strict=True)
        return {key: without_nulls(inner, item, (*path, key)) for (key, item), inner in pairs}
    if isinstance(data, list) and isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        pairs_by_place = enumerate(zip(items, data, strict=True))
        return [without_nulls(inner, item, (*path, index)) for index, (inner, item) in pairs_by_place]
    if data is None:
        raise ExportError(
            f"{dotted(path)} is null, and its default is not; the format has no null, so export as yaml or json"
        )
    return data


def _is_left_out(data: object, field: shape.Field) -> bool:
    return data is None and field.attribute.default is None


def _builtin(value: Any) -> Any:  # noqa: ANN401 - as above
    """Turn an instance of a subclass of text or number into one of the type itself: formats write types by name."""
    if isinstance(value, str):
        return str.__str__(value)
    for kind in (int, float):
        if isinstance(value, kind) and type(value) not in {kind, bool}:
            return kind(value)
    return value


def _culprit(tree: Mapping[str, Any]) -> str:
    numbers = ((path, value) for path, value in walk(tree, into_lists=True) if isinstance(value, float))
    return next((f"{dotted(path)} is {value}" for path, value in numbers if not math.isfinite(value)), "")


def _one_line(origin: Origin | None) -> str:
    text = "the code" if origin is None else str(origin)
    return "".join(mark if mark.isprintable() else "?" for mark in text)
