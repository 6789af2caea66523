"""The test vectors of the documentation, read from its page: sealing gives them, and they open."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from trivet.ciphers import stream, suite
from trivet.ciphers.contracts import Key
from trivet.ciphers.registry import Ciphers
from trivet_plugins.security.ciphers.aes_gcm import AesGcm
from trivet_plugins.security.ciphers.aes_gcm_siv import AesGcmSiv
from trivet_plugins.security.ciphers.xaes_gcm import XaesGcm
from trivet_plugins.security.ciphers.xchacha import XChaCha

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "envelope.md"
VECTORS = json.loads(re.search(r"^:name: vectors\n\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1])
PLACE = {"purpose": VECTORS["purpose"], "path": tuple(VECTORS["path"])}
PLAINTEXT = VECTORS["plaintext"].encode()
LONG = b"a" * 131_073


class Ring:
    """The key of the vectors."""

    def __init__(self, number):
        self.key = Key(int(VECTORS["key_id"], 16), number, bytes.fromhex(VECTORS["key"]))

    def primary(self):
        return self.key

    def find(self, key_id):
        return self.key if key_id == self.key.id else None

    def key_ids(self):
        return [self.key.id]


class Buffer:
    """A source and a target."""

    def __init__(self, data=b""):
        self.data = data

    async def read(self, size):
        part, self.data = self.data[:size], self.data[size:]
        return part

    async def write(self, data):
        self.data += data


@pytest.fixture(params=[XaesGcm, AesGcm, XChaCha, AesGcmSiv], ids=lambda backend: f"suite {backend.suite}")
def ciphers(request, monkeypatch):
    """One suite with the key of the vectors; every nonce is theirs."""

    def nonce(size):
        assert size == 24
        return bytes.fromhex(VECTORS["nonce"])

    for module in (suite, stream):
        monkeypatch.setattr(module.secrets, "token_bytes", nonce)
    made = Ciphers(VECTORS["service"])
    made.add_backend("cipher", request.param())
    made.use_ring(Ring(request.param.suite))
    return made


async def test_envelopes(ciphers):
    """Byte for byte, both ways."""
    (number,) = ciphers.suites()
    text = VECTORS["envelopes"][str(number)]
    assert await ciphers.seal(PLAINTEXT, type=VECTORS["type"], **PLACE) == text
    assert await ciphers.open(text, type=VECTORS["type"], **PLACE) == PLAINTEXT


async def test_streams(ciphers):
    """Byte for byte, both ways; and the hash of one with three segments."""
    (number,) = ciphers.suites()
    raw = bytes.fromhex(VECTORS["streams"][str(number)])
    sealed, opened = Buffer(), Buffer()
    await ciphers.seal_stream(Buffer(PLAINTEXT), sealed, **PLACE)
    assert sealed.data == raw
    await ciphers.open_stream(Buffer(raw), opened, **PLACE)
    assert opened.data == PLAINTEXT
    long = Buffer()
    await ciphers.seal_stream(Buffer(LONG), long, **PLACE)
    assert hashlib.sha256(long.data).hexdigest() == VECTORS["sha256_of_long_streams"][str(number)]


def test_there_is_one_for_every_suite():
    """None is forgotten."""
    assert [list(VECTORS[kind]) for kind in ("envelopes", "streams", "sha256_of_long_streams")] == [list("1234")] * 3
