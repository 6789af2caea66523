"""P-256 through OpenSSL: canonical encodings, and products that agree with plain addition."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.point import FIELD, GENERATOR, IDENTITY, Point, decode_point, multiply, total
from trivet_plugins.zero_knowledge.scalar import (
    ORDER,
    check_scalar,
    decode_scalar,
    encode_scalar,
    invert,
    random_scalar,
)

OTHER = multiply(7, GENERATOR)


def known(scalar):
    """What OpenSSL alone says, where it has the answer: the multiple of the generator."""
    numbers = ec.derive_private_key(scalar % ORDER, ec.SECP256R1()).public_key().public_numbers()
    return Point(numbers.x, numbers.y)


@pytest.mark.parametrize("scalar", [1, 2, 3, ORDER - 3, ORDER - 2, ORDER - 1], ids=lambda scalar: hex(scalar)[:6])
def test_a_product_at_the_edges_equals_the_known_multiple(scalar):
    assert multiply(scalar, OTHER) == known(scalar * 7)


def test_random_products_equal_the_known_multiples():
    for _ in range(50):
        base, scalar = random_scalar(), random_scalar()
        assert multiply(scalar, known(base)) == known(base * scalar)


def test_sums_equal_the_known_multiples():
    assert total([GENERATOR] * 20) == known(20)
    assert known(14) == OTHER + OTHER
    assert known(6) == OTHER - GENERATOR


def test_the_identity_is_neutral_and_comes_from_zero_and_from_inverses():
    assert multiply(0, OTHER) == multiply(5, IDENTITY) == OTHER - OTHER == total([]) == IDENTITY
    assert IDENTITY + OTHER == OTHER + IDENTITY == OTHER
    assert -IDENTITY == IDENTITY


def test_an_encoding_reads_back_and_is_what_openssl_writes():
    key = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    data = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    assert OTHER.encode() == data
    assert decode_point(data) == OTHER


def test_the_identity_has_no_encoding():
    with pytest.raises(ProofError, match="identity"):
        IDENTITY.encode()


X = OTHER.x.to_bytes(32, "big")
Y = OTHER.y.to_bytes(32, "big")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        bytes(33),
        OTHER.encode()[:-1],
        OTHER.encode() + b"\0",
        b"\4" + X + Y,
        b"\6" + X + Y,
        b"\4" + X,
        b"\2" + FIELD.to_bytes(32, "big"),
        b"\2" + (FIELD + 5).to_bytes(32, "big"),
        b"\2" + (1).to_bytes(32, "big"),
        b"\2" + b"\xff" * 32,
    ],
    ids=[
        "empty", "identity", "zeros", "short", "long", "uncompressed", "hybrid", "prefix 4", "x is p", "x above p",
        "off curve", "ones",
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_no_point(data):
    with pytest.raises(ProofError):
        decode_point(data)


def test_coordinates_off_the_curve_are_not_multiplied():
    with pytest.raises(ProofError, match="no point"):
        multiply(5, Point(1, 1))


@pytest.mark.parametrize("value", [-1, ORDER, ORDER + 1, 2**256 - 1], ids=["negative", "order", "above", "ones"])
def test_a_scalar_out_of_range_is_refused_and_never_reduced(value):
    with pytest.raises(ProofError):
        check_scalar(value)
    with pytest.raises(ProofError):
        multiply(value, OTHER)
    if value > 0:
        with pytest.raises(ProofError):
            decode_scalar(value.to_bytes(32, "big"))


def test_a_scalar_reads_back_and_has_32_bytes():
    assert decode_scalar(encode_scalar(ORDER - 1)) == ORDER - 1
    for length in (0, 31, 33):
        with pytest.raises(ProofError):
            decode_scalar(bytes(length))


def test_an_inverse_undoes_and_zero_has_none():
    scalar = random_scalar()
    assert scalar * invert(scalar) % ORDER == 1
    with pytest.raises(ProofError):
        invert(0)
