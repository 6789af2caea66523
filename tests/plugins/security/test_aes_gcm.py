"""The AES-256-GCM cipher against published vectors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from trivet import CipherBackend
from trivet_plugins.security import aes_gcm
from trivet_plugins.security.aes_gcm import AesGcm


def test_wycheproof(test_data):
    """Every published case: valid ones open and seal to the same bytes, invalid ones are refused.

    Skipped are only the nonce lengths that ``cryptography`` refuses (below 8 and above 128 bytes), 27 valid cases.
    """
    cipher, skipped = AesGcm(), {"valid": 0, "invalid": 0}
    ran = 0
    for group in json.loads((test_data / "wycheproof" / "aes_gcm_test.json").read_text())["testGroups"]:
        for case in group["tests"]:
            key, iv, aad, msg, ct, tag = (
                bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
            )
            if not 8 <= len(iv) <= 128:
                skipped[case["result"]] += 1
                with pytest.raises(ValueError):  # noqa: PT011 - any refusal
                    cipher.open(key, iv, aad, ct + tag)
                continue
            ran += 1
            if case["result"] == "valid":
                assert cipher.open(key, iv, aad, ct + tag) == msg, case["tcId"]
                assert cipher.seal(key, iv, aad, msg) == ct + tag, case["tcId"]
            else:
                with pytest.raises(ValueError):  # noqa: PT011 - the contract's type
                    cipher.open(key, iv, aad, ct + tag)
    assert skipped["valid"] == 27
    assert ran + sum(skipped.values()) == 316


def test_a_refusal_is_a_value_error_with_nothing_chained_for_print():
    """The contract's exception, whatever the library raises."""
    with pytest.raises(ValueError, match="not sealed with this key") as caught:
        AesGcm().open(bytes(32), bytes(12), b"", bytes(16))
    assert caught.value.__suppress_context__


def test_it_keeps_the_contract_and_says_its_limits():
    """Suite 2, and the sizes that every envelope relies on."""
    cipher = AesGcm()
    assert isinstance(cipher, CipherBackend)
    assert (cipher.suite, cipher.key_bytes, cipher.nonce_bytes, cipher.tag_bytes) == (2, 32, 12, 16)
    assert len(cipher.seal(bytes(32), bytes(12), b"", b"four")) == 4 + cipher.tag_bytes


def test_the_object_cache_is_bounded():
    """Every message has a key of its own: an unbounded cache would keep them all."""
    cipher = AesGcm()
    for number in range(1000):
        cipher.seal(number.to_bytes(32, "big"), bytes(12), b"", b"")
    assert cipher._under.cache_info().currsize <= 128


def test_importing_the_plugin_does_not_import_cryptography():
    """The import budget: the library loads with the provider."""
    code = f"import sys, {aes_gcm.__name__}; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=15).returncode == 0


def test_the_hook_offers_one_cipher():
    """``cipher/aes_256_gcm``, by the name that others replace."""
    (provider,) = aes_gcm.register_cipher_backends(None)
    assert provider.name == "aes_256_gcm"
    assert isinstance(provider.factory(), CipherBackend)
