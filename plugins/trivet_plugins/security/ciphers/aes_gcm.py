"""AES-256-GCM (NIST SP 800-38D), suite 2. No settings.

A cipher of your own looks just like this, with ``replaces="cipher/aes_256_gcm"`` or a suite number from 0xE000 on.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from trivet import Provider, hookimpl

if TYPE_CHECKING:
    from trivet import CipherBackend, Composition


class AesGcm:
    """AES-256-GCM through ``cryptography``, which brings OpenSSL."""

    suite = 2
    key_bytes = 32
    nonce_bytes = 12
    tag_bytes = 16
    max_messages = 2**32  # SP 800-38D, 8.3: the bound for random 96-bit nonces
    max_bytes = 2**31 - 1 - tag_bytes  # what the library takes at once; SP 800-38D, 5.2.1.1 would allow 2^36 - 32
    committing = False

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._refused = InvalidTag
        # The segments of a stream share a key; no more than the last one is kept in memory.
        self._under = functools.lru_cache(maxsize=1)(AESGCM)

    def seal(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return ciphertext and tag."""
        return self._under(key).encrypt(nonce, data, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return the plaintext; raise `ValueError` if anything does not fit."""
        try:
            return self._under(key).decrypt(nonce, data, aad)
        except self._refused:
            raise ValueError("not sealed with this key, nonce and associated data") from None


@hookimpl
def register_cipher_backends(composition: Composition) -> list[Provider[CipherBackend]]:
    """Offer ``cipher/aes_256_gcm``."""
    return [Provider(name="aes_256_gcm", factory=AesGcm)]
