"""`Manifest`: which sealed values a document has, as a list of texts that stands in it.

The first text is the statement, the others the values, sorted by their places::

    entries = [
        "1 7 trivet-mac:1:nyx3...",
        "pK0wDk9r... database.password",
        "a81fVn2c... smtp.token",
    ]

The statement is the version (1), the generation, and the signature (`trivet.ciphers.signing`, purpose ``manifest``) of::

    "trivet/manifest/v1" | generation u64 | number of values u64 | root 32 bytes

with the root of the hash tree (`trivet_plugins.security.merkle`) over one leaf per value: the place's encoding (as a
`Binding` with purpose ``manifest``), then SHA-256 of the text that stands there. Leaves are sorted by that encoding. A value's
line is the same hash in base64url, and its place: dotted, or as a JSON list where a key would make that ambiguous.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from typing import TYPE_CHECKING, Final, Self

import attrs

from trivet.ciphers import base64url
from trivet.ciphers.binding import Binding
from trivet.config.origin import dotted, parse_path
from trivet_plugins.security.merkle import leaf_hash, root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet.config.origin import Path

MAX_VALUES: Final = 100_000

_LABEL: Final = b"trivet/manifest/v1"
_STATEMENT: Final = re.compile(r"1 ([1-9][0-9]{0,18}) (trivet-mac:1:[A-Za-z0-9_-]{1,100})\Z")
_SIMPLE: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_VALUE: Final = re.compile(r"([A-Za-z0-9_-]{43}) (.+)\Z", re.DOTALL)


@attrs.frozen(eq=False)
class Manifest:
    """A manifest, taken apart.

    Args:
        generation: Rises with every change.
        digests: SHA-256 of the sealed text, by place.
        signature: Of `statement`; empty before it is signed.
    """

    generation: int
    digests: Mapping[Path, bytes]
    signature: str = ""

    @classmethod
    def of(cls, values: Mapping[Path, str], generation: int) -> Self:
        """Make the manifest of some sealed texts."""
        return cls(generation, {path: digest(text) for path, text in values.items()})

    @classmethod
    def parse(cls, entries: object) -> Self:
        """Read what stands in a document.

        Raises:
            ValueError: if it is no manifest of this version; says why.
        """
        if not isinstance(entries, list) or not all(isinstance(one, str) for one in entries) or not entries:
            raise ValueError("it is no list of texts")
        if len(entries) > MAX_VALUES + 1:
            raise ValueError(f"it has more than {MAX_VALUES} values")
        statement = _STATEMENT.match(entries[0])
        if statement is None:
            raise ValueError("its first text is no statement of version 1")
        digests: dict[Path, bytes] = {}
        for number, text in enumerate(entries[1:], 2):
            place, hashed = _value(text, number)
            if place in digests:
                raise ValueError(f"its texts name {dotted(place)} twice")
            digests[place] = hashed
        return cls(int(statement[1]), digests, statement[2])

    def dump(self) -> list[str]:
        """Return what stands in the document."""
        lines = sorted((_written(path), base64url.encode(hashed)) for path, hashed in self.digests.items())
        return [f"1 {self.generation} {self.signature}", *(f"{hashed} {place}" for place, hashed in lines)]

    def statement(self) -> bytes:
        """Return the bytes that are signed."""
        leaves = [leaf_hash(place + self.digests[path]) for place, path in self._sorted()]
        numbers = self.generation.to_bytes(8, "big") + len(leaves).to_bytes(8, "big")
        return _LABEL + numbers + root(leaves)

    def _sorted(self) -> list[tuple[bytes, Path]]:
        return sorted((_place(path), path) for path in self.digests)


@functools.lru_cache(maxsize=4096)
def _place(path: Path) -> bytes:
    return Binding("manifest", "", path).encode()


def digest(text: str) -> bytes:
    """Return the hash of a sealed text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _written(path: Path) -> str:
    text = dotted(path)
    if _SIMPLE.match(text):
        return text
    try:
        if parse_path(text) == path and text.isprintable():
            return text
    except ValueError:
        pass
    return json.dumps(path)


def _value(text: str, number: int) -> tuple[Path, bytes]:
    match = _VALUE.match(text)
    try:
        if match is not None:
            path = _path(match[2])
            hashed = base64url.decode(match[1])
            if path and _written(path) == match[2]:
                return path, hashed
    except (ValueError, RecursionError):  # brackets in brackets in brackets
        pass
    raise ValueError(f"its text {number} is no hash and place")


def _path(text: str) -> Path:
    if _SIMPLE.match(text):
        return tuple(text.split("."))
    if not text.startswith("["):
        return parse_path(text)
    parts = json.loads(text)
    if not all(type(part) in {str, int} for part in parts):
        raise ValueError("no path")
    return tuple(parts)
