"""Sigma proofs: the draft's vectors byte for byte, and every way to get a wrong one past the verifier, refused."""

from __future__ import annotations

import attrs
import pytest

from trivet_plugins.zero_knowledge.codec import decode_challenge
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.named_relations import (
    bbs_blind_commitment,
    discrete_logarithm,
    dleq,
    elgamal_decryption,
    pedersen_commitment,
    pedersen_dleq,
    pedersen_equality,
)
from trivet_plugins.zero_knowledge.point import FIELD, GENERATOR, multiply
from trivet_plugins.zero_knowledge.relation import LinearRelation
from trivet_plugins.zero_knowledge.scalar import ORDER, decode_scalar, random_scalar
from trivet_plugins.zero_knowledge.sigma import SUITE, Flavour, challenge_of, fresh_nonces, prove, simulate, verify
from trivet_plugins.zero_knowledge.sponge import Sponge, session_id

BUILDERS = {
    "discrete_logarithm": lambda e: discrete_logarithm(e[1]),
    "dleq": lambda e: dleq(e[1], e[2], e[3]),
    "pedersen_commitment": lambda e: pedersen_commitment(e[1], e[2]),
    "pedersen_commitment_dleq": lambda e: pedersen_dleq((e[1], e[2], e[4], e[5]), (e[3], e[6])),
    "bbs_blind_commitment_computation": lambda e: bbs_blind_commitment(e[1:5], e[5]),
    "elgamal_decryption": lambda e: elgamal_decryption(e[1], e[2], e[4], -e[3]),
    "dleq_derived_element": lambda e: dleq(e[1], e[2], e[3]),
}
CASES = [(relation, flavour) for relation in BUILDERS for flavour in Flavour]
each_case = pytest.mark.parametrize(
    ("name", "flavour"), CASES, ids=[f"{relation}-{flavour.name.lower()}" for relation, flavour in CASES]
)
each_flavour = pytest.mark.parametrize("flavour", Flavour, ids=lambda flavour: flavour.name.lower())


@attrs.frozen
class Case:
    """One vector, read."""

    record: dict
    flavour: Flavour

    @property
    def relation(self):
        return LinearRelation.decode(bytes.fromhex(self.record["Instance"]))

    @property
    def witness(self):
        data = bytes.fromhex(self.record["Witness"])
        return [decode_scalar(data[start : start + 32]) for start in range(0, len(data), 32)]

    @property
    def tag(self):
        return self.record["Tag"].encode()

    @property
    def proof(self):
        return bytes.fromhex(self.record["NargString"])

    def accepts(self, proof=None, *, relation=None, tag=None):
        return verify(
            relation or self.relation, self.proof if proof is None else proof, tag or self.tag, flavour=self.flavour
        )

    def draw(self, count, secret):
        """The draft's seeded prover."""
        seed = f"TestDRNG-SIGMA-PROOFS-{self.flavour.value.decode()}-{SUITE}-{self.record['Relation']}"
        sponge = Sponge(session_id(seed.encode()))
        return [decode_challenge(sponge.squeeze(48), ORDER) for _ in range(count)]


@pytest.fixture
def case(records):
    def find(name, flavour):
        return Case(records[name, flavour.name.lower()], flavour)

    return find


# -- the vectors ------------------------------------------------------------------------------------------------------


@each_case
def test_a_vector_of_the_draft_is_accepted_and_reproduced_byte_for_byte(case, name, flavour):
    vector = case(name, flavour)
    assert vector.record["Expected"] == "accept"
    assert session_id(vector.tag).hex() == vector.record["SessionId"]
    assert vector.relation.encode().hex() == vector.record["Instance"]
    assert vector.relation.holds(vector.witness)
    assert vector.accepts()
    made = prove(vector.relation, vector.witness, vector.tag, flavour=flavour, draw=vector.draw)
    assert made.hex() == vector.record["NargString"]


@pytest.mark.parametrize("name", BUILDERS)
def test_a_relation_by_name_is_the_one_of_the_vectors(case, name):
    relation = case(name, Flavour.COMPACT).relation
    assert BUILDERS[name](relation.elements) == relation


@each_case
def test_a_fresh_proof_is_accepted_and_no_two_are_alike(case, name, flavour):
    vector = case(name, flavour)
    proofs = {prove(vector.relation, vector.witness, vector.tag, flavour=flavour) for _ in range(2)}
    assert len(proofs) == 2
    assert all(map(vector.accepts, proofs))


# -- refusals: each beside the vector that is accepted ----------------------------------------------------------------


@each_case
def test_every_byte_counts(case, name, flavour):
    vector = case(name, flavour)
    for at in range(0, len(vector.proof), 7):
        damaged = bytearray(vector.proof)
        damaged[at] ^= 1
        assert not vector.accepts(bytes(damaged)), at


@each_case
def test_a_proof_of_another_length_is_refused(case, name, flavour):
    vector = case(name, flavour)
    proof = vector.proof
    for wrong in (b"", proof[:-1], proof[:-32], proof[1:], proof[32:], proof + b"\0", proof + proof, proof + bytes(32)):
        assert not vector.accepts(wrong)


@each_flavour
def test_parts_in_another_order_are_refused(case, flavour):
    vector = case("pedersen_commitment_dleq", flavour)
    width, count = (33, 2) if flavour is Flavour.BATCHABLE else (32, 1)
    head, response = vector.proof[: width * count], vector.proof[width * count :]
    assert vector.accepts(head + response)
    assert not vector.accepts(response + head)
    assert not vector.accepts(head + response[32:] + response[:32])
    if flavour is Flavour.BATCHABLE:
        assert not vector.accepts(head[33:] + head[:33] + response)


@each_case
def test_a_proof_counts_under_its_own_tag_only(case, name, flavour):
    vector = case(name, flavour)
    assert not vector.accepts(tag=vector.tag + b"\0")
    assert not vector.accepts(tag=b"\0" + vector.tag)
    assert not vector.accepts(tag=vector.tag.replace(name.encode(), b"another"))


@each_flavour
def test_a_tag_without_suite_or_marker_is_the_callers_mistake(case, flavour):
    vector = case("dleq", flavour)
    other = next(item for item in Flavour if item is not flavour)
    for tag in (
        b"",
        vector.tag.replace(b"Shake128", b"Keccak"),
        vector.tag.replace(b"P256", b"BLS12381"),
        vector.tag.replace(flavour.value, other.value),
    ):
        with pytest.raises(ProofError, match="tag"):
            verify(vector.relation, vector.proof, tag, flavour=flavour)
        with pytest.raises(ProofError, match="tag"):
            prove(vector.relation, vector.witness, tag, flavour=flavour)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_proof_of_one_flavour_is_none_of_the_other(case, name):
    batchable, compact = case(name, Flavour.BATCHABLE), case(name, Flavour.COMPACT)
    assert not batchable.accepts(compact.proof)
    assert not compact.accepts(batchable.proof)


@each_flavour
@pytest.mark.parametrize("excess", [ORDER, ORDER + 1, 2**256 - 1], ids=["order", "order plus 1", "ones"])
def test_a_scalar_at_or_above_the_order_is_refused(case, flavour, excess):
    vector = case("dleq", flavour)
    assert not vector.accepts(vector.proof[:-32] + excess.to_bytes(32, "big"))


BAD_POINTS = {
    "zeros": bytes(33),
    "x is 1": b"\2" + (1).to_bytes(32, "big"),
    "x is p": b"\2" + FIELD.to_bytes(32, "big"),
    "prefix 4": b"\4" + GENERATOR.x.to_bytes(32, "big"),
    "prefix 5": b"\5" + GENERATOR.x.to_bytes(32, "big"),
}


@pytest.mark.parametrize("point", BAD_POINTS.values(), ids=BAD_POINTS)
def test_a_commitment_that_is_no_point_is_refused(case, point):
    vector = case("dleq", Flavour.BATCHABLE)
    assert not vector.accepts(point + vector.proof[33:])


@pytest.mark.parametrize("point", BAD_POINTS.values(), ids=BAD_POINTS)
def test_a_statement_with_what_is_no_point_is_refused(case, point):
    instance = bytes.fromhex(case("dleq", Flavour.BATCHABLE).record["Instance"])
    with pytest.raises(ProofError):
        LinearRelation.decode(instance[:-33] + point)


@each_flavour
def test_a_recomputed_commitment_that_is_the_identity_is_refused(flavour):
    """Challenge c and response c * x make it the identity, for any c: nothing is left to hash."""
    key, tag = random_scalar(), b"test " + SUITE.encode() + flavour.value
    relation = discrete_logarithm(multiply(key, GENERATOR))
    challenge = random_scalar()
    response = (challenge * key % ORDER).to_bytes(32, "big")
    head = challenge.to_bytes(32, "big") if flavour is Flavour.COMPACT else bytes(33)
    assert not verify(relation, head + response, tag, flavour=flavour)


@each_case
def test_a_swapped_commitment_of_another_proof_is_refused(case, name, flavour):
    vector = case(name, flavour)
    other = prove(vector.relation, vector.witness, vector.tag, flavour=flavour)
    cut = len(vector.proof) - 32 * vector.relation.scalars
    assert vector.accepts(other)
    assert not vector.accepts(other[:cut] + vector.proof[cut:])
    assert not vector.accepts(vector.proof[:cut] + other[cut:])


# -- the statement is in the transcript: weak Fiat-Shamir (CVE-2022-29566) does not apply --------------------------------


def changed_statements(relation):
    """Yield the relation with one element, coefficient or the equations' order changed."""
    for number in range(1, len(relation.elements)):
        elements = list(relation.elements)
        elements[number] += GENERATOR
        yield f"element {number}", attrs.evolve(relation, elements=tuple(elements))
    for number, equation in enumerate(relation.equations):
        for side in ("image", "terms"):
            terms = list(getattr(equation, side))
            terms[0] = attrs.evolve(terms[0], coefficient=2)
            equations = list(relation.equations)
            equations[number] = attrs.evolve(equation, **{side: tuple(terms)})
            yield f"{side} of equation {number}", attrs.evolve(relation, equations=tuple(equations))
    if len(relation.equations) > 1:
        yield "order", attrs.evolve(relation, equations=relation.equations[::-1])


@each_case
def test_a_proof_of_one_statement_is_none_of_any_other(case, name, flavour):
    vector = case(name, flavour)
    for what, relation in changed_statements(vector.relation):
        assert not vector.accepts(relation=relation), what


@pytest.mark.parametrize("name", BUILDERS)
def test_every_element_coefficient_and_equation_changes_the_challenge(case, name):
    """The challenge is derived for one fixed commitment: what changes it is in the transcript."""
    vector = case(name, Flavour.COMPACT)
    commitment = vector.relation.images
    challenges = [challenge_of(vector.relation, commitment, vector.tag)]
    challenges += [challenge_of(other, commitment, vector.tag) for _, other in changed_statements(vector.relation)]
    challenges.append(challenge_of(vector.relation, [-commitment[0], *commitment[1:]], vector.tag))
    challenges.append(challenge_of(vector.relation, commitment, vector.tag + b"."))
    assert len(set(challenges)) == len(challenges)


@each_flavour
def test_the_forgery_against_a_challenge_without_the_statement_fails(flavour):
    """Frozen Heart: choose commitment and response first, hash a statement left open, then solve for the statement."""
    tag = b"test " + SUITE.encode() + flavour.value
    commitment, response = multiply(random_scalar(), GENERATOR), random_scalar()
    guess = discrete_logarithm(GENERATOR + GENERATOR)
    challenge = challenge_of(guess, [commitment], tag)
    solved = multiply(pow(challenge, -1, ORDER), multiply(response, GENERATOR) - commitment)
    assert multiply(challenge, solved) + commitment == multiply(response, GENERATOR), "the equation itself is satisfied"
    head = challenge.to_bytes(32, "big") if flavour is Flavour.COMPACT else commitment.encode()
    assert not verify(discrete_logarithm(solved), head + response.to_bytes(32, "big"), tag, flavour=flavour)


# -- zero knowledge and nonces ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILDERS)
def test_a_transcript_can_be_made_without_the_witness(case, name):
    """For any challenge, so a transcript carries nothing about the witness; and it is no proof, as its challenge is no hash."""
    vector = case(name, Flavour.BATCHABLE)
    relation, challenge = vector.relation, random_scalar()
    commitment, response = simulate(relation, challenge)
    for left, image, right in zip(commitment, relation.images, relation.map(response), strict=True):
        assert left + multiply(challenge, image) == right
    narg = b"".join(point.encode() for point in commitment) + b"".join(item.to_bytes(32, "big") for item in response)
    assert not vector.accepts(narg)


def test_for_one_challenge_a_simulated_response_and_a_real_one_cover_the_same_set(case):
    """Exact, not statistical: for each response there is one nonce that gives it, and the commitments then agree."""
    vector = case("pedersen_commitment", Flavour.BATCHABLE)
    relation, challenge = vector.relation, random_scalar()
    commitment, response = simulate(relation, challenge)
    nonces = [(item - challenge * scalar) % ORDER for item, scalar in zip(response, vector.witness, strict=True)]
    assert relation.map(nonces) == commitment


def test_a_nonce_used_twice_shows_the_witness(case):
    """Why `draw` is for vectors only: two challenges over one commitment are two equations for one unknown."""
    vector = case("discrete_logarithm", Flavour.COMPACT)
    proofs = [
        prove(vector.relation, vector.witness, vector.tag + suffix, flavour=Flavour.COMPACT, draw=vector.draw)
        for suffix in (b"1", b"2")
    ]
    (first, one), (second, two) = (
        (int.from_bytes(proof[:32], "big"), int.from_bytes(proof[32:], "big")) for proof in proofs
    )
    assert (one - two) * pow(first - second, -1, ORDER) % ORDER == vector.witness[0]


def test_nonces_are_in_range_never_repeat_and_depend_on_the_witness(monkeypatch):
    nonces = [nonce for _ in range(50) for nonce in fresh_nonces(4, b"same")]
    assert len(set(nonces)) == 200
    assert all(1 <= nonce < ORDER for nonce in nonces)
    monkeypatch.setattr("secrets.token_bytes", bytes)
    assert fresh_nonces(1, b"witness") != fresh_nonces(1, b"another witness")


def test_a_witness_of_another_length_is_refused(case):
    vector = case("pedersen_commitment", Flavour.COMPACT)
    for witness in ([], vector.witness[:1], [*vector.witness, 1]):
        with pytest.raises(ProofError, match="2 scalars"):
            prove(vector.relation, witness, vector.tag, flavour=Flavour.COMPACT)


def test_a_witness_out_of_range_is_refused_and_not_shown(case):
    vector = case("discrete_logarithm", Flavour.COMPACT)
    with pytest.raises(ProofError) as caught:
        prove(vector.relation, [vector.witness[0] + ORDER], vector.tag, flavour=Flavour.COMPACT)
    assert str(vector.witness[0] + ORDER) not in str(caught.value)


@each_flavour
def test_equal_openings_are_proven_and_unequal_ones_are_not(flavour):
    base, tag = multiply(random_scalar(), GENERATOR), b"test " + SUITE.encode() + flavour.value
    value, first, second = random_scalar(), random_scalar(), random_scalar()

    def commit(number, blinding):
        return multiply(number, GENERATOR) + multiply(blinding, base)

    equal = pedersen_equality(base, (commit(value, first), commit(value, second)))
    unequal = pedersen_equality(base, (commit(value, first), commit(value + 1, second)))
    witness = [value, first, second]
    assert verify(equal, prove(equal, witness, tag, flavour=flavour), tag, flavour=flavour)
    assert not unequal.holds(witness)
    assert not verify(unequal, prove(unequal, witness, tag, flavour=flavour), tag, flavour=flavour)
