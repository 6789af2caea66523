"""Zero knowledge on P-256: what a proof and each step of an oblivious evaluation cost, beside the limits set for them.

There is no peer in Python that speaks these formats, so each measure has the limit as its peer. Times are of the processor: there
is no peer to slow down alongside when a machine is busy.
"""

from __future__ import annotations

import statistics
import time
import timeit
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.harness import Row, at_most, measure
from trivet import Secret
from trivet_plugins.zero_knowledge.context import Context
from trivet_plugins.zero_knowledge.named_relations import discrete_logarithm, dleq
from trivet_plugins.zero_knowledge.oprf import Mode, OprfKey, blind, finalize_verified
from trivet_plugins.zero_knowledge.pedersen import commit
from trivet_plugins.zero_knowledge.point import GENERATOR, multiply
from trivet_plugins.zero_knowledge.range_statement import RangeStatement
from trivet_plugins.zero_knowledge.relation import LinearRelation
from trivet_plugins.zero_knowledge.scalar import random_scalar
from trivet_plugins.zero_knowledge.sigma import SUITE, Flavour, prove, verify
from trivet_plugins.zero_knowledge.sigma_system import SigmaSystem
from trivet_plugins.zero_knowledge.system import Witness

ROUNDS = 15
TAG = b"benchmark CMPT " + SUITE.encode()
CONTEXT = Context("benchmark/1")
BITS = 32
_BLOCK = 0.05


def row(name: str, limit: float, work: Callable[[], object]) -> Row:
    """Time calls in seconds of the processor; the median of some rounds beside a limit."""
    block = timeit.Timer(work, timer=time.process_time).timeit
    loops = max(1, int(_BLOCK / max(block(1), 1e-9)))
    ours = statistics.median(block(loops) / loops for _ in range(ROUNDS))
    return Row(
        measure=name,
        peer="the limit",
        ours=ours,
        theirs=limit,
        ratio=ours / limit,
        goal=str(at_most(1.0)),
        shown=f"{ours / limit:.2f}x",
        met=ours <= limit,
    )


def proving(name: str, relation: LinearRelation, key: int, limits: tuple[float, float]) -> list[Row]:
    """Prove and verify a statement that was checked when it was made."""
    proof = prove(relation, [key], TAG, flavour=Flavour.COMPACT)
    if not verify(relation, proof, TAG, flavour=Flavour.COMPACT):
        raise RuntimeError(f"{name} does not verify: there is nothing to measure")
    return [
        row(f"{name}: prove", limits[0], lambda: prove(relation, [key], TAG, flavour=Flavour.COMPACT)),
        row(f"{name}: verify", limits[1], lambda: verify(relation, proof, TAG, flavour=Flavour.COMPACT)),
    ]


@measure("Schnorr proof, P-256")
@contextmanager
def schnorr() -> Iterator[Sequence[Row]]:
    """Know the scalar of a point."""
    key = random_scalar()
    yield proving("Schnorr proof, P-256", discrete_logarithm(multiply(key, GENERATOR)), key, (0.1e-3, 0.6e-3))


@measure("DLEQ proof, P-256")
@contextmanager
def equality() -> Iterator[Sequence[Row]]:
    """Two points have the same scalar."""
    key, base = random_scalar(), multiply(random_scalar(), GENERATOR)
    relation = dleq(multiply(key, GENERATOR), base, multiply(key, base))
    yield proving("DLEQ proof, P-256", relation, key, (0.3e-3, 0.8e-3))


@measure("32-bit range proof, P-256")
@contextmanager
def ranges() -> Iterator[Sequence[Row]]:
    """Prove all of it: the opening, the bits and their sum, with the statement made anew each time."""
    system = SigmaSystem("trivet-range-1", RangeStatement)
    opening = (3_000_000_000, random_scalar())
    statement = RangeStatement(commit(*opening), 0, 2**BITS - 1)
    witness: Witness = Secret(opening)
    proof = system.prove(statement, witness, context=CONTEXT)
    if not system.verify(statement, proof, context=CONTEXT):
        raise RuntimeError("the range proof does not verify: there is nothing to measure")
    name = "32-bit range proof, P-256"
    yield [
        row(f"{name}: prove", 60e-3, lambda: system.prove(statement, witness, context=CONTEXT)),
        row(f"{name}: verify", 80e-3, lambda: system.verify(statement, proof, context=CONTEXT)),
    ]


@measure("VOPRF, P256-SHA256")
@contextmanager
def voprf() -> Iterator[Sequence[Row]]:
    """One input: blinded, evaluated with a proof, verified and taken off."""
    key, data, mode = OprfKey.generate(), b"correct horse battery staple", Mode.VOPRF
    blindings = [blind(data, mode=mode)]
    evaluation = key.evaluate([blindings[0].element], mode=mode)
    if finalize_verified(blindings, evaluation, key.public_key) != [key.output(data, mode=mode)]:
        raise RuntimeError("the evaluation is wrong: there is nothing to measure")
    name = "VOPRF, P256-SHA256"
    yield [
        row(f"{name}: blind", 0.5e-3, lambda: blind(data, mode=mode)),
        row(f"{name}: evaluate", 0.7e-3, lambda: key.evaluate([blindings[0].element], mode=mode)),
        row(f"{name}: finalize", 1e-3, lambda: finalize_verified(blindings, evaluation, key.public_key)),
    ]
