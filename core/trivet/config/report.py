"""The report: faults become problems with a place, the other places that set the value, and no secret's text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from trivet.config.fault import Fault, MissingKey, RefusedValue
from trivet.config.layer import Layer
from trivet.config.origin import Origin, Path
from trivet.config.problem import Problem
from trivet.config.provenance import origin_of, origins, trace
from trivet.config.redaction import Redaction, holds_any, mask_userinfo
from trivet.config.tree import MISSING, Text

_SHOWN = 60  # characters of a value in a message


@attrs.frozen(eq=False, kw_only=True)
class Report:
    """Turns faults into problems.

    Args:
        layers: Weakest first.
        redaction: Knows what may be shown.
        tree: The tree that was structured.
        prefix: Of environment variables, e.g. ``ORDERS_``.
    """

    layers: Sequence[Layer]
    redaction: Redaction
    tree: Mapping[str, Any] = attrs.field(repr=False)
    prefix: str

    def problems(self, faults: Iterable[tuple[Path, Fault]]) -> list[Problem]:
        """Return the problems of faults."""
        found = [*faults]
        secrets = self.redaction.secrets(self.tree) if found else frozenset()
        return [self._problem(path, fault, secrets) for path, fault in found]

    def _problem(self, path: Path, fault: Fault, secrets: frozenset[str]) -> Problem:
        message = self._message(path, fault)
        if holds_any(message, secrets):
            message = fault.plain if isinstance(fault, RefusedValue) else "not a valid value"
        if isinstance(fault, MissingKey):
            return Problem(message, origin_of(self.layers, path), path)
        seen = trace(self.layers, path)
        place = seen.winner.layer.locate(path) if seen.winner is not None else origin_of(self.layers, path)
        return Problem(message, place, path, tuple(origins(seen.shadowed, path)))

    def _message(self, path: Path, fault: Fault) -> str:
        if isinstance(fault, MissingKey):
            return f"{fault.message}; set it in a file or as {self._variable(path)}"
        secret = self.redaction.is_secret(path)
        if isinstance(fault, RefusedValue):
            return fault.plain if secret else _with_value(fault.message, fault.value)
        message = fault.message
        if fault.value is not MISSING and not secret:
            message = f"{message}, got {_shown(fault.value)}"
        return f"{message}; {fault.hint}" if fault.hint else message

    def _variable(self, path: Path) -> str:
        return self.prefix + "__".join(str(part).upper() for part in path)


def _with_value(message: str, value: object) -> str:
    """Say ``must be >= 1, got 0`` where the validator says ``must be >= 1: 0``."""
    text, mark, tail = message.rpartition(": ")
    return f"{text}, got {_shown(value)}" if mark and tail in {str(value), repr(value)} else message


def _shown(value: object) -> str:
    text = repr(mask_userinfo(str(value)) if isinstance(value, (str, Text)) else value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def in_order(problems: Iterable[Problem], layers: Sequence[Layer]) -> tuple[Problem, ...]:
    """Return problems without repetition, in the order of layers, then lines; those without a place last."""
    ranks: dict[str, int] = {}
    for layer in layers:
        ranks.setdefault(layer.name, len(ranks))

    def rank(problem: Problem) -> tuple[int, str, int, int]:
        origin: Origin | None = problem.origin
        if origin is None:
            return len(ranks) + 1, "", 0, 0
        return ranks.get(origin.layer, -1), origin.source, origin.line or 0, origin.column or 0

    return tuple(sorted(dict.fromkeys(problems), key=rank))
