"""XAES-256-GCM (C2SP specification), suite 1: AES-256-GCM with a nonce of 192 bits. No settings.

The first 12 bytes of the nonce, with AES-CMAC in the counter mode of NIST SP 800-108, make the key of an AES-256-GCM whose
nonce is the last 12 bytes. Both are standard parts; there is no code of its own but the two inputs of the CMAC.

**In an envelope** the key is one that `trivet.ciphers.envelope` derived for this message alone, and the nonce is all zeros.
That composes soundly: HMAC-SHA512 gives independent keys for different envelope nonces, so each XAES key is used once; XAES
turns it, by a fixed input of a pseudo-random function, into one AES-256-GCM key, which so is used once too, and the security
of AES-256-GCM with a fresh key is left. What XAES adds is that a key of it may also be used with many random nonces, as
every segment of a stream and every other implementation of the specification does. It does not commit to its key: the
envelope's commitment does.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from trivet import Provider, hookimpl
from trivet_plugins.security.ciphers.aes_gcm import AesGcm

if TYPE_CHECKING:
    from trivet import CipherBackend, Composition

_HALF = 12


class XaesGcm:
    """XAES-256-GCM from the AES-CMAC and the AES-256-GCM of ``cryptography``."""

    suite = 1
    key_bytes = 32
    nonce_bytes = 24
    tag_bytes = 16
    max_messages = 2**80  # the specification: then two nonces are the same with a chance of 2^-32
    max_bytes = AesGcm.max_bytes
    committing = False

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.cmac import CMAC

        self._aes, self._mac, self._gcm = AES, CMAC, AesGcm()
        # The segments of a stream share key and first half of the nonce. More than the last ones would only keep keys around.
        self._derived = functools.lru_cache(maxsize=4)(self.derive)

    def derive(self, key: bytes, half: bytes) -> bytes:
        """Return the key that AES-256-GCM gets.

        Args:
            key: 32 bytes.
            half: The first 12 bytes of the nonce.

        Returns:
            32 bytes.
        """
        aes = self._aes(key)
        parts = []
        for counter in (1, 2):
            mac = self._mac(aes)
            mac.update(bytes((0, counter, ord("X"), 0)) + half)
            parts.append(mac.finalize())
        return b"".join(parts)

    def seal(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return ciphertext and tag."""
        return self._gcm.seal(*self._inner(key, nonce), aad, data)

    def open(self, key: bytes, nonce: bytes, aad: bytes, data: bytes) -> bytes:
        """Return the plaintext; raise `ValueError` if anything does not fit."""
        return self._gcm.open(*self._inner(key, nonce), aad, data)

    def _inner(self, key: bytes, nonce: bytes) -> tuple[bytes, bytes]:
        if len(key) != self.key_bytes or len(nonce) != self.nonce_bytes:  # AES and AES-GCM would take others, too
            raise ValueError(f"XAES-256-GCM takes a key of {self.key_bytes} bytes and a nonce of {self.nonce_bytes}")
        return self._derived(key, nonce[:_HALF]), nonce[_HALF:]


@hookimpl
def register_cipher_backends(composition: Composition) -> list[Provider[CipherBackend]]:
    """Offer ``cipher/xaes_256_gcm``."""
    return [Provider(name="xaes_256_gcm", factory=XaesGcm)]
