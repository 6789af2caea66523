"""`Refusal`: who refused a reload, and why; it becomes a problem with a place, like all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trivet.config.attribution import Attribution
from trivet.config.origin import Path
from trivet.config.problem import Problem
from trivet.config.provenance import origins, trace
from trivet.config.redaction import Redaction, holds_any

if TYPE_CHECKING:
    from trivet.config.schema import Schema
    from trivet.config.snapshot import Snapshot


@attrs.frozen
class Refusal:
    """Why a participant refused a reload.

    Args:
        name: The participant's.
        reason: One line.
        path: The value that is to blame; empty where none is named.
    """

    name: str
    reason: str
    path: Path = ()

    def problem(self, new: Snapshot, schema: Schema) -> Problem:
        """Return the problem, without any secret's text.

        Args:
            new: What was refused.
            schema: Knows secrets and defaults.
        """
        message = f"{self.name} refused the reload: {self.reason}"
        if holds_any(message, Redaction(schema, new.secrets).secrets(new.tree)):
            message = f"{self.name} refused the reload, for a reason that holds a secret"
        if not self.path:
            return Problem(message)
        shadowed = tuple(origins(trace(new.layers, self.path).shadowed, self.path))
        return Problem(message, Attribution(new.layers, schema).of(self.path), self.path, shadowed)
