"""`SealedManifests`: makes and checks the manifests of documents, see `trivet_plugins.security.sealed.manifest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from trivet import SealError
from trivet.ciphers.manifests import ENTRIES, ManifestFault, ManifestVerdict
from trivet.ciphers.signing import key_id_of
from trivet.config.origin import dotted
from trivet_plugins.security.sealed.manifest import Manifest, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trivet.ciphers.registry import Ciphers
    from trivet.config.origin import Path

_PURPOSE: Final = "manifest"
_REMEDY: Final = (
    "restore the file from where it was last right, or, if this is your change: trivet secrets manifest FILE"
)


class SealedManifests:
    """The service.

    Args:
        ciphers: Sign and verify.
        required: Whether a document with sealed values must have a manifest.
    """

    def __init__(self, ciphers: Ciphers, *, required: bool = False) -> None:
        self._ciphers = ciphers
        self._required = required

    def is_required(self) -> bool:
        """Tell whether a document with sealed values must have one."""
        return self._required

    def make(self, values: Mapping[Path, str], *, generation: int) -> list[str]:
        """Return the manifest of some sealed texts, signed under the primary key."""
        manifest = Manifest.of(values, generation)
        signature = self._ciphers.sign(manifest.statement(), purpose=_PURPOSE)
        return attrs.evolve(manifest, signature=signature).dump()

    async def check(self, entries: object, values: Mapping[Path, str]) -> ManifestVerdict:
        """Compare a manifest with the sealed texts that are there."""
        try:
            manifest = Manifest.parse(entries)
        except ValueError as exc:
            return ManifestVerdict(0, (ManifestFault(f"the manifest cannot be read: {exc}; {_REMEDY}", ENTRIES),))
        try:
            await self._ciphers.verify(manifest.statement(), manifest.signature, purpose=_PURPOSE)
        except SealError:
            why = "the manifest is not authentic: it was changed by hand, or signed with another key or for another service"
            return ManifestVerdict(manifest.generation, (ManifestFault(f"{why}; {_REMEDY}", ENTRIES),))
        return ManifestVerdict(manifest.generation, tuple(_faults(manifest, values)))

    def key_of(self, entries: Sequence[str]) -> str | None:
        """Return the id of the key that a manifest is signed under; None where it cannot be read."""
        try:
            key_id = key_id_of(Manifest.parse(entries).signature)
        except ValueError:
            return None
        return None if key_id is None else f"{key_id:016x}"


def _faults(manifest: Manifest, values: Mapping[Path, str]) -> Iterator[ManifestFault]:
    """Yield what is other than an authentic manifest says."""
    found = {path: digest(text) for path, text in values.items()}
    gone = {hashed: path for path, hashed in manifest.digests.items() if path not in found}
    for path, hashed in found.items():
        if path not in manifest.digests:
            from_ = gone.pop(hashed, None)
            came = "it was added without the key" if from_ is None else f"it was moved here from {dotted(from_)}"
            yield ManifestFault(f"the manifest does not vouch for this sealed value: {came}; {_REMEDY}", path)
        elif manifest.digests[path] != hashed:
            why = "this is not the sealed value that the manifest vouches for: an older one or another was put in its place"
            yield ManifestFault(f"{why}; {_REMEDY}", path)
    removed = set(gone.values())
    for index, path in enumerate(manifest.digests, 1):
        if path in removed:
            why = f"the manifest vouches for a sealed value at {dotted(path)}, and there is none"
            yield ManifestFault(f"{why}: it was removed, or stands there in the clear; {_REMEDY}", (*ENTRIES, index))
