"""AES-256-GCM through the streaming interface of ``cryptography``. It keeps trivet's suite number: it opens what that sealed."""

from __future__ import annotations


class AcmeGcm:
    """AES-256-GCM (NIST SP 800-38D)."""

    suite = 2
    key_bytes = 32
    nonce_bytes = 12
    tag_bytes = 16
    max_messages = 2**32
    max_bytes = 2**31 - 1 - tag_bytes
    committing = False

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        self._refused = InvalidTag
        self._cipher, self._aes, self._gcm = Cipher, algorithms.AES, modes.GCM

    def seal(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return ciphertext and tag."""
        encryptor = self._cipher(self._aes(key), self._gcm(nonce)).encryptor()
        encryptor.authenticate_additional_data(aad)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def open(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return the plaintext; raise `ValueError` if anything does not fit."""
        sealed, tag = data[: -self.tag_bytes], data[-self.tag_bytes :]
        decryptor = self._cipher(self._aes(key), self._gcm(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(aad)
        try:
            return decryptor.update(sealed) + decryptor.finalize()
        except self._refused:
            raise ValueError("not sealed with this key, nonce and associated data") from None
