"""Checkpoints are signed notes of C2SP: exact text, one key, and nothing else passes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet_plugins.security.audit.checkpoint import Checkpoint, PublicKey, Signer

SIGNER = Signer("orders/audit/3f2a91c0", bytes(range(32)))
NOTE = SIGNER.sign(1000, bytes(32))


def test_a_note_opens_with_the_public_key():
    assert SIGNER.public.open(NOTE) == Checkpoint("orders/audit/3f2a91c0", 1000, bytes(32))
    assert PublicKey.parse(str(SIGNER.public)) == SIGNER.public


def test_the_text_is_that_of_the_specification():
    """Origin, size, root, an empty line, and a signature line that begins with an em dash."""
    origin, size, root, empty, signature, end = NOTE.split("\n")
    assert (origin, size, root, empty, end) == (
        SIGNER.public.name,
        "1000",
        base64.b64encode(bytes(32)).decode(),
        "",
        "",
    )
    assert signature.startswith("— orders/audit/3f2a91c0 ")
    assert len(base64.b64decode(signature.rpartition(" ")[2])) == 68


def test_no_single_bit_of_a_note_can_be_changed():
    raw = NOTE.encode()
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        if bit // 8 == len(raw) - 1:  # the newline at the end is the file's
            continue
        with pytest.raises(ValueError, match=r"."):
            SIGNER.public.open(flipped.decode(errors="replace"))


def test_a_signature_by_another_key_or_for_another_log_is_refused():
    with pytest.raises(ValueError, match="not by this log's key"):
        Signer(SIGNER.public.name, bytes(32)).public.open(NOTE)
    with pytest.raises(ValueError, match="another log"):
        Signer("billing/audit", bytes(range(32))).public.open(NOTE)


def test_a_witness_may_sign_too():
    """Lines of others do not disturb ours."""
    assert SIGNER.public.open(NOTE + "— witness.example " + base64.b64encode(bytes(80)).decode() + "\n").size == 1000


@pytest.mark.parametrize(
    "text",
    ["", "a+b", "x+00000000+" + "A" * 44, str(SIGNER.public)[:-1], str(SIGNER.public).replace("orders", "order")],
)
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(ValueError, match="not a public key"):
        PublicKey.parse(text)


@given(st.text(max_size=300))
def test_nonsense_is_no_checkpoint(text):
    with pytest.raises(ValueError, match=r"."):
        SIGNER.public.open(text)
