"""XAES-256-GCM against the vectors of its specification, step by step."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from trivet_plugins.security.ciphers.xaes_gcm import XaesGcm


@pytest.fixture
def vectors(test_data):
    """The published ones, byte values decoded."""
    found = json.loads((test_data / "xaes" / "xaes_256_gcm.json").read_text())["vectors"]
    assert len(found) == 2
    decode = bytes.fromhex
    return [
        {name: decode(value) for name, value in {**vector, **vector["intermediate"]}.items() if is_hex(value)}
        for vector in found
    ]


def is_hex(value):
    return isinstance(value, str) and set(value) <= set("0123456789abcdef")


def test_the_published_vectors(vectors):
    """Sealing gives the published bytes, and they open."""
    cipher = XaesGcm()
    for vector in vectors:
        key, nonce, aad = vector["key"], vector["nonce"], vector["aad"]
        assert cipher.seal(key, nonce, aad, vector["plaintext"]) == vector["ciphertext_and_tag"]
        assert cipher.open(key, nonce, aad, vector["ciphertext_and_tag"]) == vector["plaintext"]


def test_every_intermediate_value(vectors):
    """L, K1, M1, M2 by AES alone, as the specification has them, lead to the key that our CMAC gives."""
    for vector in vectors:
        aes = Cipher(algorithms.AES256(vector["key"]), modes.ECB()).encryptor().update
        assert aes(bytes(16)) == vector["L"]
        doubled = int.from_bytes(vector["L"], "big") << 1
        k1 = (doubled ^ (doubled >> 128) * ((1 << 128) | 0x87)).to_bytes(16, "big")
        assert k1 == vector["K1"]
        half = vector["nonce"][:12]
        assert vector["M1"] == b"\x00\x01X\x00" + half
        assert vector["M2"] == b"\x00\x02X\x00" + half
        derived = b"".join(aes(bytes(a ^ b for a, b in zip(vector[m], k1, strict=True))) for m in ("M1", "M2"))
        assert derived == vector["derived_key"] == XaesGcm().derive(vector["key"], half)
        assert vector["nonce"][12:] == vector["derived_nonce"]


def test_only_the_last_derived_keys_are_kept():
    """Every message has a key of its own: an unbounded cache would keep them all in memory."""
    cipher = XaesGcm()
    for number in range(100):
        cipher.seal(number.to_bytes(32, "big"), bytes(24), b"", b"")
    assert cipher._derived.cache_info().currsize <= 4
    assert cipher._gcm._under.cache_info().currsize == 1


@pytest.mark.parametrize(("key", "nonce"), [(31, 24), (33, 24), (16, 24), (32, 23), (32, 25), (32, 0)])
def test_other_lengths_are_refused(key, nonce):
    """AES takes keys of 16 bytes and AES-GCM nonces of many lengths; XAES-256-GCM has one length of each."""
    with pytest.raises(ValueError, match="a key of 32 bytes and a nonce of 24"):
        XaesGcm().seal(bytes(key), bytes(nonce), b"", b"")
