"""`Reference`: what ``${...}`` in a text means. Names and arguments only: there are no calls, and nothing is executed.

``${database.url}`` is the value at a path, ``${env:HOME}`` what a resolver gives, ``${...:-default}`` has a default, and ``$${``
is the text ``${``. Reading looks at each character once (a pattern that backtracks once cost OmegaConf 27 s for one string).
"""

from __future__ import annotations

import re

import attrs

from trivet.config.origin import Path, parse_path
from trivet.secret import MASK

TEXT_CHARACTERS = 2**20
"""How long a text with references may be, and what it comes to."""

REFERENCES = 1_000
"""How many references one text may have."""

NESTING = 16
"""How deep defaults may hold references with defaults."""

_MARK = re.compile(r"[${}]")
_STOP = re.compile(r'["{}]|:-')
_SCHEME = re.compile(r"[a-z][a-z0-9_+.-]*")


@attrs.frozen
class Reference:
    """One ``${...}``.

    Args:
        scheme: Whose resolver gives the value; None for a path.
        argument: What the resolver gets, or the path as written.
        path: The path, where it is one.
        default: What ``:-`` gives where nothing is there.
    """

    scheme: str | None
    argument: str
    path: Path = ()
    default: Template | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        name = self.argument if self.scheme is None else f"{self.scheme}:{self.argument}"
        return f"${{{name}}}" if self.default is None else f"${{{name}:-{masked(self.default)}}}"


Template = tuple[str | Reference, ...]
"""A text in parts: text that stands for itself, and references."""


def parse(text: str) -> Template:
    """Read a text with references.

    Raises:
        ValueError: if it is none; never holds any of the text.
    """
    if len(text) > TEXT_CHARACTERS:
        raise ValueError(f"a text with references may have {TEXT_CHARACTERS:,} characters at most")
    return _Reader(text).template(0)


def escape(text: str) -> str:
    """Return the text that `parse` reads as nothing but this text."""
    return text.replace("${", "$${")


def masked(template: Template) -> str:
    """Write a template without what is text in it: that may be a part of a secret."""
    return "".join(MASK if isinstance(part, str) else str(part) for part in template)


class _Reader:
    """Reads one text from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._count = 0

    def template(self, depth: int) -> Template:
        """Read up to the end, or inside of a reference up to the brace that closes it."""
        parts: list[str | Reference] = []
        begun, braces = self._at, 0
        while (mark := _MARK.search(self._text, self._at)) is not None:
            at = self._at = mark.start()
            kind = self._kind()
            if kind == "reference":
                parts.append(self._text[begun:at])
                parts.append(self._reference(depth))
                begun = self._at
            elif kind == "escape":
                parts.append(self._text[begun : self._at - 2])
                begun = self._at - 1
                braces += 1
            elif kind == "}" and depth and not braces:
                parts.append(self._text[begun:at])
                return tuple(filter(None, parts))
            else:
                braces += {"{": 1, "}": -1}.get(kind, 0)
        if depth:
            raise ValueError("a reference has no end: close it with '}', or write $${ for the text ${")
        parts.append(self._text[begun:])
        return tuple(filter(None, parts))

    def _kind(self) -> str:
        """Step over a mark and what belongs to it, and say what it is."""
        at = self._at
        if self._text[at] != "$":
            self._at += 1
            return self._text[at]
        while self._text.startswith("$", self._at):
            self._at += 1
        if not self._text.startswith("{", self._at):
            return "$"
        self._at += 1
        return "escape" if self._at - at > 2 else "reference"

    def _reference(self, depth: int) -> Reference:
        self._count += 1
        if self._count > REFERENCES:
            raise ValueError(f"more than {REFERENCES:,} references in one text")
        if depth >= NESTING:
            raise ValueError(f"more than {NESTING} references in each other's defaults")
        begun = self._at
        stop = self._name_end()
        name = self._text[begun : self._at - len(stop)].strip()
        default = self.template(depth + 1) if stop == ":-" else None
        return _make(name, default)

    def _name_end(self) -> str:
        """Step over a name, and return what ends it."""
        while (stop := _STOP.search(self._text, self._at)) is not None:
            self._at = stop.end()
            if stop[0] == '"':
                self._at = self._text.find('"', self._at) + 1
                if not self._at:
                    raise ValueError("a reference has a '\"' that is never closed")
            elif stop[0] == "{":
                raise ValueError("a reference's name holds a '{'; only its default may hold references")
            else:
                return stop[0]
        raise ValueError("a reference has no end: close it with '}', or write $${ for the text ${")


def _make(name: str, default: Template | None) -> Reference:
    scheme, colon, argument = name.partition(":")
    if colon and _SCHEME.fullmatch(scheme):
        return Reference(scheme, argument, (), default)
    if not name:
        raise ValueError("a reference names nothing; write ${section.key}, ${env:NAME}, or $${ for the text ${")
    try:
        path = parse_path(name)
    except ValueError:
        raise ValueError("a reference is no path; write it like ${database.hosts[0]}, or $${ for the text ${") from None
    return Reference(None, name, path, default)
