"""What every `ProofSystem` promises: a pytest class to subclass, as those of `trivet.testing.suites`."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import attrs
import pytest

from trivet.testing.suites.suite import Suite, override
from trivet_plugins.zero_knowledge.context import Context
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.proof import SUITE_NAME, Proof
from trivet_plugins.zero_knowledge.system import ProofSystem, Statement, Witness

__all__ = ("ProofCase", "ProofSystemSuite")

CONTEXT: Final = Context("suite/1", (b"node", b"epoch"))
_DAMAGES: Final = 40


@attrs.frozen
class ProofCase:
    """A statement that is true, one of the same type that is not true for this witness, and a witness that fits neither."""

    statement: Statement
    witness: Witness
    untrue: Statement
    wrong: Witness


class ProofSystemSuite(Suite):
    """The promises of a proof system. Override `system` and `case`."""

    @pytest.fixture
    def system(self) -> ProofSystem:
        """Return the proof system."""
        override("system")

    @pytest.fixture
    def case(self) -> ProofCase:
        """Return what it is to prove; small, as a proof is verified some 50 times."""
        override("case")

    def test_it_has_the_shape_of_its_contract(self, system: ProofSystem, case: ProofCase) -> None:
        """Its suite is a name, and its types are statements."""
        assert isinstance(system, ProofSystem)
        assert SUITE_NAME.match(system.suite)
        assert any(character.isdigit() for character in system.suite), "without a version"
        assert system.statement_types
        assert isinstance(case.statement, system.statement_types)

    def test_a_statement_has_one_encoding(self, case: ProofCase) -> None:
        """It reads back; cut or longer it is none."""
        for statement in (case.statement, case.untrue):
            data = statement.encode()
            assert type(statement).decode(data) == statement
            for wrong in (b"", data[:-1], data[1:], data + b"\0", data + data):
                with pytest.raises(ProofError):
                    type(statement).decode(wrong)
        assert case.statement.encode() != case.untrue.encode()

    def test_a_proof_of_a_true_statement_holds(self, system: ProofSystem, case: ProofCase) -> None:
        """Also after it was stored, with its statement."""
        proof = Proof.decode(system.prove(case.statement, case.witness, context=CONTEXT).encode())
        statement = type(case.statement).decode(case.statement.encode())
        assert proof.suite == system.suite
        assert system.verify(statement, proof, context=CONTEXT) is True

    def test_proofs_are_fresh(self, system: ProofSystem, case: ProofCase) -> None:
        """No two are alike: else a nonce was used twice."""
        proofs = {system.prove(case.statement, case.witness, context=CONTEXT).data for _ in range(3)}
        assert len(proofs) == 3

    def test_what_is_not_true_is_not_proven(self, system: ProofSystem, case: ProofCase) -> None:
        """Neither with another witness nor of another statement; the error holds no number of the witness."""
        empty: Witness = type(case.witness)(())
        tries = ((case.statement, case.wrong), (case.untrue, case.witness), (case.statement, empty))
        for statement, witness in tries:
            with pytest.raises(ProofError) as refusal:
                system.prove(statement, witness, context=CONTEXT)
            assert refusal.value.__cause__ is None
            assert not any(str(number) in str(refusal.value) for number in witness.reveal() if number > 999)

    def test_a_proof_holds_for_its_own_statement_only(self, system: ProofSystem, case: ProofCase) -> None:
        """One of the same type is another."""
        proof = system.prove(case.statement, case.witness, context=CONTEXT)
        assert system.verify(case.untrue, proof, context=CONTEXT) is False

    @pytest.mark.parametrize(
        "context",
        [
            Context("suite/2", CONTEXT.fields),
            Context("suite/1", (b"epoch", b"node")),
            Context("suite/1", (b"nodeepoch",)),
            Context("suite/1", (b"node", b"epoch", b"")),
            Context("suite/1", (b"nodee", b"poch")),
            Context("suite/1"),
        ],
    )
    def test_a_proof_holds_in_its_own_context_only(
        self, system: ProofSystem, case: ProofCase, context: Context
    ) -> None:
        """Another version, another order, fields that run together: each is another context."""
        proof = system.prove(case.statement, case.witness, context=CONTEXT)
        assert system.verify(case.statement, proof, context=context) is False

    def test_a_proof_of_another_suite_is_refused(self, system: ProofSystem, case: ProofCase) -> None:
        """Its bytes may be right."""
        proof = system.prove(case.statement, case.witness, context=CONTEXT)
        assert system.verify(case.statement, Proof(f"{proof.suite}x", proof.data), context=CONTEXT) is False

    def test_a_damaged_proof_is_refused_without_an_error(self, system: ProofSystem, case: ProofCase) -> None:
        """Changed, cut, longer, turned round or empty; the undamaged one holds."""
        proof = system.prove(case.statement, case.witness, context=CONTEXT)
        data = proof.data
        assert system.verify(case.statement, proof, context=CONTEXT) is True
        places = sorted({*range(0, len(data), max(1, len(data) // _DAMAGES)), len(data) - 1})
        changed = [data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :] for place in places]
        cut = [data[:start] + data[end:] for start, end in pairwise(places)]
        longer = [data + b"\0", b"\0" + data, data + data]
        for wrong in (*changed, *cut, *longer, data[::-1], b"", bytes(len(data)), b"\xff" * len(data)):
            assert system.verify(case.statement, Proof(proof.suite, wrong), context=CONTEXT) is False

    def test_a_statement_of_a_foreign_type_is_refused(self, system: ProofSystem, case: ProofCase) -> None:
        """Proving says so, verifying is false."""
        proof = system.prove(case.statement, case.witness, context=CONTEXT)
        with pytest.raises(ProofError):
            system.prove(_Foreign(), case.witness, context=CONTEXT)
        assert system.verify(_Foreign(), proof, context=CONTEXT) is False


@attrs.frozen
class _Foreign:
    def encode(self) -> bytes:
        return b"foreign"

    @classmethod
    def decode(cls, data: bytes) -> _Foreign:
        del data
        return cls()
