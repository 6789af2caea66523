"""AES-256-GCM-SIV (RFC 8452), suite 4: a nonce that repeats shows that two messages are equal, and no more. No settings.

It reads a message twice and is twenty times slower than AES-256-GCM on long ones; for small values that does not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Provider, hookimpl

if TYPE_CHECKING:
    from trivet import CipherBackend, Composition


class AesGcmSiv:
    """AES-256-GCM-SIV through ``cryptography``; needs OpenSSL 3.2, which its wheels bring (a distribution's build may not)."""

    suite = 4
    key_bytes = 32
    nonce_bytes = 12
    tag_bytes = 16
    max_messages = 2**32  # ours: the bound of AES-256-GCM, though a repeated nonce is no disaster here
    max_bytes = 2**31 - 1 - tag_bytes  # what the library takes at once; RFC 8452, 6 would allow 2^36
    committing = False

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

        AESGCMSIV(bytes(self.key_bytes))  # an OpenSSL without it is found out now, not at the first value
        self._cipher, self._refused = AESGCMSIV, InvalidTag

    def seal(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return ciphertext and tag."""
        return self._cipher(key).encrypt(nonce, data, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return the plaintext; raise `ValueError` if anything does not fit."""
        try:
            return self._cipher(key).decrypt(nonce, data, aad)
        except self._refused:
            raise ValueError("not sealed with this key, nonce and associated data") from None


@hookimpl
def register_cipher_backends(composition: Composition) -> list[Provider[CipherBackend]]:
    """Offer ``cipher/aes_256_gcm_siv``; a service that runs on an older OpenSSL and has no key for it can do without."""
    return [Provider(name="aes_256_gcm_siv", factory=AesGcmSiv, critical=False)]
