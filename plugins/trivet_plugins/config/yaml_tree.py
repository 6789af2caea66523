"""From YAML's events to a tree, and to the place of every value in it. Not recursive, so no nesting can exhaust the stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import attrs
import yaml

from trivet import FormatError, Span
from trivet.config.limits import LIMITS
from trivet.config.origin import Path
from trivet_plugins.config.yaml_scalar import PREFIX, plain, tagged

_MERGE = "<<"


@attrs.define(eq=False)
class _Open:
    """A container that has not ended."""

    value: Any
    path: Path
    start: Any
    anchor: str | None
    key: str | None = None
    keys: dict[str, int] = attrs.field(factory=dict)
    merges: list[Any] = attrs.field(factory=list)


class TreeBuilder:
    """Reads one document.

    Args:
        text: The document.
        places: True to note the place of every value too.
    """

    def __init__(self, text: str, *, places: bool = False) -> None:
        self.spans: dict[Path, Span] = {}
        self._text = text
        self._places = places
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, Path]] = {}
        self._copies: list[tuple[Path, Path, Any]] = []
        self._root: Any = None
        self._documents = 0

    def build(self) -> dict[str, Any]:
        """Return the tree.

        Raises:
            FormatError: with the place.
        """
        try:
            for event in _events(self._text):
                self._handle(event)
        except yaml.MarkedYAMLError as exc:
            mark = exc.problem_mark or exc.context_mark
            reason = f"not valid YAML: {exc.problem or exc.context}"
            raise FormatError(reason, *((mark.line + 1, mark.column + 1) if mark else ())) from None
        except yaml.reader.ReaderError as exc:
            raise self._unreadable(exc) from None
        if self._root is None:
            return {}
        if not isinstance(self._root, dict):
            raise FormatError("the document must be a mapping, like 'database: ...'", 1, 1)
        self._copy_places()
        return self._root

    def _unreadable(self, exc: yaml.reader.ReaderError) -> FormatError:
        at = exc.position if isinstance(exc.position, int) else 0
        before = self._text[:at]
        return FormatError(f"not valid YAML: {exc.reason}", before.count("\n") + 1, at - before.rfind("\n"))

    def _handle(self, event: Any) -> None:  # noqa: ANN401 - PyYAML's events have no common type
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._begin(event, {})
        elif kind is yaml.SequenceStartEvent:
            self._begin(event, [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._finish(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                _fail("a second document begins; keep one", event)

    def _scalar(self, event: Any) -> None:  # noqa: ANN401 - as above
        top = self._stack[-1] if self._stack else None
        if top is not None and top.key is None and type(top.value) is dict:
            self._key(top, event)
            return
        try:
            # A plain scalar, the usual case; "tag" is None for quoted ones as well.
            if event.implicit[0]:
                value = plain(event.value)
            else:
                value = event.value if event.tag is None else tagged(event.tag, event.value)
        except FormatError as exc:
            _fail(str(exc), event)
        if self._places:
            self._note(self._path(), event.start_mark, event.end_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._path())
        self._place(value)

    def _key(self, top: _Open, event: Any) -> None:  # noqa: ANN401 - as above
        key, line = event.value, event.start_mark.line + 1
        if key == _MERGE and event.implicit[0]:
            top.key = _MERGE
            return
        if key in top.keys:
            _fail(f"duplicate key {key}, first set on line {top.keys[key]}", event)
        top.keys[key] = line
        top.key = key

    def _begin(self, event: Any, value: Any) -> None:  # noqa: ANN401 - as above
        top = self._stack[-1] if self._stack else None
        if top is not None and top.key is None and type(top.value) is dict:
            _fail("a key must be a text, not a container", event)
        if event.tag is not None and event.tag not in {f"{PREFIX}map", f"{PREFIX}seq", "!"}:
            _fail(f"the tag {event.tag} means nothing here; remove it", event)
        if len(self._stack) >= LIMITS.depth:
            _fail(LIMITS.too_deep, event)
        self._stack.append(_Open(value, self._path(), event.start_mark, event.anchor))

    def _finish(self, event: Any) -> None:  # noqa: ANN401 - as above
        done = self._stack.pop()
        for source, where in done.merges:
            self._merge(done, source, where, event)
        if self._places:
            self._note(done.path, done.start, event.end_mark)
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, done.path)
        self._place(done.value)

    def _merge(self, into: _Open, source: Any, where: Path, event: Any) -> None:  # noqa: ANN401 - as above
        for index, table in enumerate(source if isinstance(source, list) else [source]):
            if not isinstance(table, dict):
                _fail("<< takes a mapping, or a list of mappings", event)
            for key, value in table.items():
                if key not in into.value:
                    into.value[key] = value
                    origin = (*where, index, key) if isinstance(source, list) else (*where, key)
                    self._copies.append(((*into.path, key), origin, value))

    def _alias(self, event: Any) -> None:  # noqa: ANN401 - as above
        if any(container.anchor == event.anchor for container in self._stack):
            _fail(f"the alias *{event.anchor} stands inside what it names: that has no end", event)
        if event.anchor not in self._anchors:
            _fail(f"the alias *{event.anchor} names nothing before it", event)
        top = self._stack[-1] if self._stack else None
        if top is not None and top.key is None and type(top.value) is dict:
            _fail("a key must be a text, not an alias", event)
        value, path = self._anchors[event.anchor]
        self._copies.append((self._path(), path, value))
        self._place(value)

    def _path(self) -> Path:
        if not self._stack:
            return ()
        top = self._stack[-1]
        return (*top.path, len(top.value) if top.key is None else top.key)

    def _place(self, value: Any) -> None:  # noqa: ANN401 - as above
        if not self._stack:
            self._root = value
            return
        top = self._stack[-1]
        if top.key is None:
            top.value.append(value)
        elif top.key == _MERGE and _MERGE not in top.keys:
            top.merges.append((value, self._path()))
            top.key = None
        else:
            top.value[top.key] = value
            top.key = None

    def _note(self, path: Path, start: Any, end: Any) -> None:  # noqa: ANN401 - marks
        self.spans[path] = Span(start.line + 1, start.column + 1, start.index, end.index)

    def _copy_places(self) -> None:
        """Give what stands behind aliases and merges the place where it is written."""
        if self._places:
            for to, source, value in self._copies:
                for inner in _paths(value):
                    if source + inner in self.spans:
                        self.spans[to + inner] = self.spans[source + inner]


def _events(text: str) -> Iterator[Any]:
    reader = _parser()(text)
    try:
        while type(event := reader.get_event()) is not yaml.StreamEndEvent:
            yield event
    finally:
        reader.dispose()


def _parser() -> Any:  # noqa: ANN401 - two classes without a common type
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs know less
    except ImportError:  # a PyYAML built without libyaml: right, and ten times as slow
        return yaml.SafeLoader
    return CParser


def _fail(message: str, event: Any) -> NoReturn:  # noqa: ANN401 - as above
    raise FormatError(message, event.start_mark.line + 1, event.start_mark.column + 1)


def _paths(value: object) -> Iterator[Path]:
    yield ()
    items: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in items:
        for path in _paths(inner):
            yield (part, *path)
