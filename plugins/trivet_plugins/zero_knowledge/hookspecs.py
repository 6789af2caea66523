"""The hook that zero knowledge brings: `register_proof_systems`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trivet.hookspecs import hookspec

if TYPE_CHECKING:
    from trivet import Composition, Provider
    from trivet_plugins.zero_knowledge.system import ProofSystem


@hookspec(kind="proof_system")
def register_proof_systems(composition: Composition) -> Iterable[Provider[ProofSystem]]:  # type: ignore[empty-body]
    """Offer what proves statements about secrets without showing them, each with a suite of its own."""
