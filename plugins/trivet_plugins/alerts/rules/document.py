"""`Document`: a YAML file whose parts know their places; what is not as it must be becomes a `Problem`, and reading goes on."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

import attrs
import yaml

from trivet_plugins.alerts.duration import DurationError, milliseconds_of
from trivet_plugins.alerts.rules.problem import Problem

MAX_BYTES: Final = 4 << 20
"""The largest file."""

MAX_DEPTH: Final = 20
"""How deep a file may be nested."""

_INTEGER: Final = re.compile(r"[-+]?\d{1,18}")
_NULL_TAG: Final = "tag:yaml.org,2002:null"


class Mark(Protocol):
    """A place, both numbers from 0; YAML's nodes have such."""

    @property
    def line(self) -> int:
        """Of the file."""
        ...

    @property
    def column(self) -> int:
        """In characters."""
        ...


@attrs.frozen
class Spot:
    """A place within the text of a scalar."""

    line: int
    column: int


class Document:
    """A file, and what was found to be wrong with it.

    Args:
        name: As it is told in problems.
        text: Its content.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.problems: list[Problem] = []
        self._lines = text.split("\n")

    @classmethod
    def read(cls, path: pathlib.Path) -> Document:
        """Read a file; that it cannot be read is a problem of it."""
        made = cls(str(path), "")
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                made.about_all(f"it has more than {MAX_BYTES >> 20} MiB")
                return made
            return cls(str(path), data.decode())
        except OSError as exc:
            made.about_all(f"it cannot be read: {exc.strerror}")
        except UnicodeDecodeError as exc:
            made.about_all(f"it is not UTF-8: byte {exc.start}")
        return made

    def about_all(self, message: str) -> None:
        """Note what is wrong with the file as a whole."""
        self.problems.append(Problem(self.name, 0, 0, message))

    def root(self) -> yaml.Node | None:
        """Return the content; None where there is none, or it is no YAML."""
        try:
            depth = 0
            for event in yaml.parse(self.text, yaml.CSafeLoader):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > MAX_DEPTH:
                    self.note(event.start_mark, f"it is nested more than {MAX_DEPTH} deep")
                    return None
            return yaml.compose(self.text, yaml.CSafeLoader)
        except yaml.MarkedYAMLError as exc:
            mark = exc.problem_mark or exc.context_mark
            self.note(mark, f"not valid YAML: {exc.problem or exc.context}")
        except yaml.YAMLError as exc:
            self.about_all(f"not valid YAML: {getattr(exc, 'reason', exc)}")
        return None

    def note(self, mark: Mark | None, message: str, *, warning: bool = False) -> None:
        """Note what is wrong at a place."""
        place = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        self.problems.append(Problem(self.name, *place, message, is_warning=warning))

    def mapping(self, node: yaml.Node, what: str, keys: Iterable[str] | None) -> Mapping[str, yaml.Node]:
        """Return the values of a mapping by key; what it is not, and keys that it may not have, are problems.

        Args:
            node: The mapping; null is one without keys.
            what: What it is, for the problems.
            keys: Those that it may have; None: any.
        """
        if isinstance(node, yaml.ScalarNode) and node.tag == _NULL_TAG:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.note(node.start_mark, f"{what} is a mapping, like name: value")
            return {}
        found: dict[str, yaml.Node] = {}
        allowed = None if keys is None else [*keys]
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if allowed is not None and name not in allowed:
                self.note(key.start_mark, f"{what} has no {name!r}; it has {', '.join(allowed)}")
            elif name in found:
                self.note(key.start_mark, f"{name} is there twice")
            found[name] = value
        return found

    def sequence(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """Return the items of a sequence; what it is not is a problem."""
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == _NULL_TAG):
            return []
        if isinstance(node, yaml.SequenceNode):
            return [*node.value]
        self.note(node.start_mark, f"{what} is a list: lines that begin with a hyphen")
        return []

    def scalar(self, node: yaml.Node | None, what: str) -> str | None:
        """Return the text of a scalar; None where it is missing, or is none, which is a problem."""
        if node is None:
            return None
        if isinstance(node, yaml.ScalarNode):
            return "" if node.tag == _NULL_TAG else str(node.value)
        self.note(node.start_mark, f"{what} is a text")
        return None

    def texts(self, node: yaml.Node | None, what: str) -> Iterator[tuple[str, str, yaml.Node]]:
        """Yield names and texts of a mapping, each with its node."""
        if node is None:
            return
        for name, value in self.mapping(node, what, None).items():
            text = self.scalar(value, f"{what} {name}")
            if text is not None:
                yield name, text, value

    def duration(self, node: yaml.Node | None, what: str) -> int | None:
        """Return a duration in milliseconds; None where it is missing, or is none, which is a problem."""
        text = self.scalar(node, what)
        if text is None or node is None:
            return None
        try:
            return milliseconds_of(text)
        except DurationError as exc:
            self.note(node.start_mark, f"{what}: {exc}")
            return None

    def integer(self, node: yaml.Node | None, what: str) -> int | None:
        """Return an integer; None where it is missing, or is none, which is a problem."""
        text = self.scalar(node, what)
        if text is None or node is None:
            return None
        if not _INTEGER.fullmatch(text):
            self.note(node.start_mark, f"{what} is a whole number")
            return None
        return int(text)

    def inside(self, node: yaml.Node, line: int, column: int) -> Mark:
        """Return the place of a part of a scalar's text.

        Args:
            node: The scalar.
            line: Of its text, from 1; 0 where it is not known: then the scalar's own place is meant.
            column: Likewise.
        """
        start: Mark = node.start_mark
        style = getattr(node, "style", None)
        if not line or style == ">" or (style != "|" and start.line != node.end_mark.line):
            return start
        if style == "|":
            at = start.line + line
            first = next((one for one in self._lines[start.line + 1 :] if one.strip()), "")
            return Spot(at, len(first) - len(first.lstrip()) + column - 1)
        return Spot(start.line, start.column + (1 if style else 0) + column - 1)
