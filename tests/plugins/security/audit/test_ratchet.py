"""The key moves on after each record, by published functions, and does not come back."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from trivet_plugins.security.audit.ratchet import Ratchet

SEED = bytes(range(32))


def test_the_next_key_is_hkdf_expand():
    """As ``cryptography`` computes it (RFC 5869)."""
    ratchet = Ratchet(0, SEED)
    ratchet.step()
    assert ratchet.key() == HKDFExpand(hashes.SHA256(), 32, b"trivet/audit/v1 next").derive(SEED)
    assert ratchet.position == 1


def test_a_tag_is_hmac_over_number_tag_before_and_record():
    message = b"trivet/audit/v1 record" + (7).to_bytes(8) + bytes(32) + b"{}"
    assert Ratchet(7, SEED).tag(bytes(32), b"{}") == hmac.new(SEED, message, hashlib.sha256).digest()


def test_every_position_has_tags_of_its_own():
    ratchet, tags = Ratchet(0, SEED), set()
    for _ in range(100):
        tags.add(ratchet.tag(bytes(32), b"{}"))
        ratchet.step()
    assert len(tags) == 100


def test_there_is_no_way_back():
    ratchet = Ratchet(0, SEED)
    ratchet.forward(10)
    with pytest.raises(ValueError, match="cannot go back to 9"):
        ratchet.forward(9)


def test_the_old_key_is_overwritten_in_place_and_shown_nowhere():
    """What Python leaves elsewhere it cannot wipe, and the documentation says so; this buffer it can."""
    ratchet = Ratchet(0, SEED)
    buffer = ratchet._key
    ratchet.step()
    assert buffer is ratchet._key
    assert bytes(buffer) != SEED
    assert SEED.hex() not in repr(ratchet)
    ratchet.wipe()
    assert bytes(buffer) == bytes(32)


def test_a_key_of_another_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        Ratchet(0, b"short")
