"""`Binding`: the place that a sealed value belongs to, as bytes that a cipher authenticates.

A value opens only where it was sealed: under the same purpose, service, path and type. The encoding is injective::

    u32 number of items
    per item:  kind u8 ("s" text, "i" index) | u32 length | bytes      text in UTF-8, an index in decimal digits

The items are purpose, namespace, every path component, type; numbers are big-endian. Nothing is joined by a separator:
with ":" between parts, ``("a:b",)`` and ``("a", "b")`` would be one place.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import attrs

from trivet.config.origin import dotted

if TYPE_CHECKING:
    from trivet.config.origin import Path


def _item(part: str | int) -> bytes:
    if isinstance(part, str):
        # surrogatepass: JSON may bring a lone surrogate into a key; it encodes to bytes that no other text has.
        kind, body = b"s", part.encode("utf-8", "surrogatepass")
    else:
        kind, body = b"i", b"%d" % part
    return kind + len(body).to_bytes(4, "big") + body


@attrs.frozen
class Binding:
    """What a sealed value is for and where it stands. Holds no secret.

    Args:
        purpose: What it is used for, e.g. ``config``.
        namespace: The kernel's name, so that one service's value is of no use in another.
        path: Where it stands, e.g. ``("database", "password")``.
        type: The type of the value: ``bytes``, ``str``, ``int``, ``bool``.
    """

    purpose: str
    namespace: str
    path: Path = ()
    type: str = "bytes"

    def encode(self) -> bytes:
        """Return the canonical bytes: equal only for equal bindings."""
        items = (self.purpose, self.namespace, *self.path, self.type)
        return len(items).to_bytes(4, "big") + b"".join(map(_item, items))

    def __str__(self) -> str:
        return f"{self.purpose} {dotted(self.path)}" if self.path else self.purpose


@functools.lru_cache(maxsize=1024)
def bind(purpose: str, namespace: str, path: Path, type: str) -> tuple[bytes, str]:  # noqa: A002 - the field's word
    """Return the bytes and the printed form of a binding; few places are sealed for again and again."""
    binding = Binding(purpose, namespace, path, type)
    return binding.encode(), str(binding)
