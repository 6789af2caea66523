"""Proofs about secrets that do not show them: sigma proofs, range and membership proofs, oblivious evaluation, on P-256.

Config: none. The plugin ``zero_knowledge`` brings the hook ``register_proof_systems`` and three proof systems::

    system = kernel.provided("proof_system")["range_p256"]
    proof = system.prove(RangeStatement(commitment, 1024, 65535), witness, context=Context("orders/port/1"))

What is proven and what must be trusted is on the page of the reference about zero knowledge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Provider, hookimpl
from trivet_plugins.zero_knowledge import hookspecs as trivet_hookspecs

if TYPE_CHECKING:
    from trivet import Composition
    from trivet_plugins.zero_knowledge.system import ProofSystem

__all__ = ("register_proof_systems", "trivet_hookspecs")


def relations() -> ProofSystem:
    """Make the system that proves linear relations."""
    from trivet_plugins.zero_knowledge.sigma_system import RelationStatement, SigmaSystem

    return SigmaSystem("relation", RelationStatement)


def ranges() -> ProofSystem:
    """Make the system that proves ranges."""
    from trivet_plugins.zero_knowledge.range_statement import RangeStatement
    from trivet_plugins.zero_knowledge.sigma_system import SigmaSystem

    return SigmaSystem("trivet-range-1", RangeStatement)


def members() -> ProofSystem:
    """Make the system that proves membership in a set."""
    from trivet_plugins.zero_knowledge.membership_statement import MembershipStatement
    from trivet_plugins.zero_knowledge.sigma_system import SigmaSystem

    return SigmaSystem("trivet-membership-1", MembershipStatement)


@hookimpl
def register_proof_systems(composition: Composition) -> list[Provider[ProofSystem]]:
    """Offer ``proof_system/sigma_p256``, ``proof_system/range_p256`` and ``proof_system/membership_p256``."""
    return [
        Provider(name="sigma_p256", factory=relations),
        Provider(name="range_p256", factory=ranges),
        Provider(name="membership_p256", factory=members),
    ]
