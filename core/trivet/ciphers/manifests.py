"""Manifests: what a document says about its sealed values as a set, and the service that makes and checks it.

A sealed value by itself tells neither that it is the newest one nor that others were taken out. The manifest does: a list of
texts at `ENTRIES` in the document, which ``trivet secrets`` keeps, and which is checked whenever configuration is loaded.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import attrs

from trivet.ciphers.envelope import TOKEN
from trivet.config.origin import Path
from trivet.config.tree import scalars

ENTRIES: Final = ("plugins", "sealed", "entries")
"""Where a manifest stands in its document."""


def sealed_texts(tree: Mapping[str, Any]) -> dict[Path, str]:
    """Return the texts of a tree that are sealed, or hold something sealed, by path and in the tree's order."""
    return {path: value for path, value in scalars(tree) if isinstance(value, str) and TOKEN.search(value)}


@attrs.frozen
class ManifestFault:
    """What a manifest does not vouch for.

    Args:
        message: What is wrong, with the remedy; ``FILE`` stands for the document's name.
        path: The value that it is about; `ENTRIES`, or an item below, where that is the manifest itself.
    """

    message: str
    path: Path

    def about(self, document: str) -> str:
        """Return the message for a document of that name."""
        return self.message.replace(" FILE", f" {shlex.quote(document)}")


@attrs.frozen
class ManifestVerdict:
    """What came of a check.

    Args:
        generation: The generation that the manifest claims; 0 where it cannot be read.
        faults: Empty where it vouches for all there is.
    """

    generation: int
    faults: tuple[ManifestFault, ...]


@runtime_checkable
class Manifests(Protocol):
    """Makes and checks manifests. A service provider with ``provides=Manifests``."""

    def is_required(self) -> bool:
        """Tell whether a document with sealed values must have one."""
        ...

    def make(self, values: Mapping[Path, str], *, generation: int) -> list[str]:
        """Return the manifest of some values, signed under the primary key.

        Args:
            values: All sealed texts of the document, see `sealed_texts`.
            generation: 1 or more; higher than that of any manifest that this one takes the place of.

        Raises:
            KeyRingError: if there is no key to sign with.
        """
        ...

    async def check(self, entries: object, values: Mapping[Path, str]) -> ManifestVerdict:
        """Compare a manifest with the values that are there.

        Args:
            entries: What stands at `ENTRIES`.
            values: All sealed texts of the document.

        Raises:
            KeyRingError: if there are no usable keys.
        """
        ...

    def key_of(self, entries: Sequence[str]) -> str | None:
        """Return the id of the key that a manifest is signed under, 16 hexadecimal digits; None where it cannot be read."""
        ...
