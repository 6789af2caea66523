"""`pieces_of`: a template as text and actions; `words_of`: the words of an action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

from trivet_plugins.alerts.promql.errors import QueryError
from trivet_plugins.alerts.promql.tokens import place_in, unquoted
from trivet_plugins.alerts.templates.errors import TemplateError

_SPACE: Final = " \t\r\n"
_COMMENT: Final = re.compile(r"\{\{(- )?\s*/\*.*?\*/\s*?( -)?\}\}", re.DOTALL)
_WORD: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    |(?P<char>'(?:[^'\\\n]|\\.[^']*)')
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)(?![\w$]))
    |(?P<variable>\$\w*)
    |(?P<field>\.[^\W\d]\w*)
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>:=|[=|(),.])""",
    re.VERBOSE,
)


@attrs.frozen
class Word:
    """A word of an action.

    Args:
        kind: ``string``, ``char``, ``number``, ``variable``, ``field``, ``name``, ``sign``, ``space`` or ``end``.
        text: As it stands; of a string what it says.
        at: Where it begins in the template.
    """

    kind: str
    text: str
    at: int


@attrs.frozen
class Piece:
    """Text, or an action with its words.

    Args:
        text: The text; empty for an action.
        words: Of the action, ``end`` at last; None for text.
    """

    text: str
    words: tuple[Word, ...] | None = None


def error_at(source: str, at: int, reason: str) -> TemplateError:
    """Return an error with its place."""
    return TemplateError(reason, *place_in(source, at))


def pieces_of(source: str) -> Iterator[Piece]:
    """Yield the pieces of a template.

    Raises:
        TemplateError: if an action does not end, or has what no word is.
    """
    at, trims = 0, False
    while True:
        begin = source.find("{{", at)
        text = source[at:] if begin < 0 else source[at:begin]
        if trims:
            text = text.lstrip(_SPACE)
        if begin < 0:
            if text:
                yield Piece(text)
            return
        if source.startswith("{{-", begin) and source[begin + 3 : begin + 4] in {*_SPACE}:
            text = text.rstrip(_SPACE)
        if text:
            yield Piece(text)
        comment = _COMMENT.match(source, begin)
        if comment is not None:
            at, trims = comment.end(), bool(comment[2])
            continue
        words, at, trims = _action(source, begin)
        yield Piece("", words)


def _action(source: str, begin: int) -> tuple[tuple[Word, ...], int, bool]:
    at = begin + 2
    if source.startswith("-", at) and source[at + 1 : at + 2] in {*_SPACE}:
        at += 1
    words: list[Word] = []
    while True:
        if source.startswith("}}", at):
            return (*words, Word("end", "", at)), at + 2, False
        if source.startswith("-}}", at) and words and words[-1].kind == "space":
            return (*words, Word("end", "", at)), at + 3, True
        found = _WORD.match(source, at)
        if found is None:
            if at >= len(source):
                raise error_at(source, begin, "this action does not end: }} is missing")
            raise error_at(source, at, f"{source[at]!r} does not belong here")
        words.append(_word(source, found))
        at = found.end()


def _word(source: str, found: re.Match[str]) -> Word:
    kind, text = str(found.lastgroup), found[0]
    if kind in {"string", "char"}:
        try:
            text = unquoted(text)
        except QueryError as exc:
            raise error_at(source, found.start(), exc.reason) from None
        if kind == "char" and len(text) != 1:
            raise error_at(source, found.start(), "between single quotes there is one character")
    return Word(kind, text, found.start())
