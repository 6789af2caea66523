"""``kernel.ciphers.sign`` and ``verify``: one signature per data, purpose, service, place and key."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.ciphers import base64url
from trivet.ciphers.binding import Binding
from trivet.ciphers.contracts import Key
from trivet.ciphers.registry import Ciphers
from trivet.ciphers.signing import PREFIX
from trivet.errors import KeyRingError, SealError

CANARY = b"signing-key-canary-of-32-bytes!!"
OLD, NEW = Key(0xAA, 2, CANARY), Key(0xBB, 1, bytes(range(32)))
DATA = b"generation 7 of orders.toml"


class Ring:
    """Keys in memory; the first is primary."""

    def __init__(self, *keys):
        self.keys = keys

    def primary(self):
        if not self.keys:
            raise KeyRingError("no key")
        return self.keys[0]

    def find(self, key_id):
        return next((key for key in self.keys if key.id == key_id), None)

    def key_ids(self):
        return [key.id for key in self.keys]


def ciphers_of(*keys, name="orders"):
    events = []
    ciphers = Ciphers(name, emit=events.append)
    ciphers.use_ring(Ring(*keys))
    ciphers.events = events
    return ciphers


async def refusal(ciphers, data, signature, **where):
    with pytest.raises(SealError) as caught:
        await ciphers.verify(data, signature, **where)
    assert caught.value.__context__ is None
    return str(caught.value)


async def test_what_is_signed_verifies():
    """Its form is fixed: the prefix and 54 characters."""
    ciphers = ciphers_of(OLD)
    signature = ciphers.sign(DATA, purpose="manifest", path=("orders.toml", 3))
    assert re.fullmatch(r"trivet-mac:1:[A-Za-z0-9_-]{54}", signature)
    assert await ciphers.verify(DATA, signature, purpose="manifest", path=("orders.toml", 3)) is None
    assert ciphers.sign(DATA, purpose="manifest", path=("orders.toml", 3)) == signature


def test_the_tag_is_the_documented_one():
    """Made here from the words of the docstring, with hashlib and hmac of their own."""
    subkey = hmac.new(CANARY, b"trivet/mac/v1", hashlib.sha512).digest()[:32]
    place = Binding("manifest", "orders", ("a", 1), "bytes").encode()
    tag = hmac.new(subkey, place + DATA, hashlib.sha256).digest()
    expected = PREFIX + base64url.encode(OLD.id.to_bytes(8, "big") + tag)
    assert ciphers_of(OLD).sign(DATA, purpose="manifest", path=("a", 1)) == expected


def test_the_vector_of_the_documentation():
    """A published value, so that another implementation can be held to it."""
    expected = "trivet-mac:1:AAAAAAAAAKrkqV6hwQ7-Is_jez29Tll3ea9EZl6501l6nWyvwAr1wA"
    assert ciphers_of(OLD).sign(b"data", purpose="demo") == expected
    page = Path(__file__).parents[3] / "docs" / "how-to" / "sign-data.md"
    assert expected in page.read_text().splitlines()


def test_the_library_agrees_with_published_vectors(test_data):
    """Every HMAC-SHA256 case of Wycheproof, truncated tags included."""
    ran = 0
    for group in json.loads((test_data / "wycheproof" / "hmac_sha256_test.json").read_text())["testGroups"]:
        for case in group["tests"]:
            key, msg, tag = (bytes.fromhex(case[name]) for name in ("key", "msg", "tag"))
            ran += 1
            made = hmac.digest(key, msg, "sha256")[: group["tagSize"] // 8]
            assert hmac.compare_digest(made, tag) is (case["result"] == "valid"), case["tcId"]
    assert ran == 174


async def test_after_a_rotation_both_keys_verify_and_the_new_one_signs():
    """By its id, which the signature holds; a key that has left the ring verifies nothing."""
    old = ciphers_of(OLD).sign(DATA, purpose="manifest")
    rotated = ciphers_of(NEW, OLD)
    await rotated.verify(DATA, old, purpose="manifest")
    new = rotated.sign(DATA, purpose="manifest")
    assert new != old
    await rotated.verify(DATA, new, purpose="manifest")
    await refusal(ciphers_of(NEW), DATA, old, purpose="manifest")
    used = [(event.operation, event.key_id, event.outcome) for event in rotated.events]
    ids = ("00000000000000aa", "00000000000000bb", "00000000000000bb")
    assert used == list(zip(("verify", "sign", "verify"), ids, ("ok",) * 3, strict=True))


async def test_every_failure_has_one_text():
    """Data, purpose, place, service, key, form: nothing says which of them it was."""
    ciphers = ciphers_of(OLD)
    signature = ciphers.sign(DATA, purpose="manifest", path=("a",))
    other_service = ciphers_of(OLD, name="billing")
    same_id = ciphers_of(Key(OLD.id, 2, bytes(32)))
    texts = {
        await refusal(ciphers, DATA + b"\0", signature, purpose="manifest", path=("a",)),
        await refusal(ciphers, DATA, signature, purpose="cookie", path=("a",)),
        await refusal(ciphers, DATA, signature, purpose="manifest", path=("b",)),
        await refusal(ciphers, DATA, signature, purpose="manifest"),
        await refusal(other_service, DATA, signature, purpose="manifest", path=("a",)),
        await refusal(ciphers_of(NEW), DATA, signature, purpose="manifest", path=("a",)),
        await refusal(same_id, DATA, signature, purpose="manifest", path=("a",)),
        await refusal(ciphers, DATA, "", purpose="manifest", path=("a",)),
        await refusal(ciphers, DATA, "trivet:1:AAAA", purpose="manifest", path=("a",)),
        await refusal(ciphers, DATA, signature + "\n", purpose="manifest", path=("a",)),
        await refusal(ciphers, DATA, "x" * 10_000_000, purpose="manifest", path=("a",)),
        await refusal(ciphers, DATA, signature[:-1] + "é", purpose="manifest", path=("a",)),
    }
    assert len(texts) == 1
    assert {(event.operation, event.outcome) for event in ciphers.events[1:]} == {("verify", "failed")}
    assert {event.target for event in ciphers.events} == {"manifest a", "cookie a", "manifest b", "manifest"}


async def test_every_changed_bit_is_detected():
    """Of the key id and of the tag; and every other text for the same bits is refused too."""
    ciphers = ciphers_of(OLD)
    signature = ciphers.sign(DATA, purpose="manifest")
    raw = base64url.decode(signature.removeprefix(PREFIX))
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        await refusal(ciphers, DATA, PREFIX + base64url.encode(bytes(changed)), purpose="manifest")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/="
    for last in set(alphabet) - {signature[-1]}:
        await refusal(ciphers, DATA, signature[:-1] + last, purpose="manifest")


@given(data=st.binary(max_size=40), cut=st.integers(0, 40), path=st.lists(st.text(max_size=5)).map(tuple))
def test_no_byte_moves_between_place_and_data(data, cut, path):
    """Two different pairs of place and data never have one signature."""
    ciphers = ciphers_of(OLD)
    cut = min(cut, len(data))
    head, tail = data[:cut], data[cut:]
    moved = ciphers.sign(tail, purpose="p", path=(*path, head.decode("latin-1")))
    assert moved != ciphers.sign(data, purpose="p", path=path)


async def test_an_error_shows_no_key():
    """Not even with all local variables shown."""
    ciphers = ciphers_of(OLD)
    with pytest.raises(SealError) as caught:
        await ciphers.verify(DATA, ciphers.sign(b"other", purpose="manifest"), purpose="manifest")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert CANARY.decode() not in shown
    assert repr(hmac.digest(CANARY, b"trivet/mac/v1", "sha512")[:32]) not in shown


async def test_without_a_usable_key_nothing_is_signed():
    """No ring, an empty ring, a short key: each says what to do, and is told of."""
    alone = Ciphers("orders")
    with pytest.raises(KeyRingError, match="key_file"):
        alone.sign(DATA, purpose="p")
    with pytest.raises(KeyRingError, match="no key"):
        ciphers_of().sign(DATA, purpose="p")
    short = ciphers_of(Key(1, 2, bytes(16)))
    with pytest.raises(KeyRingError, match="needs 32"):
        short.sign(DATA, purpose="p")
    assert [(event.operation, event.outcome) for event in short.events] == [("sign", "failed")]
