"""PBKDF2-HMAC-SHA256: the library against published answers, our form, bounds, levels."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys

import anyio
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from trivet import PasswordError
from trivet_plugins.security.levels import LEVELS
from trivet_plugins.security.passwords import pbkdf2_sha256
from trivet_plugins.security.passwords.pbkdf2_sha256 import Pbkdf2Config, Pbkdf2Sha256

# RFC 7914, section 11.
RFC_7914 = [
    (
        b"passwd",
        b"salt",
        1,
        (
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
            "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        ),
    ),
    (
        b"Password",
        b"NaCl",
        80_000,
        (
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
            "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
        ),
    ),
]
# RFC 6070, section 2, is for HMAC-SHA1: that the library's construction is right. Its case of 16,777,216 rounds is left out.
RFC_6070 = [
    (b"password", b"salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
    (b"password", b"salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
    (b"password", b"salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
    (
        b"passwordPASSWORDpassword",
        b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
        4096,
        "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
    ),
    (b"pass\0word", b"sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
]


def hasher(rounds=1000, bound=100_000):
    return Pbkdf2Sha256(rounds, bound=bound, concurrency=2)


def encoded(raw):
    return base64.b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(("password", "salt", "rounds", "expected"), RFC_6070)
def test_the_library_agrees_with_rfc_6070(password, salt, rounds, expected):
    derived = PBKDF2HMAC(hashes.SHA1(), len(expected) // 2, salt, rounds).derive(password)
    assert derived.hex() == expected


@pytest.mark.parametrize(("password", "salt", "rounds", "expected"), RFC_7914)
async def test_we_agree_with_rfc_7914(password, salt, rounds, expected):
    """Through our own form: the salt made long enough for it is not the RFC's, so the derivation is asked directly too."""
    derived = await hasher()._derive(password.decode(), salt, rounds, 64)
    assert derived.hex() == expected


async def test_a_hash_is_what_its_parameters_say():
    """Another implementation computes the same from the string."""
    hashed = await hasher().hash("correct horse")
    assert hashed.startswith("$pbkdf2-sha256$i=1000,l=32$")
    salt, stored = (base64.b64decode(part + "==") for part in hashed.split("$")[3:])
    assert len(salt) == 16
    assert hashlib.pbkdf2_hmac("sha256", b"correct horse", salt, 1000) == stored


async def test_hashes_of_other_lengths_are_read():
    """RFC 6070 and other programs use them."""
    for length in (20, 32, 64):
        stored = hashlib.pbkdf2_hmac("sha256", b"horse", b"saltSALTsalt", 2000, length)
        text = f"$pbkdf2-sha256$i=2000,l={length}${encoded(b'saltSALTsalt')}${encoded(stored)}"
        assert await hasher().verify("horse", text) is True
        assert await hasher().verify("house", text) is False
        assert hasher(2000).needs_rehash(text)


async def test_more_rounds_than_the_bound_are_refused_without_a_thread(monkeypatch):
    monkeypatch.setattr(anyio.to_thread, "run_sync", None)
    with pytest.raises(PasswordError, match="100001 rounds; the bound is 100000"):
        await hasher().verify("x", f"$pbkdf2-sha256$i=100001,l=32${'A' * 22}${'A' * 43}")


@pytest.mark.parametrize(
    "text",
    [
        f"$pbkdf2-sha256$i=1000,l=31${'A' * 22}${'A' * 43}",
        f"$pbkdf2-sha256$i=01000,l=32${'A' * 22}${'A' * 43}",
        f"$pbkdf2-sha256$i=1000${'A' * 22}${'A' * 43}",
        f"$pbkdf2-sha256$1000${'A' * 22}${'A' * 43}",
        f"$pbkdf2-sha256$i=1000,l=32${'A' * 21}B${'A' * 43}",
        f"$pbkdf2-sha512$i=1000,l=32${'A' * 22}${'A' * 43}",
    ],
)
async def test_another_form_is_no_hash(text):
    """A length that lies, numbers that are not canonical, stray bits, another hash function."""
    with pytest.raises(PasswordError, match="no PBKDF2-SHA256 hash"):
        await hasher().verify("x", text)
    with pytest.raises(PasswordError, match="no PBKDF2-SHA256 hash"):
        hasher().needs_rehash(text)


async def test_other_rounds_need_a_rehash():
    hashed = await hasher().hash("correct horse")
    assert not hasher().needs_rehash(hashed)
    assert hasher(1001).needs_rehash(hashed)


@pytest.mark.parametrize("name", LEVELS)
async def test_the_level_says_the_rounds_unless_the_section_does(kernel_factory, name):
    """A figure below the level's is a shortfall."""
    level = LEVELS[name]
    assert list(Pbkdf2Config().shortfalls(level)) == []
    [shortfall] = Pbkdf2Config(rounds=level.pbkdf2_rounds - 1).shortfalls(level)
    assert shortfall.reason == f"{level.pbkdf2_rounds - 1} is below the {level.pbkdf2_rounds} of level {name}"
    settings = {"plugins": {"security_level": {"name": name}}}
    kernel = await kernel_factory(settings, plugins=["pbkdf2_sha256", "security_level"])
    made = await kernel.provided("password_hasher")["pbkdf2_sha256"].hash("correct horse")
    assert f"$i={level.pbkdf2_rounds},l=32$" in made


def test_importing_the_plugin_does_not_import_the_library():
    """The import budget: the library loads with the provider."""
    code = f"import sys, {pbkdf2_sha256.__name__}; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=15).returncode == 0
