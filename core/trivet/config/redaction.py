"""Redaction: which values are secret, and what stands in their place wherever configuration is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from trivet.config.layer import Layer
from trivet.config.merging import merged_path
from trivet.config.origin import Path, inside
from trivet.config.schema import Schema
from trivet.config.tree import scalars
from trivet.secret import MASK

_NAMES = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|secret|token|api_?key|private_?key|credentials?)$", re.IGNORECASE
)
_USERINFO = re.compile(r"(?<=://)([^/@:\s]*):([^/@\s]+)@")
_SHORT = 3  # a secret of fewer characters would mask half of every text


@attrs.frozen(eq=False)
class Redaction:
    """Knows the secrets of one configuration.

    Args:
        schema: Knows fields that are `Secret`.
        places: Paths whose values are secrets because of how they came in.
    """

    schema: Schema
    places: frozenset[Path]

    def is_secret(self, path: Path) -> bool:
        """Tell whether the value at a path is a secret: by how it came in, by schema, or by its name."""
        return inside(path, self.places) or self.schema.is_secret(path) or self._named(path)

    def _named(self, path: Path) -> bool:
        names = [part for part in path if isinstance(part, str)]
        return bool(names) and sounds_secret(names[-1]) and not self.schema.is_inner(path)

    def mask(self, value: Any, path: Path) -> Any:  # noqa: ANN401 - a tree holds anything
        """Return a copy of a value that stands at a path, with all secrets in it masked."""
        if value is not None and not self.schema.is_inner(path) and self.is_secret(path):
            return MASK
        if isinstance(value, Mapping):
            return {key: self.mask(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.mask(item, (*path, index)) for index, item in enumerate(value)]
        return mask_userinfo(str(value)) if isinstance(value, str) else value

    def secrets(self, tree: Mapping[str, Any]) -> frozenset[str]:
        """Return the secret texts of a tree, to keep them out of messages."""
        texts = (str(value) for path, value in scalars(tree) if value is not None and self.is_secret(path))
        return frozenset(text for text in texts if len(text) >= _SHORT)


def sounds_secret(name: str) -> bool:
    """Tell whether a key's name says that its value is a secret. This only ever adds to what is masked."""
    return bool(_NAMES.search(name))


def secret_places(layers: Sequence[Layer], resolved: frozenset[Path]) -> frozenset[Path]:
    """Return the paths of values that are secrets because of how they came in: resolved, or from a secret layer."""
    found = set(resolved)
    for layer in layers:
        if layer.secret:
            found.update(merged_path(layer.shares, path) for path, _ in scalars(layer.data))
    return frozenset(found)


def mask_userinfo(text: str) -> str:
    """Mask the password in a URL."""
    return _USERINFO.sub(rf"\1:{MASK}@", text) if "://" in text else text


def holds_any(text: str, secrets: Iterable[str]) -> bool:
    """Tell whether a text holds one of some secrets."""
    return any(secret in text for secret in secrets)
