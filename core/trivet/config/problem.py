"""`Problem`: one thing that is wrong with the configuration, with its place and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trivet.config.origin import dotted

if TYPE_CHECKING:
    from trivet.config.origin import Origin, Path


@attrs.frozen
class Problem:
    """One thing that is wrong, printed as ``config/base.toml:8:10: error: database.pool_size: must be >= 1``.

    Args:
        message: What is wrong and what to do. Never a secret's text.
        origin: Where, or None where the value is in no layer (a required key that nobody sets).
        path: The configuration path, empty where the whole document is meant.
        shadowed: Other places that set the same path and lost.
        down: True where a source could not be reached, rather than said something wrong.
    """

    message: str
    origin: Origin | None = None
    path: Path = ()
    shadowed: tuple[Origin, ...] = ()
    down: bool = False

    def __str__(self) -> str:
        place = f"{self.origin}: " if self.origin is not None else ""
        path = f"{dotted(self.path)}: " if self.path else ""
        also = f" (also set at {', '.join(map(str, self.shadowed))})" if self.shadowed else ""
        return f"{place}error: {path}{self.message}{also}"
