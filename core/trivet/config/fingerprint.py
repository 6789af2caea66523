"""The fingerprint: one hash that is equal on two nodes exactly when their effective configuration is.

Secrets go in by a keyed hash. With no key given, the hash of all secrets together is stretched (scrypt, RFC 7914) with the
kernel's name as salt: equal on all nodes, and guessing a weak secret from a published fingerprint stays slow.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import anyio.to_thread

from trivet.config.effective import plain
from trivet.config.origin import Path, dotted
from trivet.secret import MASK

_SCRYPT = {"n": 2**13, "r": 8, "p": 1, "dklen": 32}  # 8 MiB, about 20 ms


class Fingerprint:
    """Makes the fingerprints of one kernel.

    Args:
        name: The kernel's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._key: bytes | None = None
        self._seen: dict[str, tuple[object, frozenset[Path], str, list[tuple[str, str]]]] = {}
        self._stretched: tuple[bytes, bytes] | None = None

    def use_key(self, key: bytes) -> None:
        """Hash secrets under this key from now on; all nodes that are to agree need the same."""
        self._key = key

    async def of(self, sections: Mapping[str, object], places: frozenset[Path]) -> str:
        """Return the fingerprint of typed sections, 64 hex digits.

        Args:
            sections: By dotted path.
            places: Paths that are secret because of how their values came in.
        """
        texts: list[str] = []
        secrets: list[tuple[str, str]] = []
        for name in sorted(sections):
            text, hidden = self._canonical(name, sections[name], places)
            texts.append(text)
            secrets += hidden
        digest = hashlib.sha256("\n".join(texts).encode(errors="surrogatepass"))
        if secrets:
            digest.update(await self._hash(json.dumps(secrets).encode()))
        return digest.hexdigest()

    def _canonical(self, name: str, section: object, places: frozenset[Path]) -> tuple[str, list[tuple[str, str]]]:
        seen = self._seen.get(name)
        if seen is not None and seen[0] is section and seen[1] == places:
            return seen[2], seen[3]
        hidden: list[tuple[str, str]] = []

        def hide(path: Path, value: Any) -> str:  # noqa: ANN401 - a tree holds anything
            hidden.append((dotted(path), repr(plain(value, path, frozenset(), lambda _, inner: inner))))
            return MASK

        data = plain(section, tuple(name.split(".")), places, hide)
        text = f"{name}={json.dumps(data, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}"
        hidden.sort()
        self._seen[name] = (section, places, text, hidden)
        return text, hidden

    async def _hash(self, secrets: bytes) -> bytes:
        if self._key is not None:
            return hmac.digest(self._key, secrets, "sha256")
        known = hashlib.sha256(secrets).digest()
        if self._stretched is None or self._stretched[0] != known:
            salt = f"trivet fingerprint {self._name}".encode()
            stretched = await anyio.to_thread.run_sync(lambda: hashlib.scrypt(secrets, salt=salt, **_SCRYPT))
            self._stretched = (known, stretched)
        return self._stretched[1]
