"""`ProofSystem`: the contract of what proves and verifies statements, and `Statement`, what they are about.

A plugin brings one by the hook ``register_proof_systems``; `trivet_plugins.zero_knowledge.conformance` holds it to its promises.
"""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

from trivet.secret import Secret
from trivet_plugins.zero_knowledge.context import Context
from trivet_plugins.zero_knowledge.proof import Proof

__all__ = ("ProofSystem", "Statement", "Witness")

Witness = Secret[tuple[int, ...]]
"""Integers; the statement's type says which."""


@runtime_checkable
class Statement(Protocol):
    """A frozen record that is valid where it exists, and has one encoding."""

    def encode(self) -> bytes:
        """Return its bytes. Equal statements have equal bytes, others others."""
        ...

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a stranger's bytes.

        Raises:
            ProofError: They are not what `encode` writes, or too many. Sizes are checked before any arithmetic.
        """
        ...


@runtime_checkable
class ProofSystem(Protocol):
    """Proves statements of its types. Both calls compute and do not wait: run long ones in a thread."""

    @property
    def suite(self) -> str:
        """What its proofs are marked with: letters, digits and ``._/-``, with a version that changes when the bytes do."""
        ...

    @property
    def statement_types(self) -> tuple[type[Statement], ...]:
        """What it can prove."""
        ...

    def prove(self, statement: Statement, witness: Witness, *, context: Context) -> Proof:
        """Make a proof.

        Args:
            statement: Of one of `statement_types`.
            witness: What makes the statement true.
            context: What the proof is bound to.

        Raises:
            ProofError: The statement is of another type, or the witness does not make it true. Shows nothing of the witness.
        """
        ...

    def verify(self, statement: Statement, proof: Proof, *, context: Context) -> bool:
        """Tell whether a proof holds. Never raises for what a stranger sent, and gives no reason.

        Args:
            statement: The verifier's own, or a stranger's that was decoded.
            proof: A stranger's.
            context: The verifier's own.
        """
        ...
