"""What can go wrong with a query: `QueryError` in its text, `EvaluationError` and `QueryLimitError` while it is answered."""

from __future__ import annotations

from typing import ClassVar

from trivet.errors import TrivetError
from trivet.exit_codes import EX_DATAERR


class PromqlError(TrivetError, ValueError):
    """The root of what goes wrong with queries."""

    exit_code: ClassVar[int] = EX_DATAERR


class QueryError(PromqlError):
    """The text is no query, or one that is not supported.

    Args:
        reason: What is wrong with it, and what to do about it where that is known.
        line: Where, from 1; 0 where the place is not known.
        column: Likewise, in characters.
    """

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        super().__init__(reason, line, column)
        self.reason = reason
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.reason}" if self.line else self.reason


class UnsupportedError(QueryError):
    """Prometheus has it; this has not. The reason names it."""


class PatternError(PromqlError):
    """A regular expression is none of RE2's."""


class EvaluationError(PromqlError):
    """The query has no answer over these series: two series for one place of a match, say."""


class QueryLimitError(PromqlError):
    """The query takes more time, samples or series than it may.

    Args:
        reason: What of, and how much it may take.
    """
