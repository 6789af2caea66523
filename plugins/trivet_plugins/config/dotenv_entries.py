r"""`entries`: the text of a ``.env`` file, entry by entry. The dialect is Docker Compose v2's, without its ``$``.

* A line is blank, a comment (``# ...``) or ``NAME=value``, where ``export`` and blanks may stand before the name and blanks
  around the ``=``. Names are letters, digits, ``_``, ``.`` and ``-``, and begin with a letter or ``_``.
* A value without quotes ends with the line, or at a ``#`` with a blank before it; blanks around it do not count.
* ``'...'`` is literal, over several lines if need be; only ``\'`` is a quote.
* ``"..."`` too may go over several lines; ``\n``, ``\r``, ``\t``, ``\"``, ``\\`` and ``\$`` are what they are in a shell
  or in C, any other backslash is a backslash.
* After a closing quote only blanks and a comment may stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

_START = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_EQUALS = re.compile(r"[^\S\n]*=[^\S\n]*")
_PLAIN = re.compile(r"(?:(?![^\S\n]#)[^\n])*")
_QUOTED = {"'": re.compile(r"'((?:[^'\\]++|\\.)*+)'", re.DOTALL), '"': re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)}
_END = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?=\n|\Z)")
_ESCAPE = re.compile(r'\\([nrt"\\$])')
_MEANING = {"n": "\n", "r": "\r", "t": "\t"}


@attrs.frozen
class Entry:
    """An assignment, or a line that is none.

    Args:
        name: The name; empty where there is none.
        text: What it means.
        line: 1-based line of the value, or of the mistake.
        column: 1-based column, in characters.
        refusal: What is wrong, never with the text of a value; empty where all is well.
        runs_on: True where the mistake takes the rest of the file with it.
    """

    name: str
    text: str = attrs.field(repr=False)
    line: int
    column: int
    refusal: str = ""
    runs_on: bool = False


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
            place, value, refusal, runs_on = exc.at, "", exc.reason, exc.runs_on
            after = len(text) if runs_on else _line_end(text, place)
        line += text.count("\n", counted, place)
        counted = place
        column = place - text.rfind("\n", 0, place)
        yield Entry(word, value, line, column, refusal, runs_on)
        at = after


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _assignment(text: str, at: int, name: str) -> tuple[int, str, int]:
    """Read ``=value`` up to the end of its line.

    Returns:
        Where the value begins, what it means, and where the next line begins.
    """
    equals = _EQUALS.match(text, at)
    if not name or equals is None:
        raise _Mistake("a line is written NAME=value, or # before a comment", at - len(name))
    at = equals.end()
    if text[at : at + 1] in _QUOTED:
        value, end = _quoted(text, at)
    else:
        # After a blank it begins a comment, right after the equals sign it is a value: COLOUR=#fff.
        comment = text[at : at + 1] == "#" and text[at - 1 : at] != "="
        plain = _PLAIN.match(text, at)
        end = at if comment or plain is None else plain.end()
        value = text[at:end].rstrip()
    rest = _END.match(text, end)
    if rest is None:
        raise _Mistake(
            "after the closing quote only a comment may stand; escape a quote in the value as \\" + text[at], end
        )
    return at, value, _line_end(text, rest.end())


def _quoted(text: str, at: int) -> tuple[str, int]:
    mark = text[at]
    found = _QUOTED[mark].match(text, at)
    if found is None:
        raise _Mistake(f"the quote {mark} is never closed", at, runs_on=True)
    value = found[1].replace("\\'", "'") if mark == "'" else _ESCAPE.sub(_meaning, found[1])
    return value, found.end()


def _meaning(escape: re.Match[str]) -> str:
    return _MEANING.get(escape[1], escape[1])
