"""The libraries behind the ciphers, keys and signatures against Wycheproof: all cases, with a written list of refusals.

What a library refuses by policy, and why that is right here:

- AES-GCM with a nonce below 8 or above 128 bytes, 27 valid cases: `cryptography` takes no such nonce, and none of our
  formats has one. They are told by their length, not by a list of ids, and must be refused.
"""

from __future__ import annotations

import hmac
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl import bindings
from nacl.exceptions import CryptoError

from trivet_plugins.security.ciphers.aes_gcm import AesGcm


@pytest.fixture
def cases(test_data):
    """Give every case of an algorithm with its group, byte values decoded."""

    def read(name):
        found = json.loads((test_data / "wycheproof" / f"{name}_test.json").read_text())
        return [(group, _decoded(case)) for group in found["testGroups"] for case in group["tests"]]

    return read


def _decoded(case):
    words = {"tcId", "comment", "flags", "result", "size"}
    return {name: value if name in words else bytes.fromhex(value) for name, value in case.items()}


def open_aes_gcm(case):
    return AesGcm().open(case["key"], case["iv"], case["aad"], case["ct"] + case["tag"])


def test_aes_gcm(cases):
    """Valid cases open and seal to the same bytes; invalid ones are a ValueError. 27 valid ones have a refused nonce."""
    refused = {"valid": 0, "invalid": 0}
    found = cases("aes_gcm")
    for _, case in found:
        if case["result"] == "invalid" or not 8 <= len(case["iv"]) <= 128:
            refused[case["result"]] += 1
            with pytest.raises(ValueError):  # noqa: PT011 - the contract's word, whatever its text
                open_aes_gcm(case)
            continue
        assert open_aes_gcm(case) == case["msg"], case["tcId"]
        sealed = AesGcm().seal(case["key"], case["iv"], case["aad"], case["msg"])
        assert sealed == case["ct"] + case["tag"], case["tcId"]
    assert (len(found), refused) == (316, {"valid": 27, "invalid": 87})


def test_chacha20_poly1305(cases):
    """What XChaCha20-Poly1305 is made of, in the library that it comes from; nonces of other lengths are refused."""
    found = cases("chacha20_poly1305")
    for _, case in found:
        arguments = case["aad"], case["iv"], case["key"]
        sealed = case["ct"] + case["tag"]
        if case["result"] == "valid":
            assert bindings.crypto_aead_chacha20poly1305_ietf_decrypt(sealed, *arguments) == case["msg"], case["tcId"]
            assert bindings.crypto_aead_chacha20poly1305_ietf_encrypt(case["msg"], *arguments) == sealed, case["tcId"]
        else:
            with pytest.raises(CryptoError):
                bindings.crypto_aead_chacha20poly1305_ietf_decrypt(sealed, *arguments)
    assert len(found) == 325


def test_hmac_sha256(cases):
    """`hmac.digest`, tags cut to the group's size; among them the cases of RFC 4231."""
    found = cases("hmac_sha256")
    for group, case in found:
        tag = hmac.digest(case["key"], case["msg"], "sha256")[: group["tagSize"] // 8]
        assert hmac.compare_digest(tag, case["tag"]) == (case["result"] == "valid"), case["tcId"]
    assert len(found) == 174


def test_hkdf_sha256(cases):
    """The derivation, with the cases of RFC 5869; more than 255 blocks are refused."""
    found = cases("hkdf_sha256")
    for _, case in found:
        if case["result"] == "invalid":
            with pytest.raises(ValueError, match="derive keys larger"):
                HKDF(SHA256(), case["size"], case["salt"], case["info"])
            continue
        derived = HKDF(SHA256(), case["size"], case["salt"], case["info"]).derive(case["ikm"])
        assert derived == case["okm"], case["tcId"]
    assert len(found) == 86


def test_ed25519(cases):
    """Signatures: malleable and truncated ones are refused."""
    found = cases("ed25519")
    for group, case in found:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        if case["result"] == "valid":
            key.verify(case["sig"], case["msg"])
        else:
            with pytest.raises(InvalidSignature):
                key.verify(case["sig"], case["msg"])
    assert len(found) == 151
