"""The JSON forms of what configuration tells: origins, values, differences, explanations, problems. No secret is in them.

The admin pages and the command line print the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet.config.origin import Origin, dotted, parse_path
from trivet.config.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet.config.explanation import Explanation
    from trivet.config.leaf import Difference, Leaf

Row = dict[str, object]

_PLACE = ("layer", "source", "line", "column")
_RARE = ("revision", "note")


def origin_row(origin: Origin | None) -> Row | None:
    """Return layer, source, line and column, null where unknown; ``revision`` and ``note`` only where there is one."""
    if origin is None:
        return None
    rare = {name: value for name in _RARE if (value := getattr(origin, name)) is not None}
    return {**{name: getattr(origin, name) for name in _PLACE}, **rare}


def origin_of(row: Mapping[str, object] | None) -> Origin | None:
    """Return the origin that a row was made of."""
    return None if row is None else Origin(**{name: row.get(name) for name in (*_PLACE, *_RARE)})  # type: ignore[arg-type]  # as `origin_row` wrote it


def leaf_row(leaf: Leaf) -> Row:
    """Return a value of the effective configuration with its path and origin."""
    return {"path": dotted(leaf.path), "value": leaf.value, "origin": origin_row(leaf.origin)}


def difference_row(difference: Difference) -> Row:
    """Return a path, and what each side has there; null where it has nothing."""
    return {
        "path": dotted(difference.path),
        "before": _side(difference.before),
        "after": _side(difference.after),
    }


def _side(leaf: Leaf | None) -> Row | None:
    return None if leaf is None else {"value": leaf.value, "origin": origin_row(leaf.origin)}


def explanation_row(found: Explanation) -> Row:
    """Return a value, where it comes from, and the places that set it in vain."""
    shadowed = [{**(origin_row(one.origin) or {}), "value": one.value} for one in found.shadowed]
    return {
        "path": found.path,
        "value": found.value,
        "reference": found.reference,
        "origin": origin_row(found.origin),
        "shadowed": shadowed,
    }


def problem_row(problem: Problem) -> Row:
    """Return file, line, column, path and message; what is not known is null."""
    origin = problem.origin
    return {
        "file": origin.source if origin else None,
        "line": origin.line if origin else None,
        "column": origin.column if origin else None,
        "path": dotted(problem.path) or None,
        "message": problem.message,
    }


def problem_of(row: Mapping[str, object]) -> Problem:
    """Return the problem that a row was made of, as far as the row has it: other places that set the value are not in it."""
    place = {"source": row["file"], "line": row["line"], "column": row["column"]}
    origin = None if row["file"] is None else origin_of({"layer": "", **place})
    return Problem(str(row["message"]), origin, parse_path(str(row["path"])) if row["path"] else ())
