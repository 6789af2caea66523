"""`Problem`: what is wrong with a file of rules or of tests, and where; `ProblemsError` carries all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from trivet.errors import TrivetError
from trivet.exit_codes import EX_DATAERR

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.frozen(order=True)
class Problem:
    """Something is wrong.

    Args:
        file: As it was named.
        line: From 1; 0 where it is about the whole file.
        column: Likewise, in characters.
        message: What, and what to do about it.
        is_warning: It does not keep the file from being used.
    """

    file: str
    line: int
    column: int
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {'warning' if self.is_warning else 'error'}: {self.message}"


class ProblemsError(TrivetError, ValueError):
    """Files cannot be used.

    Args:
        problems: All that is wrong with them.
    """

    exit_code: ClassVar[int] = EX_DATAERR

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))
