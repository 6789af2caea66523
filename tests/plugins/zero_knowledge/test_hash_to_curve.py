"""RFC 9380: known answers of ``expand_message_xmd`` and of ``P256_XMD:SHA-256_SSWU_RO_``."""

from __future__ import annotations

import pytest

from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.hash_to_curve import expand_message, hash_to_point
from trivet_plugins.zero_knowledge.point import decode_point

SUITE = b"QUUX-V01-CS02-with-P256_XMD:SHA-256_SSWU_RO_"
EXPANDER = b"QUUX-V01-CS02-with-expander-SHA256-128"


@pytest.mark.parametrize(
    ("message", "x", "y"),
    [
        (
            b"",
            "2c15230b26dbc6fc9a37051158c95b79656e17a1a920b11394ca91c44247d3e4",
            "8a7a74985cc5c776cdfe4b1f19884970453912e9d31528c060be9ab5c43e8415",
        ),
        (
            b"abc",
            "0bb8b87485551aa43ed54f009230450b492fead5f1cc91658775dac4a3388a0f",
            "5c41b3d0731a27a7b14bc0bf0ccded2d8751f83493404c84a88e71ffd424212e",
        ),
    ],
    ids=["empty", "abc"],
)
def test_rfc_9380_appendix_j_1_1(message, x, y):
    point = hash_to_point(message, SUITE)
    assert (f"{point.x:064x}", f"{point.y:064x}") == (x, y)


def test_rfc_9380_appendix_k_1():
    digest = "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235"
    assert expand_message(b"", EXPANDER, 32).hex() == digest


def test_many_messages_give_points_of_the_curve():
    for number in range(40):
        point = hash_to_point(bytes((number,)), SUITE)
        assert decode_point(point.encode()) == point


@pytest.mark.parametrize(("domain", "length"), [(b"", 32), (bytes(256), 32), (b"d", 0), (b"d", 8161)])
def test_what_the_rfc_does_not_allow_is_refused(domain, length):
    with pytest.raises(ProofError):
        expand_message(b"", domain, length)
