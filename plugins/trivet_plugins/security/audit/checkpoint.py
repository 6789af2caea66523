"""`Checkpoint`: how long the log is and the root of its hash tree, signed with Ed25519.

The text is that of C2SP tlog-checkpoint in a C2SP signed-note, so that witnesses and tools for transparency logs read it::

    orders/audit/3f2a91c0
    1000
    qjLZxLQmfeE9RBRqWNEWFXHzTyYYG4IhXXmBbLHVzGc=

    — orders/audit/3f2a91c0 <base64 of key hash and signature>

A key hash is the first 4 bytes of SHA-256(name || 0x0A || 0x01 || public key).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.security.merkle import HASH_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_NOTE_BYTES: Final = 4096

_ED25519: Final = b"\x01"
_ORIGIN: Final = re.compile(r"[^\s+\x00-\x20]{1,200}\Z")
_SIZE: Final = re.compile(r"0\Z|[1-9][0-9]{0,15}\Z")
_KEY: Final = re.compile(r"([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})\Z")
_DASH: Final = "\N{EM DASH} "


def _decoded(text: str, length: int, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != length or base64.b64encode(raw).decode() != text:
        raise ValueError(f"{what} is not base64 of {length} bytes")
    return raw


@attrs.frozen
class Checkpoint:
    """The state of a log at one time.

    Args:
        origin: The log's name; unique in the world.
        size: How many records it has.
        root: The root of its hash tree, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def of(cls, body: str) -> Checkpoint:
        """Read a body.

        Raises:
            ValueError: if it is none.
        """
        lines = body.split("\n")
        if len(lines) != 4 or lines[3] or not _ORIGIN.match(lines[0]) or not _SIZE.match(lines[1]):
            raise ValueError("not a checkpoint: it must be three lines, of origin, size and root")
        return cls(lines[0], int(lines[1]), _decoded(lines[2], HASH_BYTES, "the root"))


@attrs.frozen
class PublicKey:
    """What checks the signatures of a log; it is no secret.

    Args:
        name: The log's origin.
        raw: 32 bytes of Ed25519.
    """

    name: str
    raw: bytes

    def hash(self) -> bytes:
        """Return the 4 bytes that stand before each signature, for a quick choice among many."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash().hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read a key in the text form of C2SP signed-note.

        Raises:
            ValueError: if it is none.
        """
        match = _KEY.match(text)
        if match is None:
            raise ValueError("not a public key: it must be name+hash+key")
        raw = _decoded(match[3], 33, "the key")
        key = cls(match[1], raw[1:])
        if raw[:1] != _ED25519 or key.hash().hex() != match[2]:
            raise ValueError("not a public key of Ed25519, or its hash does not fit: it was damaged on its way")
        return key

    def open(self, note: str) -> Checkpoint:
        """Read a signed note.

        Raises:
            ValueError: if it is no checkpoint of this log with a signature by this key.
        """
        body, empty, signatures = note.partition("\n\n")
        if not empty or len(note) > MAX_NOTE_BYTES:
            raise ValueError("not a signed checkpoint")
        checkpoint = Checkpoint.of(body + "\n")
        if checkpoint.origin != self.name:
            raise ValueError("it is of another log: its first line is not the name of the public key")
        if not any(self._signed(line, body + "\n") for line in signatures.split("\n")):
            raise ValueError("its signature is not by this log's key")
        return checkpoint

    def _signed(self, line: str, body: str) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        prefix = f"{_DASH}{self.name} "
        try:
            raw = _decoded(line.removeprefix(prefix), 68, "a signature")
            if line.startswith(prefix) and raw[:4] == self.hash():
                Ed25519PublicKey.from_public_bytes(self.raw).verify(raw[4:], body.encode())
                return True
        except (InvalidSignature, ValueError):
            pass
        return False


class Signer:
    """Signs checkpoints.

    Args:
        name: The log's origin.
        seed: The private key, 32 bytes.
    """

    def __init__(self, name: str, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(name, self._key.public_key().public_bytes_raw())

    def sign(self, size: int, root: bytes) -> str:
        """Return a signed note."""
        body = Checkpoint(self.public.name, size, root).body()
        signature = base64.b64encode(self.public.hash() + self._key.sign(body.encode())).decode()
        return f"{body}\n{_DASH}{self.public.name} {signature}\n"
