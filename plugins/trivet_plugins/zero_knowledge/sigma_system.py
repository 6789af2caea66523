"""`SigmaSystem`: a proof system over sigma proofs, for each kind of statement that compiles to a linear relation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import attrs

from trivet_plugins.zero_knowledge.codec import Reader
from trivet_plugins.zero_knowledge.context import Context
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.point import POINT_BYTES, Point
from trivet_plugins.zero_knowledge.proof import Proof
from trivet_plugins.zero_knowledge.relation import LinearRelation
from trivet_plugins.zero_knowledge.sigma import SUITE, Flavour, prove, verify
from trivet_plugins.zero_knowledge.system import Statement, Witness

__all__ = ("REVISION", "Compiled", "RelationStatement", "SigmaSystem")

REVISION: Final = "draft-2026-08"
"""The state of the draft, in the suite of every proof: bytes of another state are of another suite."""
_FLAVOUR: Final = Flavour.COMPACT


@runtime_checkable
class Compiled(Statement, Protocol):
    """A statement that is a linear relation, once the prover has committed to what it needs besides."""

    @property
    def auxiliaries(self) -> int:
        """How many points a proof brings."""
        ...

    def relation(self, points: Sequence[Point], /) -> LinearRelation:
        """Return what is proven, for these points."""
        ...

    def commit(self, witness: Sequence[int]) -> tuple[tuple[Point, ...], tuple[int, ...]]:
        """Return the points, and the relation's witness. Raises `ProofError` where the witness does not fit the statement."""
        ...


@attrs.frozen
class RelationStatement:
    """A linear relation as it stands; witness: its scalars."""

    linear: LinearRelation

    def encode(self) -> bytes:
        """Return the serialized relation of the draft."""
        return self.linear.encode()

    @classmethod
    def decode(cls, data: bytes) -> RelationStatement:
        """Read a serialized relation."""
        return cls(LinearRelation.decode(data))

    @property
    def auxiliaries(self) -> int:
        """None: the relation has all it needs."""
        return 0

    def relation(self, points: Sequence[Point], /) -> LinearRelation:
        """Return the relation. It takes no points."""
        if points:
            raise ProofError("a linear relation as it stands takes no points besides its own")
        return self.linear

    def commit(self, witness: Sequence[int]) -> tuple[tuple[Point, ...], tuple[int, ...]]:
        """Return the witness, if it satisfies the relation."""
        if not self.linear.holds(witness):
            raise ProofError("the witness does not satisfy the relation")
        return (), tuple(witness)


@attrs.frozen
class SigmaSystem:
    """Proves statements of one type: the points of its own, then a compact sigma proof.

    Args:
        name: The first part of the suite.
        statement_type: What it proves.
    """

    name: str
    statement_type: type[Compiled]

    @property
    def suite(self) -> str:
        """The construction, the draft's suite and the state of the draft."""
        return f"{self.name}/{SUITE}/{REVISION}"

    @property
    def statement_types(self) -> tuple[type[Statement], ...]:
        """The one type."""
        return (self.statement_type,)

    def prove(self, statement: Statement, witness: Witness, *, context: Context) -> Proof:
        """Check the witness, and make a proof."""
        if not isinstance(statement, self.statement_type):
            raise ProofError(f"{self.suite} proves a {self.statement_type.__name__}, not a {type(statement).__name__}")
        points, scalars = statement.commit(witness.reveal())
        proof = prove(statement.relation(points), scalars, self._tag(context), flavour=_FLAVOUR)
        return Proof(self.suite, b"".join(point.encode() for point in points) + proof)

    def verify(self, statement: Statement, proof: Proof, *, context: Context) -> bool:
        """Tell whether a proof holds."""
        if not isinstance(statement, self.statement_type) or proof.suite != self.suite:
            return False
        try:
            reader = Reader(proof.data)
            if reader.remaining < POINT_BYTES * statement.auxiliaries:
                return False
            relation = statement.relation(reader.points(statement.auxiliaries))
            return verify(relation, reader.take(reader.remaining), self._tag(context), flavour=_FLAVOUR)
        except ProofError:
            return False

    def _tag(self, context: Context) -> bytes:
        return b"trivet zero knowledge v1 " + _FLAVOUR.value + b" " + self.suite.encode() + b"\n" + context.encode()
