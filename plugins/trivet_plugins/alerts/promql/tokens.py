"""`Token`: the words of a query with their places, which the parser does not tell; and what a string in quotes says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

from trivet_plugins.alerts.promql.errors import QueryError

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<number>0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?(?:(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)?)
    |(?P<word>[^\W\d][\w:]*|:[\w:]+)
    |(?P<sign>==|!=|<=|>=|=~|!~|[-+*/%^<>=!@,:(){}\[\]])""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.DOTALL)
_SINGLE: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
}


@attrs.frozen
class Token:
    """A word of a query.

    Args:
        kind: ``string``, ``number``, ``word`` or ``sign``.
        text: As it stands.
        start: Where it begins in the query, in characters from 0.
    """

    kind: str
    text: str
    start: int


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the words of a query.

    Raises:
        QueryError: at a character that begins none.
    """
    at = 0
    in_brackets = False  # where a colon stands between durations; elsewhere it belongs to a name
    while at < len(text):
        if in_brackets and text[at] == ":":
            yield Token("sign", ":", at)
            at += 1
            continue
        found = _TOKEN.match(text, at)
        if found is None:
            raise QueryError(f"{text[at]!r} does not belong here", *place_in(text, at))
        if found.lastgroup and found.lastgroup != "space":
            yield Token(found.lastgroup, found[0], at)
            in_brackets = found[0] == "[" or (in_brackets and found[0] != "]")
        at = found.end()


def place_in(text: str, at: int) -> tuple[int, int]:
    """Return line and column of a character, both from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def unquoted(literal: str) -> str:
    """Return what a string in quotes says, by the rules of Go. Bytes that are no UTF-8 are lone surrogates in it.

    Raises:
        QueryError: if there is an escape that means nothing.
    """
    body = literal[1:-1]
    if literal[0] == "`" or "\\" not in body:
        return body
    pieces: list[bytes] = []
    at = 0
    for found in _ESCAPE.finditer(body):
        pieces += body[at : found.start()].encode(errors="surrogateescape"), _meant(found)
        at = found.end()
    return b"".join([*pieces, body[at:].encode(errors="surrogateescape")]).decode(errors="surrogateescape")


def _meant(escape: re.Match[str]) -> bytes:
    two, octal, short, long, single = escape.groups()
    code = int(two or octal or "0", 8 if octal else 16)
    if two or (octal and code <= 0xFF):
        return bytes([code])
    point = int(short or long or "110000", 16)
    if point < 0x110000 and not 0xD800 <= point < 0xE000:
        return chr(point).encode()
    if single in _SINGLE:
        return _SINGLE[single].encode()
    raise QueryError(f"{escape[0]} means nothing in a string; a backslash is written \\\\")
