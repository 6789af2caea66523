"""RFC 9497: the published vectors byte for byte, and every answer a server must not get away with."""

from __future__ import annotations

import attrs
import pytest

from trivet import Secret
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.oprf import Mode, OprfKey, blind, finalize, finalize_verified
from trivet_plugins.zero_knowledge.oprf_proof import KeyProof, verify_key
from trivet_plugins.zero_knowledge.oprf_suite import MAX_BATCH, domain
from trivet_plugins.zero_knowledge.point import GENERATOR, IDENTITY, Point, decode_point, multiply
from trivet_plugins.zero_knowledge.scalar import ORDER


@pytest.fixture(params=[Mode.OPRF, Mode.VOPRF], ids=lambda mode: mode.name)
def group(vectors, request):
    """The vectors of one mode."""
    (found,) = (item for item in vectors("voprf/p256_sha256.json") if item["mode"] == request.param)
    return found


def parts(text):
    return [bytes.fromhex(part) for part in text.split(",")]


def test_the_key_and_the_tag_are_those_of_the_rfc(group):
    key = OprfKey.derive(
        Secret(bytes.fromhex(group["seed"])), bytes.fromhex(group["keyInfo"]), mode=Mode(group["mode"])
    )
    assert f"{key.scalar.reveal():064x}" == group["skSm"]
    assert domain("HashToGroup-", Mode(group["mode"])).hex() == group["groupDST"]
    if "pkSm" in group:
        assert key.public_key.encode().hex() == group["pkSm"]


def test_the_vectors_of_the_rfc_byte_for_byte(group):
    mode, key = Mode(group["mode"]), OprfKey(Secret(int(group["skSm"], 16)))
    for vector in group["vectors"]:
        scalars = iter(int.from_bytes(part, "big") for part in parts(vector["Blind"]))
        blindings = [blind(data, mode=mode, draw=lambda: next(scalars)) for data in parts(vector["Input"])]  # noqa: B023
        assert [item.element.encode() for item in blindings] == parts(vector["BlindedElement"])
        nonce = int(vector["Proof"]["r"], 16) if mode is Mode.VOPRF else 0
        evaluation = key.evaluate([item.element for item in blindings], mode=mode, draw=lambda: nonce)  # noqa: B023
        assert [element.encode() for element in evaluation.elements] == parts(vector["EvaluationElement"])
        if mode is Mode.VOPRF:
            assert evaluation.proof.encode().hex() == vector["Proof"]["proof"]
            outputs = finalize_verified(blindings, evaluation, key.public_key)
        else:
            assert evaluation.proof is None
            outputs = finalize(blindings, evaluation.elements)
        assert outputs == parts(vector["Output"])
        assert [key.output(data, mode=mode) for data in parts(vector["Input"])] == outputs


def test_there_is_a_vector_of_a_batch(vectors):
    modes = {
        item["mode"]: [vector["Batch"] for vector in item["vectors"]] for item in vectors("voprf/p256_sha256.json")
    }
    assert modes.keys() == {0, 1}
    assert sum(map(len, modes.values())) >= 3


@pytest.fixture(scope="module")
def exchange():
    """A batch of three, evaluated."""
    key = OprfKey.generate()
    blindings = [blind(data, mode=Mode.VOPRF) for data in (b"one", b"two", b"three")]
    return key, blindings, key.evaluate([item.element for item in blindings], mode=Mode.VOPRF)


def test_a_batch_gives_what_the_key_alone_gives(exchange):
    key, blindings, evaluation = exchange
    outputs = [key.output(data, mode=Mode.VOPRF) for data in (b"one", b"two", b"three")]
    assert finalize_verified(blindings, evaluation, key.public_key) == outputs
    assert len(set(outputs)) == 3


def test_an_input_is_blinded_anew_each_time():
    assert blind(b"same", mode=Mode.VOPRF).element != blind(b"same", mode=Mode.VOPRF).element


def refused(blindings, evaluation, public_key):
    with pytest.raises(ProofError):
        finalize_verified(blindings, evaluation, public_key)


def test_another_key_is_refused(exchange):
    key, blindings, evaluation = exchange
    other = OprfKey.generate()
    elements = [item.element for item in blindings]
    refused(blindings, other.evaluate(elements, mode=Mode.VOPRF), key.public_key)
    refused(blindings, evaluation, other.public_key)


def test_a_proof_of_another_key_over_right_elements_is_refused(exchange):
    key, blindings, evaluation = exchange
    other = OprfKey.generate().evaluate([item.element for item in blindings], mode=Mode.VOPRF)
    refused(blindings, attrs.evolve(evaluation, proof=other.proof), key.public_key)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_wrong_element_in_a_batch_is_refused(exchange, place):
    key, blindings, evaluation = exchange
    elements = list(evaluation.elements)
    elements[place] += GENERATOR
    refused(blindings, attrs.evolve(evaluation, elements=tuple(elements)), key.public_key)


def test_elements_that_cancel_in_a_plain_sum_are_refused(exchange):
    """Without weights per element, adding to one what is taken from another would go through."""
    key, blindings, evaluation = exchange
    first, second, third = evaluation.elements
    refused(
        blindings, attrs.evolve(evaluation, elements=(first + GENERATOR, second - GENERATOR, third)), key.public_key
    )


def test_swapped_missing_and_repeated_elements_are_refused(exchange):
    key, blindings, evaluation = exchange
    first, second, third = evaluation.elements
    for elements in ((second, first, third), (first, second), (first, second, third, third), (first, first, first), ()):
        refused(blindings, attrs.evolve(evaluation, elements=elements), key.public_key)
    refused([blindings[1], blindings[0], blindings[2]], evaluation, key.public_key)


def test_an_answer_without_a_proof_is_refused(exchange):
    key, blindings, evaluation = exchange
    refused(blindings, attrs.evolve(evaluation, proof=None), key.public_key)


def test_the_identity_is_refused_wherever_it_stands(exchange):
    key, blindings, evaluation = exchange
    with pytest.raises(ProofError, match="identity"):
        key.evaluate([IDENTITY], mode=Mode.OPRF)
    with pytest.raises(ProofError, match="identity"):
        finalize(blindings[:1], [IDENTITY])
    refused(blindings, attrs.evolve(evaluation, elements=(IDENTITY, *evaluation.elements[1:])), key.public_key)
    refused(blindings, evaluation, IDENTITY)


def test_a_point_off_the_curve_is_not_evaluated(exchange):
    with pytest.raises(ProofError, match="no point"):
        exchange[0].evaluate([Point(1, 1)], mode=Mode.OPRF)


def test_sizes_are_refused_before_any_arithmetic(exchange, monkeypatch):
    key, _, evaluation = exchange
    monkeypatch.setattr("trivet_plugins.zero_knowledge.point.Multiplier.times", lambda *_: pytest.fail("arithmetic"))
    for count in (0, MAX_BATCH + 1):
        with pytest.raises(ProofError, match="batch"):
            key.evaluate([GENERATOR] * count, mode=Mode.VOPRF)
    with pytest.raises(ProofError, match="65535"):
        blind(bytes(2**16), mode=Mode.OPRF)
    many = [GENERATOR] * (MAX_BATCH + 1)
    assert not verify_key(key.public_key, many, many, evaluation.proof)


def test_a_proof_reads_back_and_other_bytes_do_not(exchange):
    data = exchange[2].proof.encode()
    assert KeyProof.decode(data) == exchange[2].proof
    excess = ORDER.to_bytes(32, "big")
    for wrong in (b"", data[:-1], data + b"\0", excess + data[32:], data[:32] + excess):
        with pytest.raises(ProofError):
            KeyProof.decode(wrong)


def test_challenge_and_response_in_another_order_are_refused(exchange):
    key, blindings, evaluation = exchange
    turned = KeyProof(evaluation.proof.response, evaluation.proof.challenge)
    refused(blindings, attrs.evolve(evaluation, proof=turned), key.public_key)


def test_modes_do_not_mix(exchange):
    key = exchange[0]
    assert key.output(b"one", mode=Mode.OPRF) != key.output(b"one", mode=Mode.VOPRF)


@pytest.mark.parametrize("scalar", [0, ORDER, -1])
def test_a_key_is_in_range(scalar):
    with pytest.raises(ProofError):
        OprfKey(Secret(scalar))


def test_a_seed_has_32_bytes():
    with pytest.raises(ProofError, match="32 bytes"):
        OprfKey.derive(Secret(b"short"), b"", mode=Mode.OPRF)


def test_keys_and_inputs_do_not_show(exchange):
    key, blindings, _ = exchange
    shown = repr(key) + repr(blindings[0])
    assert str(key.scalar.reveal()) not in shown
    assert "one" not in shown
    assert str(blindings[0].scalar.reveal()) not in shown


def test_the_public_key_is_the_point_of_the_secret(exchange):
    key = exchange[0]
    assert key.public_key == multiply(key.scalar.reveal(), GENERATOR)
    assert decode_point(key.public_key.encode()) == key.public_key
