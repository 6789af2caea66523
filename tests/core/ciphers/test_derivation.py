"""``kernel.ciphers.derive``: keys for the application's own use."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from trivet.ciphers.binding import Binding
from trivet.ciphers.contracts import Key
from trivet.ciphers.registry import Ciphers
from trivet.ciphers.subkey import subkey
from trivet.errors import KeyRingError

CANARY = b"derive-key-canary-of-32-bytes!!!"
OLD, NEW = Key(0xAA, 2, CANARY), Key(0xBB, 1, bytes(range(32)))


class Ring:
    """Keys in memory; the first is primary."""

    def __init__(self, *keys):
        self.keys = keys

    def primary(self):
        return self.keys[0]

    def find(self, key_id):
        return next((key for key in self.keys if key.id == key_id), None)

    def key_ids(self):
        return [key.id for key in self.keys]


def ciphers_of(*keys, name="orders", emit=None):
    ciphers = Ciphers(name, emit=emit or (lambda event: None))
    ciphers.use_ring(Ring(*keys))
    return ciphers


@pytest.mark.parametrize("length", [16, 32, 33, 64])
def test_it_is_hkdf_expand_as_the_library_has_it(length):
    """With SHA-512, the documented subkey and info."""
    info = Binding("cookies", "orders", ("tenant", 7), "bytes").encode() + length.to_bytes(2, "big")
    expected = HKDFExpand(hashes.SHA512(), length, info).derive(subkey(OLD, b"trivet/kdf/v1"))
    assert ciphers_of(OLD).derive(purpose="cookies", path=("tenant", 7), length=length).material == expected


def test_the_library_agrees_with_published_vectors(test_data):
    """Every HKDF-SHA256 case of Wycheproof."""
    ran = 0
    for group in json.loads((test_data / "wycheproof" / "hkdf_sha256_test.json").read_text())["testGroups"]:
        for case in group["tests"]:
            ikm, salt, info, okm = (bytes.fromhex(case[name]) for name in ("ikm", "salt", "info", "okm"))
            ran += 1
            if case["result"] == "valid":
                assert HKDF(hashes.SHA256(), case["size"], salt, info).derive(ikm) == okm, case["tcId"]
            else:
                with pytest.raises(ValueError, match="larger"):
                    HKDF(hashes.SHA256(), case["size"], salt, info)
    assert ran == 86


def test_it_is_stable_and_differs_in_everything_that_is_named():
    """Purpose, path, service, length and data key: no two share a byte sequence."""
    ciphers = ciphers_of(OLD)
    one = ciphers.derive(purpose="cookies")
    assert ciphers.derive(purpose="cookies").material == one.material
    others = [
        ciphers.derive(purpose="tokens"),
        ciphers.derive(purpose="cookies", path=("a",)),
        ciphers.derive(purpose="cookies", length=64),
        ciphers_of(OLD, name="billing").derive(purpose="cookies"),
        ciphers_of(NEW).derive(purpose="cookies"),
    ]
    assert len({key.material[:16] for key in (one, *others)}) == 6
    assert CANARY not in (one.material, *(key.material for key in others))


def test_after_a_rotation_the_id_finds_the_same_key():
    """The default is the primary key's; an older one is asked for by its id, until it leaves the ring."""
    before = ciphers_of(OLD).derive(purpose="cookies")
    rotated = ciphers_of(NEW, OLD)
    assert rotated.derive(purpose="cookies").id == NEW.id
    assert rotated.derive(purpose="cookies", key_id=before.id).material == before.material
    assert rotated.key_ids() == [NEW.id, OLD.id]
    with pytest.raises(KeyRingError, match="00000000000000aa"):
        ciphers_of(NEW).derive(purpose="cookies", key_id=before.id)


@given(length=st.integers().filter(lambda n: not 16 <= n <= 64))
def test_other_lengths_are_refused(length):
    with pytest.raises(ValueError, match="16 to 64"):
        ciphers_of(OLD).derive(purpose="cookies", length=length)


def test_it_is_told_of_without_the_key():
    """Neither the event nor the repr shows it."""
    events = []
    key = ciphers_of(OLD, emit=events.append).derive(purpose="cookies", path=("a",))
    [event] = events
    assert (event.operation, event.target, event.key_id) == ("derive", "cookies a", "00000000000000aa")
    assert repr(key.material) not in repr(key) + repr(event)
