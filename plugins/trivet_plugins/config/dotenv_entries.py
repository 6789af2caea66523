r"""`entries`: the text of a ``.env`` file, entry by entry. The dialect is Docker Compose v2's, without its ``$NAME``.

* A line is blank, a comment (``# ...``) or ``NAME=value``, where ``export`` and blanks may stand before the name and blanks
  around the ``=``. Names are letters, digits, ``_``, ``.`` and ``-``, and begin with a letter or ``_``.
* A value without quotes ends with the line, or at a ``#`` with a blank before it; blanks around it do not count.
* ``'...'`` is literal, over several lines if need be; only ``\'`` is a quote. So ``${...}`` in it is no reference.
* ``"..."`` too may go over several lines; ``\n``, ``\r``, ``\t``, ``\"``, ``\\`` and ``\$`` are what they are in a shell
  or in C, any other backslash is a backslash. ``\${...}`` is no reference.
* After a closing quote only blanks and a comment may stand.

`raw_entries` reads the other dialect of Compose, ``format: raw``, which is that of ``docker run --env-file``: a value is all that
stands between the ``=`` and the end of the line, quotes, blanks, ``#`` and ``$`` included; blank lines and those that begin with
``#`` are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from trivet.config.reference import escape

_START = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_EQUALS = re.compile(r"[^\S\n]*=[^\S\n]*")
_PLAIN = re.compile(r"(?:(?![^\S\n]#)[^\n])*")
_QUOTED = {"'": re.compile(r"'((?:[^'\\]++|\\.)*+)'", re.DOTALL), '"': re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)}
_END = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?=\n|\Z)")
_ESCAPE = re.compile(r'\\([nrt"\\$])')
_NO_ENTRY = "a line is written NAME=value, or # before a comment"
_MEANING = {"n": "\n", "r": "\r", "t": "\t"}


@attrs.frozen
class Entry:
    """An assignment, or a line that is none.

    Args:
        name: The name; empty where there is none.
        text: What it means.
        setting: The same as a setting's text: with ``$${`` for each ``${`` that is literal.
        line: 1-based line of the value, or of the mistake.
        column: 1-based column, in characters.
        refusal: What is wrong, never with the text of a value; empty where all is well.
        runs_on: True where the mistake takes the rest of the file with it.
    """

    name: str
    text: str = attrs.field(repr=False)
    setting: str = attrs.field(repr=False)
    line: int
    column: int
    refusal: str = ""
    runs_on: bool = False


@attrs.frozen
class _Value:
    """See `Entry`."""

    text: str = attrs.field(repr=False)
    setting: str = attrs.field(repr=False)


_NOTHING = _Value("", "")


@attrs.frozen
class _Mistake(ValueError):
    """What is wrong, and where it ends.

    Args:
        reason: What.
        at: Its offset.
        runs_on: See `Entry`.
    """

    reason: str
    at: int
    runs_on: bool = False


def entries(text: str) -> Iterator[Entry]:
    """Yield the assignments of a file in order, and its bad lines where they stand."""
    text = text.replace("\r\n", "\n")
    at, line, counted = 0, 1, 0
    while at < len(text):
        start = _START.match(text, at)
        at = start.end() if start is not None else at
        if text[at : at + 1] in {"", "\n", "#"}:
            at = _line_end(text, at)
            continue
        name = _NAME.match(text, at)
        word = name[0] if name is not None else ""
        try:
            place, value, after = _assignment(text, at + len(word) if word else at, word)
            refusal, runs_on = "", False
        except _Mistake as exc:
            place, value, refusal, runs_on = exc.at, _NOTHING, exc.reason, exc.runs_on
            after = len(text) if runs_on else _line_end(text, place)
        line += text.count("\n", counted, place)
        counted = place
        column = place - text.rfind("\n", 0, place)
        yield Entry(word, value.text, value.setting, line, column, refusal, runs_on)
        at = after


def raw_entries(text: str) -> Iterator[Entry]:
    """Yield the assignments of a raw file in order, and its bad lines where they stand."""
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        start = line.lstrip()
        if not start or start.startswith("#"):
            continue
        name, equals, value = start.partition("=")
        column = len(line) - len(start) + 1
        if equals and _NAME.fullmatch(name):
            yield Entry(name, value, escape(value), number, column + len(name) + 1)
        else:
            found = _NAME.match(
                name.removeprefix("export").lstrip()
            )  # whose line it is, though this is no way to write it
            yield Entry(found[0] if found is not None else "", "", "", number, column, _NO_ENTRY)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _assignment(text: str, at: int, name: str) -> tuple[int, _Value, int]:
    """Read ``=value`` up to the end of its line.

    Returns:
        Where the value begins, what it means, and where the next line begins.
    """
    equals = _EQUALS.match(text, at)
    if not name or equals is None:
        raise _Mistake(_NO_ENTRY, at - len(name))
    at = equals.end()
    if text[at : at + 1] in _QUOTED:
        value, end = _quoted(text, at)
    else:
        # After a blank it begins a comment, right after the equals sign it is a value: COLOUR=#fff.
        comment = text[at : at + 1] == "#" and text[at - 1 : at] != "="
        plain = _PLAIN.match(text, at)
        end = at if comment or plain is None else plain.end()
        value = _Value(text[at:end].rstrip(), text[at:end].rstrip())
    rest = _END.match(text, end)
    if rest is None:
        raise _Mistake(
            "after the closing quote only a comment may stand; escape a quote in the value as \\" + text[at], end
        )
    return at, value, _line_end(text, rest.end())


def _quoted(text: str, at: int) -> tuple[_Value, int]:
    mark = text[at]
    found = _QUOTED[mark].match(text, at)
    if found is None:
        raise _Mistake(f"the quote {mark} is never closed", at, runs_on=True)
    if mark == "'":
        literal = found[1].replace("\\'", "'")
        return _Value(literal, escape(literal)), found.end()
    return _Value(_ESCAPE.sub(_meaning, found[1]), _ESCAPE.sub(_setting, found[1])), found.end()


def _setting(found: re.Match[str]) -> str:
    literal = found[1] == "$" and found.string.startswith("{", found.end())
    return "$$" if literal else _meaning(found)


def _meaning(found: re.Match[str]) -> str:
    return _MEANING.get(found[1], found[1])
