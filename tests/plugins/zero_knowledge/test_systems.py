"""Proof systems in a kernel: what plugins bring, ranges, sets, and what a stranger may send."""

from __future__ import annotations

import attrs
import pytest

from trivet import Kernel, Launch, Provider, Secret, hookimpl
from trivet_plugins.zero_knowledge.context import MAX_FIELD_BYTES, MAX_FIELDS, Context
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.membership_statement import MAX_ALLOWED, MembershipStatement
from trivet_plugins.zero_knowledge.named_relations import discrete_logarithm
from trivet_plugins.zero_knowledge.pedersen import blinding_base, commit
from trivet_plugins.zero_knowledge.point import GENERATOR, IDENTITY, decode_point, multiply
from trivet_plugins.zero_knowledge.proof import MAX_PROOF_BYTES, Proof
from trivet_plugins.zero_knowledge.range_statement import RangeStatement
from trivet_plugins.zero_knowledge.scalar import ORDER, random_scalar
from trivet_plugins.zero_knowledge.sigma import Flavour, prove, simulate
from trivet_plugins.zero_knowledge.sigma_system import RelationStatement, SigmaSystem

CONTEXT = Context("test/1", (b"node-7",))
RANGES = SigmaSystem("trivet-range-1", RangeStatement)
SETS = SigmaSystem("trivet-membership-1", MembershipStatement)


def in_range(value, low, high):
    blinding = random_scalar()
    statement = RangeStatement(commit(value % ORDER, blinding), low, high)
    return statement, Secret((value % ORDER, blinding))


def in_set(value, *allowed):
    blinding = random_scalar()
    return MembershipStatement(commit(value, blinding), allowed), Secret((value, blinding))


# -- the hook ---------------------------------------------------------------------------------------------------------


async def test_register_proof_systems_brings_a_system_that_proves_beside_the_built_in_ones():
    class Acme:
        trivet_name = "acme"

        @hookimpl
        def register_proof_systems(self, composition):
            return [Provider(name="acme", factory=lambda: SigmaSystem("acme-1", RelationStatement))]

    plugins = ["zero_knowledge", Acme()]
    async with Kernel("zk", plugins=plugins, discover="none", strict=True, launch=Launch(environ={})) as kernel:
        systems = kernel.provided("proof_system")
        assert set(systems) == {"sigma_p256", "range_p256", "membership_p256", "acme"}
        assert len({system.suite for system in systems.values()}) == 4
        statement = RelationStatement(discrete_logarithm(multiply(5, GENERATOR)))
        proof = systems["acme"].prove(statement, Secret((5,)), context=CONTEXT)
        assert systems["acme"].verify(statement, proof, context=CONTEXT)
        renamed = attrs.evolve(proof, suite=systems["sigma_p256"].suite)
        assert not systems["sigma_p256"].verify(statement, renamed, context=CONTEXT)


# -- commitments ------------------------------------------------------------------------------------------------------


def test_a_commitment_is_the_sum_that_it_says():
    for value in (0, 1, 2, ORDER - 1, random_scalar()):
        blinding = random_scalar()
        assert commit(value, blinding) == multiply(value, GENERATOR) + multiply(blinding, blinding_base())


def test_the_blinding_base_never_changes():
    """Commitments that were stored would not open any more."""
    assert blinding_base() == decode_point(blinding_base().encode())
    assert blinding_base().encode().hex() == "0295b967350a8aacdf63256a26b3d5bfeaf7c02ff87c54c1f00143ccf879e4ec4b"


# -- ranges -----------------------------------------------------------------------------------------------------------

BOUNDS = [(0, 0), (5, 5), (0, 1), (3, 10), (3, 11), (0, 255), (0, 256), (1024, 65535), (2**64 - 3, 2**64 - 1)]


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_a_value_in_the_range_is_proven_also_at_its_ends(low, high):
    for value in {low, high, (low + high) // 2}:
        statement, witness = in_range(value, low, high)
        proof = RANGES.prove(statement, witness, context=CONTEXT)
        assert RANGES.verify(statement, proof, context=CONTEXT)


@pytest.mark.parametrize("size", [*range(20), 63, 64, 65, 100, 255, 256])
def test_the_weights_reach_every_value_of_the_range_and_no_other(size):
    statement = RangeStatement(GENERATOR, 7, 7 + size)
    sums = {0}
    for weight in statement.weights:
        assert weight > 0
        sums |= {weight + other for other in sums}
    assert sums == set(range(size + 1))


@pytest.mark.parametrize("value", [2, 11, -1, 0, 2**8, 2**64, ORDER - 1], ids=str)
def test_a_value_outside_of_the_range_is_not_proven(value):
    statement, witness = in_range(value, 3, 10)
    with pytest.raises(ProofError, match="range"):
        RANGES.prove(statement, witness, context=CONTEXT)


def forged(statement, points, scalars):
    """What a prover sends that checks nothing."""
    tag = RANGES._tag(CONTEXT)
    proof = prove(statement.relation(points), scalars, tag, flavour=Flavour.COMPACT)
    return Proof(RANGES.suite, b"".join(point.encode() for point in points) + proof)


def made(value, bits, low, high):
    """Commit to the bits that a cheat would like, with all else as an honest prover has it."""
    statement, witness = in_range(value, low, high)
    rest, points, scalars = witness.reveal()[1], [], []
    for bit, weight in zip(bits, statement.weights, strict=True):
        blinding = random_scalar()
        points.append(commit(bit % ORDER, blinding))
        scalars += (bit % ORDER, blinding, blinding * (1 - bit) % ORDER)
        rest -= weight * blinding
    return statement, forged(statement, points, [*scalars, rest % ORDER])


def test_an_honest_prover_that_checks_nothing_is_accepted():
    """The base case of the cheats below: 3 + 1 + 2 + 0 is 6."""
    statement, proof = made(6, (1, 1, 0), 3, 10)
    assert statement.weights == (1, 2, 4)
    assert RANGES.verify(statement, proof, context=CONTEXT)


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        (7, (1, 1, 0)),
        (2, (0, 0, 0)),
        (11, (1, 1, 1)),
        (11, (0, 0, 2)),
        (2, (-1, 0, 0)),
        (13, (0, 3, 1)),
        (6, (3, 0, 0)),
    ],
    ids=["wrong sum", "low - 1", "high + 1", "a bit of 2", "a bit of -1", "a bit of 3", "in range, a bit of 3"],
)
def test_a_prover_that_checks_nothing_cannot_cheat(value, bits):
    statement, proof = made(value, bits, 3, 10)
    assert not RANGES.verify(statement, proof, context=CONTEXT)


def test_swapped_and_foreign_bit_commitments_are_refused():
    statement, witness = in_range(6, 3, 10)
    proof = RANGES.prove(statement, witness, context=CONTEXT)
    other = RANGES.prove(statement, witness, context=CONTEXT)
    bits, rest = [proof.data[at : at + 33] for at in (0, 33, 66)], proof.data[99:]
    assert RANGES.verify(statement, Proof(proof.suite, b"".join(bits) + rest), context=CONTEXT)
    for wrong in (
        bits[1] + bits[0] + bits[2] + rest,
        bits[2] + bits[1] + bits[0] + rest,
        bits[0] + bits[0] + bits[0] + rest,
        other.data[:33] + bits[1] + bits[2] + rest,
        other.data[:99] + rest,
    ):
        assert not RANGES.verify(statement, Proof(proof.suite, wrong), context=CONTEXT)


def test_a_range_proof_counts_for_its_commitment_and_bounds_only():
    statement, witness = in_range(6, 3, 10)
    proof = RANGES.prove(statement, witness, context=CONTEXT)
    for other in (
        attrs.evolve(statement, low=4),
        attrs.evolve(statement, high=9),
        attrs.evolve(statement, low=4, high=11),
        attrs.evolve(statement, high=2**32),
        attrs.evolve(statement, commitment=statement.commitment + GENERATOR),
        attrs.evolve(statement, commitment=-statement.commitment),
    ):
        assert not RANGES.verify(other, proof, context=CONTEXT)


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (6, 5), (0, 2**64), (2**64, 2**64)])
def test_bounds_that_are_no_range_are_refused(low, high):
    with pytest.raises(ProofError, match="bounds"):
        RangeStatement(GENERATOR, low, high)


# -- sets -------------------------------------------------------------------------------------------------------------

SET = (0, 80, 443, ORDER - 1)


@pytest.mark.parametrize("allowed", [SET[:1], SET[1:2], SET[:2], SET])
def test_every_value_of_a_set_is_proven(allowed):
    for value in allowed:
        statement, witness = in_set(value, *allowed)
        proof = SETS.prove(statement, witness, context=CONTEXT)
        assert SETS.verify(statement, proof, context=CONTEXT)
        assert len(proof.data) == 33 * (len(allowed) - 1) + 32 * (len(allowed) + 3)


@pytest.mark.parametrize("value", [1, 81, ORDER - 2])
def test_a_value_outside_of_a_set_is_not_proven(value):
    statement, witness = in_set(value, *SET)
    with pytest.raises(ProofError, match="set"):
        SETS.prove(statement, witness, context=CONTEXT)


def test_a_set_proof_by_a_prover_that_checks_nothing_is_refused(monkeypatch):
    """With a value outside, the last product is not zero, and no blinding makes it so."""
    statement, witness = in_set(81, *SET)
    inside, honest = in_set(80, *SET)
    for target, proven, holds in ((inside, honest, True), (statement, witness, False)):
        value, former = proven.reveal()
        product, points, steps = (value - SET[0]) % ORDER, [], []
        scalars = [value, former]
        for other in SET[1:]:
            fresh = random_scalar()
            steps.append((fresh - (value - other) * former) % ORDER)
            product, former = product * (value - other) % ORDER, fresh
            points.append(commit(product, fresh))
        relation = target.relation(points)
        data = prove(relation, [*scalars, *steps, former], SETS._tag(CONTEXT), flavour=Flavour.COMPACT)
        proof = Proof(SETS.suite, b"".join(point.encode() for point in points) + data)
        assert SETS.verify(target, proof, context=CONTEXT) is holds


def test_a_set_proof_counts_for_its_set_only():
    statement, witness = in_set(443, *SET)
    proof = SETS.prove(statement, witness, context=CONTEXT)
    for allowed in ((0, 80, 443, 8080), (1, 80, 443, ORDER - 1), (0, 80, 443), (0, 80, 81, 443)):
        assert not SETS.verify(attrs.evolve(statement, allowed=allowed), proof, context=CONTEXT)


@pytest.mark.parametrize("allowed", [(), (5, 5), (6, 5), (5, ORDER), (-1, 5), tuple(range(MAX_ALLOWED + 1))])
def test_what_is_no_set_is_refused(allowed):
    with pytest.raises(ProofError):
        MembershipStatement(GENERATOR, allowed)


# -- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("system", "made"), [(RANGES, in_range(6, 3, 10)), (SETS, in_set(443, *SET))])
def test_an_opening_that_does_not_fit_proves_nothing(system, made):
    statement, witness = made
    value, blinding = witness.reveal()
    for wrong in (
        (value, blinding + 1),
        (value + 1, blinding),
        (value,),
        (value, blinding, 1),
        (value, ORDER),
        (-1, blinding),
    ):
        with pytest.raises(ProofError):
            system.prove(statement, Secret(wrong), context=CONTEXT)


@pytest.mark.parametrize(("system", "made"), [(RANGES, in_range(6, 3, 10)), (SETS, in_set(443, *SET))])
def test_a_transcript_of_a_range_or_set_can_be_made_without_a_witness(system, made):
    """Points that hold anything, and a challenge chosen beforehand: it satisfies all equations, and shows nothing."""
    statement, _ = made
    relation = statement.relation([commit(random_scalar(), random_scalar()) for _ in range(statement.auxiliaries)])
    challenge = random_scalar()
    commitment, response = simulate(relation, challenge)
    for left, image, right in zip(commitment, relation.images, relation.map(response), strict=True):
        assert left + multiply(challenge, image) == right


@pytest.mark.parametrize("build", [lambda: RangeStatement(IDENTITY, 0, 1), lambda: MembershipStatement(IDENTITY, (1,))])
def test_the_identity_is_no_commitment(build):
    with pytest.raises(ProofError, match="identity"):
        build()


def test_bytes_that_are_no_statement_are_refused():
    data = RangeStatement(GENERATOR, 3, 10).encode()
    for wrong in (b"\4" + data[1:], data[:33] + data[41:] + data[33:41]):
        with pytest.raises(ProofError):
            RangeStatement.decode(wrong)
    data = MembershipStatement(GENERATOR, (3, 10)).encode()
    swapped = data[:37] + data[69:] + data[37:69]
    for wrong in (swapped, data[:33] + b"\xff\xff\xff\xff" + data[37:], data[:-32] + ORDER.to_bytes(32, "big")):
        with pytest.raises(ProofError):
            MembershipStatement.decode(wrong)


def test_a_proof_reads_back_and_other_bytes_do_not():
    proof = Proof("acme/1", b"data")
    data = proof.encode()
    assert Proof.decode(data) == proof
    for wrong in (
        b"",
        data[:-1],
        data + b"\0",
        b"\xff" * 8,
        data.replace(b"acme", b"ac\xffe"),
        data.replace(b"acme", b"ac\ne"),
    ):
        with pytest.raises(ProofError):
            Proof.decode(wrong)
    with pytest.raises(ProofError, match="bytes"):
        Proof("acme/1", bytes(MAX_PROOF_BYTES + 1))
    with pytest.raises(ProofError, match="suite"):
        Proof("", b"")


def test_a_context_is_bounded_and_its_parts_do_not_run_together():
    contexts = [
        Context("a", (b"b", b"c")), Context("ab", (b"c",)), Context("a", (b"bc",)), Context("a", (b"b", b"c", b"")), Context("a"),
    ]  # fmt: skip
    assert len({context.encode() for context in contexts}) == len(contexts)
    for arguments in (("",), ("a", (b"",) * (MAX_FIELDS + 1)), ("a", (bytes(MAX_FIELD_BYTES + 1),)), ("a" * 5000,)):
        with pytest.raises(ProofError):
            Context(*arguments)
