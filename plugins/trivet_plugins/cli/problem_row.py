"""A problem as the row of a JSON listing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trivet import Problem


def problem_row(problem: Problem) -> dict[str, object]:
    """Return file, line, column, path and message; what is not known is null."""
    from trivet.config.origin import dotted

    origin = problem.origin
    return {
        "file": origin.source if origin else None,
        "line": origin.line if origin else None,
        "column": origin.column if origin else None,
        "path": dotted(problem.path) or None,
        "message": problem.message,
    }
