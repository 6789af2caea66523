"""What the four built-in ciphers have in common."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trivet import CipherBackend
from trivet_plugins.security.ciphers import aes_gcm, aes_gcm_siv, xaes_gcm, xchacha

PLUGINS = {1: xaes_gcm, 2: aes_gcm, 3: xchacha, 4: aes_gcm_siv}


def backend(module):
    (provider,) = module.register_cipher_backends(None)
    return provider.factory()


@pytest.fixture(params=PLUGINS, ids=lambda suite: f"suite {suite}")
def suite(request):
    """The number of one."""
    return request.param


def test_its_number_is_the_documented_one(suite):
    """The number stands in every envelope: it never changes."""
    cipher = backend(PLUGINS[suite])
    assert isinstance(cipher, CipherBackend)
    assert cipher.suite == suite


def test_a_refusal_is_a_value_error_with_nothing_chained_for_print(suite):
    """The contract's exception, whatever the library raises."""
    cipher = backend(PLUGINS[suite])
    with pytest.raises(ValueError, match="not sealed with this key") as caught:
        cipher.open(bytes(32), bytes(cipher.nonce_bytes), b"", bytes(16))
    assert caught.value.__suppress_context__


def test_importing_the_plugin_imports_no_library(suite):
    """The import budget: the library loads with the provider."""
    code = f"import sys, {PLUGINS[suite].__name__}; sys.exit(bool({{'cryptography', 'nacl'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=15).returncode == 0


def test_the_hook_offers_one_cipher_under_the_name_that_others_replace():
    """Names are part of the public contract, as numbers are."""
    names = [provider.name for module in PLUGINS.values() for provider in module.register_cipher_backends(None)]
    assert names == ["xaes_256_gcm", "aes_256_gcm", "xchacha20_poly1305", "aes_256_gcm_siv"]
