"""The sponge, the session ids and the codecs give what the 26 vectors of the draft say."""

from __future__ import annotations

import pytest

from trivet_plugins.zero_knowledge.codec import (
    Reader,
    decode_challenge,
    encode_bytes,
    encode_field,
    encode_length,
    encode_uint,
    width,
)
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.scalar import encode_scalar
from trivet_plugins.zero_knowledge.sponge import Sponge, session_id

SPONGE = [
    "init_squeeze", "absorb_squeeze", "absorb_split", "stream", "empty_absorb", "interleave", "multiblock", "rate_block",
    "squeeze_zero", "derive_sid", "decode_uint", "sumcheck", "sumcheck_reject_trailing_bytes",
]  # fmt: skip
CODEC = [
    "serialize_varlen", "serialize_uint", "deserialize_field", "varlen_empty", "decode_uint_wraparound", "serialize_field_be",
    "deserialize_uint_reject_modulus", "deserialize_uint_reject_short", "deserialize_field_reject_second_coordinate",
    "deserialize_varlen_reject_truncated", "deserialize_varlen_reject_overflow", "sumcheck_reject_noncanonical_coefficient",
    "sumcheck_reject_round_identity",
]  # fmt: skip


def operated(vector):
    sponge = Sponge(bytes.fromhex(vector["SessionId"]))
    output = b""
    for step in vector["Operations"]:
        if step["type"] == "absorb":
            sponge.absorb(bytes.fromhex(step["data"]))
        else:
            output += sponge.squeeze(step["length"])
    return output


def duplex_sponge(vector):
    assert operated(vector).hex() == vector["Output"]


def derive_session_id(vector):
    assert session_id(bytes.fromhex(vector["Tag"])).hex() == vector["Output"]


def decode_uint(vector):
    data = bytes.fromhex(vector["Input"]) if "Input" in vector else operated(vector)
    assert data.hex() == vector.get("Output", vector.get("Input"))
    assert decode_challenge(data, int(vector["Modulus"], 16)) == int(vector["Challenge"], 16)


def serialize_var_len_string(vector):
    data = bytes.fromhex(vector["Input"])
    assert encode_bytes(data).hex() == vector["Output"]
    assert Reader(encode_bytes(data)).byte_string() == data


def serialize_uint(vector):
    assert encode_uint(int(vector["Value"], 16), int(vector["Modulus"], 16)).hex() == vector["Output"]


def serialize_field(vector):
    assert encode_scalar(int(vector["Value"], 16)).hex() == vector["Output"]


def deserialize_uint(vector):
    Reader(bytes.fromhex(vector["Input"])).uint(int(vector["Modulus"], 16))


def deserialize_field(vector):
    modulus = int(vector["Modulus"], 16)
    coordinates = Reader(bytes.fromhex(vector["Input"])).field(modulus, vector["ExtensionDegree"])
    assert coordinates == tuple(int(coordinate, 16) for coordinate in vector["Coordinates"])
    assert encode_field(coordinates, modulus).hex() == vector["Input"]


def deserialize_var_len_string(vector):
    Reader(bytes.fromhex(vector["Input"])).byte_string()


def opened(vector, modulus, variables, claim):
    sponge = Sponge(bytes.fromhex(vector["SessionId"]))
    sponge.absorb(encode_length(variables) + encode_uint(claim, modulus))
    return sponge


def challenge(sponge, modulus):
    return decode_challenge(sponge.squeeze(width(modulus)), modulus)


def sumcheck(vector):
    """The draft's worked example: a protocol of many rounds on the same sponge and codecs."""
    if "Tag" in vector:
        assert session_id(bytes.fromhex(vector["Tag"])).hex() == vector["SessionId"]
    modulus, variables, claim = int(vector["Modulus"], 16), vector["NumVariables"], int(vector["ClaimedSum"], 16)
    if "Witness" in vector:
        narg, final = sumcheck_proof(vector, modulus, variables, claim)
        assert (narg.hex(), final) == (vector["Narg"], int(vector["FinalEvaluation"], 16))
    sponge, reader = opened(vector, modulus, variables, claim), Reader(bytes.fromhex(vector["Narg"]))
    for _ in range(variables):
        constant, linear = reader.uint(modulus), reader.uint(modulus)
        if (2 * constant + linear) % modulus != claim:
            raise ProofError("a round does not add up")
        sponge.absorb(encode_field((constant, linear), modulus))
        claim = (constant + linear * challenge(sponge, modulus)) % modulus
    reader.end()
    assert claim == int(vector["FinalEvaluation"], 16)


def sumcheck_proof(vector, modulus, variables, claim):
    sponge, table, narg = opened(vector, modulus, variables, claim), vector["Witness"], b""
    for _ in range(variables):
        even, odd = table[::2], table[1::2]
        constant = sum(even) % modulus
        message = encode_field((constant, (sum(odd) - constant) % modulus), modulus)
        sponge.absorb(message)
        narg += message
        point = challenge(sponge, modulus)
        table = [(a + point * (b - a)) % modulus for a, b in zip(even, odd, strict=True)]
    return narg, table[0]


CHECKS = {
    "DuplexSponge": duplex_sponge,
    "DeriveSessionID": derive_session_id,
    "DecodeUint": decode_uint,
    "SerializeVarLenString": serialize_var_len_string,
    "SerializeUint": serialize_uint,
    "SerializeField": serialize_field,
    "DeserializeUint": deserialize_uint,
    "DeserializeField": deserialize_field,
    "DeserializeVarLenString": deserialize_var_len_string,
    "Sumcheck": sumcheck,
}


@pytest.mark.parametrize(
    ("file", "name"),
    [("Shake128", name) for name in SPONGE] + [("Codec", name) for name in CODEC],
    ids=SPONGE + [f"codec-{name}" for name in CODEC],
)
def test_a_vector_of_the_fiat_shamir_draft(vectors, file, name):
    found = {vector["Name"]: vector for vector in vectors(f"sigma/fiatShamir{file}Vectors.json")}
    assert set(found) == set(SPONGE if file == "Shake128" else CODEC), "a vector without a test, or a test without one"
    vector = found[name]
    if vector.get("Expected") == "reject":
        with pytest.raises(ProofError):
            CHECKS[vector["Function"]](vector)
    else:
        CHECKS[vector["Function"]](vector)


def test_a_session_id_has_32_bytes():
    with pytest.raises(ProofError, match="32 bytes"):
        Sponge(bytes(31))


def test_numbers_that_do_not_fit_are_not_encoded():
    for encode, arguments in (
        (encode_length, (2**32,)),
        (encode_length, (-1,)),
        (encode_uint, (5, 5)),
        (encode_uint, (-1, 5)),
    ):
        with pytest.raises(ProofError):
            encode(*arguments)


def test_a_count_is_refused_before_anything_is_made_for_it():
    with pytest.raises(ProofError, match="at most 7"):
        Reader(b"\xff\xff\xff\xff").count(7)
