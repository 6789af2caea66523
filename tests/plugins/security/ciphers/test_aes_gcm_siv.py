"""AES-256-GCM-SIV against vectors of RFC 8452."""

from __future__ import annotations

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import aead

from trivet_plugins.security.ciphers.aes_gcm_siv import AesGcmSiv


@pytest.mark.parametrize(
    ("data", "aad", "sealed"),
    [
        ("", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
        ("0100000000000000", "", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"),
        ("010000000000000000000000", "", "9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e"),
        ("0200000000000000", "01", "1de22967237a813291213f267e3b452f02d01ae33e4ec854"),
    ],
)
def test_vectors(data, aad, sealed):
    """Appendix C.2."""
    key, nonce = bytes([1, *bytes(31)]), bytes([3, *bytes(11)])
    data, aad, sealed = map(bytes.fromhex, (data, aad, sealed))
    assert AesGcmSiv().seal(key, nonce, aad, data) == sealed
    assert AesGcmSiv().open(key, nonce, aad, sealed) == data


def test_a_repeated_nonce_shows_only_that_two_messages_are_equal():
    """What this suite is for: other messages under the same key and nonce share nothing."""
    key, nonce = bytes(32), bytes(12)
    one, same, other = (AesGcmSiv().seal(key, nonce, b"", data) for data in (b"a" * 32, b"a" * 32, b"a" * 31 + b"b"))
    assert one == same
    assert one[:16] != other[:16]


async def test_an_openssl_without_it_does_not_keep_a_service_from_starting(kernel_factory, monkeypatch):
    """The other ciphers are there; the health of the provider says what is missing."""

    def unsupported(_key):
        raise UnsupportedAlgorithm("AES-GCM-SIV is not supported by this version of OpenSSL")

    monkeypatch.setattr(aead, "AESGCMSIV", unsupported)
    kernel = await kernel_factory(plugins=["aes_gcm", "aes_gcm_siv"])
    assert list(kernel.ciphers.suites()) == [2]
    (row,) = [row for row in kernel.plugins() if row.id == "cipher/aes_256_gcm_siv"]
    assert "not supported by this version of OpenSSL" in str(row)
