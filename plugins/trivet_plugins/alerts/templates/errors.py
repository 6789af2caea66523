"""`TemplateError`: the text is no template; `ExpansionError`: it is one, and comes to no end with this data."""

from __future__ import annotations

from typing import ClassVar

from trivet.errors import TrivetError
from trivet.exit_codes import EX_DATAERR


class TemplateError(TrivetError, ValueError):
    """A text is no template.

    Args:
        reason: What is wrong with it.
        line: Where, from 1.
        column: Likewise, in characters.
    """

    exit_code: ClassVar[int] = EX_DATAERR

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(reason, line, column)
        self.reason = reason
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.reason}"


class ExpansionError(TemplateError):
    """A template cannot be expanded: a function fails, a field is not there, it takes too much."""
