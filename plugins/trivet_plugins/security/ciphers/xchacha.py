"""XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), suite 3: fast where the processor has no AES instructions. No settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Provider, hookimpl

if TYPE_CHECKING:
    from trivet import CipherBackend, Composition


class XChaCha:
    """XChaCha20-Poly1305 through PyNaCl, which brings libsodium."""

    suite = 3
    key_bytes = 32
    nonce_bytes = 24
    tag_bytes = 16
    max_messages = 2**80  # ours: then two of the random 192-bit nonces are the same with a chance of 2^-32
    max_bytes = 2**38 - 64  # RFC 8439, 2.8: the 32-bit block counter
    committing = False

    def __init__(self) -> None:
        from nacl import bindings
        from nacl.exceptions import CryptoError

        self._encrypt = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt
        self._decrypt = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt
        self._refused = CryptoError

    def seal(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return ciphertext and tag."""
        return self._encrypt(data, aad, nonce, key)

    def open(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return the plaintext; raise `ValueError` if anything does not fit."""
        try:
            return self._decrypt(data, aad, nonce, key)  # raises ValueError itself for less than a tag
        except self._refused:
            raise ValueError("not sealed with this key, nonce and associated data") from None


@hookimpl
def register_cipher_backends(composition: Composition) -> list[Provider[CipherBackend]]:
    """Offer ``cipher/xchacha20_poly1305``."""
    return [Provider(name="xchacha20_poly1305", factory=XChaCha)]
